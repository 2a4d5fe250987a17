"""Random batches against a table and against a model of it: the same rows, the same receipts."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.api.sending import counts, execute, send, stored
from tests.scale import scale

pytestmark = pytest.mark.usefixtures("database")

COLUMNS = ("id", "code", "par", "n", "note")
PARENTS = range(5)
SIGHTINGS = "SELECT coalesce(sum(seen), 0) FROM service.rejection"
DEFAULTS = {"n": 7, "note": "none"}

Row = dict[str, Any]


@dataclass
class Batch:
    """A request: its rows (an object, or the text of what is none) and how they are sent."""

    rows: list[Row | str]
    format: str
    mode: str
    atomic: bool
    dry_run: bool
    has_key: bool

    @property
    def query(self) -> str:
        flags = f"atomic={self.atomic}&dry_run={self.dry_run}".lower()
        return f"?on_conflict={self.mode}&{flags}"

    @property
    def body(self) -> str:
        if self.format == "csv":
            return "\n".join([",".join(COLUMNS), *map(self._line, self.rows)])
        texts = [row if isinstance(row, str) else json.dumps(row) for row in self.rows]
        return "\n".join(texts) if self.format == "ndjson" else f"[{','.join(texts)}]"

    @property
    def content_type(self) -> str:
        return {
            "json": "application/json",
            "ndjson": "application/x-ndjson",
            "csv": "text/csv",
        }[self.format]

    @staticmethod
    def _line(row: Row | str) -> str:
        if isinstance(row, str):
            return "1,2"
        given = [row.get(name) for name in COLUMNS]
        return ",".join("" if value is None else str(value) for value in given)


@dataclass
class Model:
    """What the table must hold, and what becomes of a batch."""

    rows: dict[int, Row] = field(default_factory=dict)

    def take(self, batch: Batch) -> tuple[tuple[int, int, int, int, int], dict[int, list[str]]]:
        """Return the receipt's counts and each rejected row's codes; keep the rows if stored."""
        before = {key: dict(row) for key, row in self.rows.items()}
        taken: dict[tuple[str, Any], int] = {}
        done = {"inserted": 0, "updated": 0, "ignored": 0}
        rejected: dict[int, list[str]] = {}
        for index, sent in enumerate(batch.rows):
            codes, row = self._read(batch, sent)
            codes += self._judge(batch, row, before, taken)
            if codes:
                rejected[index] = sorted(codes)
                continue
            for name in ("id", "code"):
                if row.get(name) is not None:
                    taken[name, row[name]] = index
            done[self._store(batch.mode, row)] += 1
        if batch.dry_run or (batch.atomic and rejected):
            self.rows = before
        if batch.atomic and rejected:
            done = {"inserted": 0, "updated": 0, "ignored": len(batch.rows) - len(rejected)}
        received = len(batch.rows)
        return (received, *done.values(), len(rejected)), rejected  # type: ignore[return-value]

    def _read(self, batch: Batch, sent: Row | str) -> tuple[list[str], Row]:
        """Return the codes of what no rule of the table is needed for, and the readable values."""
        if isinstance(sent, str):
            if batch.format == "csv":
                return ["column_count"], {}
            return ["row_not_object" if sent == "5" else "bad_json"], {}
        row = dict(sent)
        if batch.format == "csv":
            row = {k: v for k, v in row.items() if v not in (None, "") and k in COLUMNS}
        codes = ["unknown_column"] if row.pop("extra", None) is not None else []
        if row.get("id") is None:
            codes.append("null_not_allowed" if "id" in row else "required_missing")
            row.pop("id", None)
        for name in ("id", "par", "n"):
            if isinstance(row.get(name), str):
                codes.append("not_integer")
                row[name] = ...  # unreadable
        if isinstance(row.get("note"), str) and len(row["note"]) > 5:
            codes.append("too_long")
        return codes, row

    def _judge(
        self, batch: Batch, row: Row, before: dict[int, Row], taken: dict[tuple[str, Any], int]
    ) -> list[str]:
        codes = []
        n, par, key, code = row.get("n"), row.get("par"), row.get("id"), row.get("code")
        if isinstance(n, int) and not 0 <= n < 100:
            codes.append("check_violation")
        if isinstance(par, int) and par not in PARENTS:
            codes.append("fk_violation")
        if batch.mode == "update" and isinstance(key, int) and self._owners(code) - {key}:
            codes.append("duplicate_key")
        if batch.mode == "reject":
            codes += ["duplicate_in_batch" for each in row.items() if each in taken]
            codes += ["duplicate_key"] * (isinstance(key, int) and key in before)
            codes += ["duplicate_key"] * any(code == row["code"] for row in before.values() if code)
        return codes

    def _owners(self, code: str | None) -> set[int]:
        return {key for key, row in self.rows.items() if code and row["code"] == code}

    def _store(self, mode: str, row: Row) -> str:
        known = self.rows.get(row["id"])
        if mode == "ignore" and self._owners(row.get("code")):
            return "ignored"
        if known is None:
            self.rows[row["id"]] = dict.fromkeys(COLUMNS) | DEFAULTS | row
            return "inserted"
        if mode == "ignore" or known | row == known:
            return "ignored"
        known.update(row)
        return "updated"


def values(name: str) -> st.SearchStrategy[Any]:
    good: dict[str, st.SearchStrategy[Any]] = {
        "id": st.integers(0, 11),
        "code": st.sampled_from(["a", "b", "c", "d", "e", None]),
        "par": st.sampled_from([0, 1, 2, 3, 4, None]),
        "n": st.sampled_from([0, 7, 50, 99, None]),
        "note": st.sampled_from(["x", "none", "é", None]),
    }
    bad: dict[str, list[Any]] = {
        "id": ["x", "1.5", None],
        "code": ["a"],
        "par": [77, "x"],
        "n": [-1, 100, "x"],
        "note": ["too long"],
    }
    return st.one_of(*[good[name]] * 8, st.sampled_from(bad[name]))


rows = st.one_of(
    *[
        st.fixed_dictionaries(
            {"id": values("id")}, optional={name: values(name) for name in COLUMNS[1:]}
        )
    ]
    * 8,
    st.fixed_dictionaries({}, optional={name: values(name) for name in (*COLUMNS[1:],)}),
    st.fixed_dictionaries({"id": values("id"), "extra": st.just(1)}),
    st.just("5"),
)


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    made = Batch(
        rows=draw(st.lists(rows, min_size=1, max_size=10)),
        format=draw(st.sampled_from(["json", "ndjson", "csv"])),
        mode=draw(st.sampled_from(["reject", "ignore", "update"])),
        atomic=draw(st.sampled_from([False, False, False, True])),
        dry_run=draw(st.sampled_from([False, False, False, True])),
        has_key=draw(st.booleans()),
    )
    if made.format == "ndjson":
        made.rows = [draw(st.sampled_from([row, "{"])) if row == "5" else row for row in made.rows]
    if made.format == "csv":  # a field too many or too few is what CSV can have
        made.rows = ["5" if isinstance(row, dict) and "extra" in row else row for row in made.rows]
    return made


def check_batch(client: Client, model: Model, batch: Batch, number: int) -> None:
    headers = {"Idempotency-Key": f"batch-{number}"} if batch.has_key else {}
    logged = stored(SIGHTINGS)[0][0]

    def post() -> Any:
        return send(
            client, "model", batch.body, batch.query, content_type=batch.content_type, **headers
        )

    answer = post()
    receipt = answer.json()
    expected, rejected = model.take(batch)
    assert counts(answer) == expected, receipt
    alike = {"duplicate_in_batch": "duplicate_key"} if batch.mode == "update" else {}
    found = {
        one["index"]: [alike.get(e["code"], e["code"]) for e in one["errors"]]
        for one in receipt["rejections"]
    }
    assert {index: sorted(codes) for index, codes in found.items()} == rejected
    first = 0 if batch.format == "json" else 2 if batch.format == "csv" else 1
    assert all(
        one["line"] == (one["index"] + first if first else None) for one in receipt["rejections"]
    )
    if not rejected:
        assert answer.status_code == (200 if batch.dry_run else 201)
    else:
        none_stored = batch.atomic or len(rejected) == len(batch.rows)
        assert answer.status_code == (422 if none_stored else 207)
    assert client.get(f"/api/batches/{receipt['batch']}").json() == receipt
    logged_now = stored(SIGHTINGS)[0][0]
    assert logged_now - logged == (0 if batch.dry_run else len(rejected))
    if batch.has_key:
        again = post()
        assert (again.json(), again.status_code) == (receipt, answer.status_code)
        assert again.headers["Idempotency-Replayed"] == "true"
    content = stored("SELECT id, code, par, n, note FROM hiring.model ORDER BY id")
    kept = [tuple(row[name] for name in COLUMNS) for _, row in sorted(model.rows.items())]
    assert content == kept


def test_batches_have_the_outcome_that_a_model_has(client: Client) -> None:
    execute("CREATE TABLE hiring.parents (id int PRIMARY KEY)")
    execute("INSERT INTO hiring.parents SELECT generate_series(0, 4)")
    execute("""
        CREATE TABLE hiring.model (
            id int PRIMARY KEY, code text UNIQUE, par int REFERENCES hiring.parents,
            n int DEFAULT 7 CHECK (n >= 0 AND n < 100), note varchar(5) DEFAULT 'none')
    """)

    @settings(
        max_examples=scale(60),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        phases=[Phase.explicit, Phase.generate, Phase.target],
    )
    @given(st.lists(batches(), min_size=1, max_size=6))
    def check(sequence: list[Batch]) -> None:
        execute("DELETE FROM hiring.model")
        execute("DELETE FROM service.idempotency_key")
        model = Model()
        for number, batch in enumerate(sequence):
            check_batch(client, model, batch, number)

    check()
