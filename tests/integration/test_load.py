"""manage.py load against a service that fails on purpose."""

import csv
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.conf import LazySettings, settings

from ingest.loaders.answers import Receipt
from ingest.loaders.client import IngestClient, ServiceUnreachable
from ingest.loaders.delivery import LoadStopped, load_batches
from ingest.loaders.files import Batch, ReadOptions, read_batches
from ingest.loaders.retries import RetryPolicy
from ingest.management.commands.load import Command
from tests.standin import KEY, StandIn, run_standin

PATIENCE_S = 30


class Outcome(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


Load = Callable[..., Outcome]


@pytest.fixture
def standin() -> Iterator[StandIn]:
    with run_standin() as served:
        yield served


@pytest.fixture
def load(standin: StandIn, capfd: pytest.CaptureFixture[str]) -> Load:
    """Return a function that runs `manage.py load things …` as from a shell."""

    def run(*arguments: str, key: str | None = KEY) -> Outcome:
        keys = ["--key", key] if key else []
        argv = ["manage.py", "load", "things", *arguments, "--url", standin.url, *keys]
        try:
            Command().run_from_argv(argv)
            code = 0
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        return Outcome(code, *capfd.readouterr())

    return run


@pytest.fixture
def things(tmp_path: Path) -> str:
    """Return a CSV file of 25 rows, some of them with a line end or a comma in the name."""
    path = tmp_path / "things.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "name"])
        writer.writerows([number, name_of(number)] for number in range(1, 26))
    return str(path)


def name_of(number: int) -> str:
    return {0: "two\nlines", 1: 'a "b", c'}.get(number % 5, f"name {number}")


def expected_rows(numbers: range = range(1, 26)) -> list[dict[str, str]]:
    return [{"id": str(number), "name": name_of(number)} for number in numbers]


def by_id(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: int(row["id"]))


def count(outcome: Outcome, what: str) -> int:
    found = re.search(rf"([\d,]+) {what}", outcome.out)
    assert found, outcome
    return int(found[1].replace(",", ""))


def test_every_row_is_stored_and_counted(load: Load, standin: StandIn, things: str) -> None:
    outcome = load(things, "--batch-size", "4")
    assert outcome.code == 0
    assert outcome.err == ""
    assert by_id(standin.stored) == expected_rows()
    assert len(standin.requests) == 7
    assert {request.path for request in standin.requests} == {"/api/ingest/things"}
    assert (count(outcome, "rows received"), count(outcome, "inserted")) == (25, 25)
    assert count(outcome, "rejected") == 0


@pytest.mark.parametrize("fault", ["503", "429", "409", "drop", "store_and_drop"])
def test_a_batch_that_is_not_answered_is_sent_again_and_stored_once(
    load: Load, standin: StandIn, things: str, fault: str
) -> None:
    standin.faults = [fault, "", fault, fault]
    outcome = load(things, "--batch-size", "4")
    assert outcome.code == 0
    assert by_id(standin.stored) == expected_rows()
    assert count(outcome, "inserted") == 25
    assert "trying again" in outcome.err
    assert len(standin.requests) == 7 + 3
    assert len({request.key for request in standin.requests}) == 7


def test_two_loads_never_share_a_key(load: Load, standin: StandIn, things: str) -> None:
    load(things)
    load(things)
    assert len({request.key for request in standin.requests}) == 2


def test_an_answer_that_does_not_come_in_time_is_asked_for_again(
    standin: StandIn, things: str
) -> None:
    second_try = threading.Event()
    first_try = threading.Lock()

    def wait_for_the_second_try(rows: object) -> None:
        if first_try.acquire(blocking=False):
            second_try.wait(PATIENCE_S)
        else:
            second_try.set()

    standin.before_answer = wait_for_the_second_try
    batches = read_batches(things, ReadOptions())
    with IngestClient(standin.url, KEY, timeout_s=0.2) as client:
        totals = load_batches(client, "things", batches)
    assert totals.inserted == 25
    assert by_id(standin.stored) == expected_rows()
    assert len({request.key for request in standin.requests}) == 1 < len(standin.requests)


def test_rejected_rows_are_written_in_file_order_with_their_lines(
    load: Load, standin: StandIn, things: str, tmp_path: Path
) -> None:
    standin.bad_ids = frozenset({"2", "4", "5", "6", "25"})
    second_batch = threading.Event()

    def answer_the_first_batch_last(rows: list[dict[str, Any]]) -> None:
        if rows[0]["id"] == "1":
            second_batch.wait(PATIENCE_S)
        elif rows[0]["id"] == "5":
            second_batch.set()

    standin.before_answer = answer_the_first_batch_last
    rejects = tmp_path / "rejects.csv"
    outcome = load(things, "--batch-size", "4", "--rejects", str(rejects))
    assert outcome.code == 3
    assert (count(outcome, "inserted"), count(outcome, "rejected")) == (20, 5)
    with rejects.open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["id", "name", "_line", "_codes", "_errors"]
    # Names whose number ends in 0 or 5 take two lines of the file.
    assert rows[1:] == [
        [str(number), name_of(number), str(line), "bad_value", "bad; id"]
        for number, line in [(2, 3), (4, 5), (5, 6), (6, 8), (25, 30)]
    ]


def test_rejected_csv_rows_of_another_width_keep_all_fields(
    load: Load, standin: StandIn, tmp_path: Path
) -> None:
    standin.bad_ids = frozenset({"1", "2"})
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,name,x\n1\n2,b,c,d\n")
    rejects = tmp_path / "rejects.csv"
    assert load(str(path), "--rejects", str(rejects)).code == 3
    assert rejects.read_text().splitlines()[1:] == [
        "1,,,2,bad_value,bad; id",
        "2,b,c,3,bad_value,bad; id,d",
    ]


@pytest.mark.parametrize(
    ("name", "content", "places"),
    [
        ("a.ndjson", b'{"id": 1.10}\n\n{"id":2}\n{"id": 3}', [{"line": 1}, {"line": 4}]),
        ("a.json", b'[{"id":\n1.10},{"id":2},{"id": 3}]', [{"index": 0}, {"index": 2}]),
    ],
)
def test_rejected_json_rows_are_written_as_they_are(
    load: Load, standin: StandIn, tmp_path: Path, name: str, content: bytes, places: Any
) -> None:
    standin.bad_ids = frozenset({"1.1", "3"})
    path = tmp_path / name
    path.write_bytes(content)
    rejects = tmp_path / "rejects.ndjson"
    assert load(str(path), "--rejects", str(rejects)).code == 3
    lines = rejects.read_text().splitlines()
    assert [line.partition('"row":')[2].partition(',"errors"')[0] for line in lines] == [
        '{"id": 1.10}',
        '{"id": 3}',
    ]
    for line, place in zip(map(json.loads, lines), places, strict=True):
        assert line == {**place, "row": line["row"], "errors": line["errors"]}
        assert line["errors"][0]["code"] == "bad_value"


def test_rejects_of_several_files_name_their_file(
    load: Load, standin: StandIn, tmp_path: Path
) -> None:
    standin.bad_ids = frozenset({"1", "4"})
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    paths[0].write_text("id,name\n1,a\n2,b\n")
    paths[1].write_text("id,name\n3,c\n4,d\n")
    rejects = tmp_path / "rejects.csv"
    assert load(*map(str, paths), "--rejects", str(rejects)).code == 3
    assert rejects.read_text().splitlines() == [
        "id,name,_file,_line,_codes,_errors",
        f"1,a,{paths[0]},2,bad_value,bad; id",
        f"4,d,{paths[1]},3,bad_value,bad; id",
    ]


def test_an_earlier_rejects_file_is_not_left_standing(
    load: Load, things: str, tmp_path: Path
) -> None:
    rejects = tmp_path / "rejects.csv"
    rejects.write_text("old")
    assert load(things, "--rejects", str(rejects)).code == 0
    assert rejects.read_text() == ""


def test_a_refused_batch_stops_the_load_and_says_what_was_stored(
    load: Load, standin: StandIn, things: str
) -> None:
    standin.poison = b"name 13"
    outcome = load(things, "--batch-size", "4", "--in-flight", "1")
    assert outcome.code == 1
    assert f"{things}, lines 16 to 20: bad_shape: There is poison in it" in outcome.err
    assert "13" not in {row["id"] for row in standin.stored}
    assert count(outcome, "inserted") == len(standin.stored) >= 12


def test_damage_in_the_file_stops_the_load_after_the_rows_before_it(
    load: Load, standin: StandIn, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text('id,name\n1,a\n2,b\n3,c\n4,"d\n5,e\n')
    standin.faults = ["", "503", "503"]
    outcome = load(str(path), "--batch-size", "1")
    assert outcome.code == 1
    assert f"{path}: line 5: a quote that opens in this record is never closed" in outcome.err
    assert [row["id"] for row in by_id(standin.stored)] == ["1", "2", "3"]
    assert count(outcome, "inserted") == 3


def test_a_service_that_counts_other_rows_stops_the_load(
    load: Load, standin: StandIn, things: str
) -> None:
    standin.miscount = 1
    outcome = load(things)
    assert outcome.code == 1
    assert "lines 2 to 30: the service found 26 rows, the file has 25" in outcome.err


def test_a_wrong_key_is_told(load: Load, standin: StandIn, things: str) -> None:
    outcome = load(things, key="wrong.key")
    assert outcome.code == 1
    assert "key_invalid: The API key is unknown" in outcome.err
    assert len(standin.requests) == 1


def test_the_key_is_read_from_the_data_folder(
    load: Load, things: str, tmp_path: Path, settings: LazySettings
) -> None:
    settings.API_KEY_FILE = tmp_path / "api_key"
    outcome = load(things, key=None)
    assert outcome.code == 1
    assert f"give --key: there is no API key in {tmp_path}/api_key" in outcome.err
    settings.API_KEY_FILE.write_text(f"{KEY}\n")
    assert load(things, key=None).code == 0


def test_a_service_that_does_not_answer_is_given_up_in_the_end(things: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    waits: list[str] = []
    client = IngestClient(
        url,
        KEY,
        retry=RetryPolicy(retry_for_s=0.1, first_wait_s=0.01),
        on_wait=lambda reason, wait_s: waits.append(reason),
    )
    with client, pytest.raises(LoadStopped, match="lines 2 to 30: no answer") as stopped:
        load_batches(client, "things", read_batches(things, ReadOptions()))
    assert waits
    assert stopped.value.totals.unanswered == 0


def test_rows_whose_outcome_is_not_known_are_counted(standin: StandIn, things: str) -> None:
    standin.faults = ["store_and_drop"] * 100
    with (
        IngestClient(standin.url, KEY, retry=RetryPolicy(retry_for_s=0)) as client,
        pytest.raises(LoadStopped) as stopped,
    ):
        load_batches(client, "things", read_batches(things, ReadOptions()))
    assert stopped.value.totals.unanswered == 25


def test_a_name_that_does_not_resolve_is_not_tried_again() -> None:
    with IngestClient("http://nowhere.invalid", KEY) as client, pytest.raises(ServiceUnreachable):
        client.describe_table("things")


def test_options_reach_the_service(load: Load, standin: StandIn, things: str) -> None:
    load(things, "--dry-run", "--on-conflict", "update")
    (request,) = standin.requests
    assert request.query == {"dry_run": ["true"], "on_conflict": ["update"]}


def test_a_file_without_a_header_is_announced(load: Load, standin: StandIn, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("1,a\n2,b\n")
    assert load(str(path), "--no-header").code == 0
    assert standin.requests[0].query["header"] == ["absent"]
    assert standin.stored == [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]


def test_date_columns_are_asked_of_the_service(
    load: Load, standin: StandIn, tmp_path: Path
) -> None:
    standin.columns = [
        {"name": "id", "type": "integer"},
        {"name": "name", "type": "text"},
        {"name": "made_at", "type": "timestamp with time zone"},
        {"name": "due_on", "type": "date"},
    ]
    path = tmp_path / "a.csv"
    day = "06/26/2018 12:00:00 AM +0000"
    path.write_text(f"id,name,made_at,due_on\n1,{day},{day},06/26/2018\n")
    pattern = "%m/%d/%Y %I:%M:%S %p %z"
    assert load(str(path), "--date-format", pattern).code == 0
    (row,) = standin.stored
    assert row == {
        "id": "1",
        "name": day,
        "made_at": "2018-06-26T00:00:00+00:00",
        "due_on": "06/26/2018",
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{things}", "nowhere.csv"], "nowhere.csv"),
        (["{things}", "-"], "stdin (-) is loaded alone"),
        (["-"], "--format"),
        (["{things}", "{other}", "--rejects", "{rejects}"], "different fields"),
        (["{things}", "--rejects", "{things}"], "is one of the files to be loaded"),
        (["{json}", "--no-header"], "--no-header is for CSV"),
        (["{json}", "--columns", "a,b"], "JSON rows name their columns"),
        (["{things}", "--columns", "nothing=a"], "no single field 'nothing'"),
        (["{things}", "--no-header", "--columns", "id=a"], "lists the columns in order"),
        (["{things}", "--date-format", "%H:%M"], "needs a year"),
        (["{things}", "{folder}"], "is a folder"),
    ],
)
def test_nothing_is_sent_where_files_and_options_do_not_fit(
    load: Load, standin: StandIn, things: str, tmp_path: Path, arguments: list[str], message: str
) -> None:
    names = {
        "things": Path(things),
        "other": tmp_path / "other.csv",
        "json": tmp_path / "a.json",
        "rejects": tmp_path / "rejects.csv",
        "folder": tmp_path,
    }
    names["other"].write_text("number\n1\n")
    names["json"].write_text('[{"id": 1}]')
    before = Path(things).read_bytes()
    outcome = load(*(argument.format_map(names) for argument in arguments))
    assert outcome.code == 1
    assert message in outcome.err
    assert standin.requests == []
    assert Path(things).read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["--batch-size", "1001"],
        ["--batch-size", "0"],
        ["--encoding", "morse"],
        ["--encoding", "base64"],
        ["--delimiter", "ab"],
        ["--columns", "a,b=c"],
        ["--on-conflict", "replace"],
    ],
)
def test_an_option_that_makes_no_sense_is_refused(
    load: Load, standin: StandIn, things: str, arguments: list[str]
) -> None:
    outcome = load(things, *arguments)
    assert outcome.code == 2
    assert arguments[0] in outcome.err
    assert standin.requests == []


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://a", "http://", "http://a:b"])
def test_an_address_that_is_none_is_refused(things: str, url: str) -> None:
    code, _, err = run_manage("load", "things", things, "--url", url, "--key", KEY)
    assert code == 1
    assert "URL" in err


def test_quiet_says_nothing_when_all_goes_well(load: Load, things: str) -> None:
    assert load(things, "--quiet") == Outcome(0, "", "")


def test_a_terminal_shows_rows_speed_and_rejects(standin: StandIn, things: str) -> None:
    standin.bad_ids = frozenset({"7"})
    ours, theirs = os.openpty()
    with start_manage("load", "things", things, "--url", standin.url, "--key", KEY,
                      stderr=theirs) as process:  # fmt: skip
        process.communicate(timeout=PATIENCE_S)
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert re.search(r"25 rows .* rows/s .*1 rejected", shown)


def test_a_service_below_a_path_is_reached(standin: StandIn, things: str) -> None:
    with IngestClient(f"{standin.url}/rowhouse/", KEY) as client:
        load_batches(client, "hiring.thin/gs", read_batches(things, ReadOptions()))
    assert standin.requests[0].path == "/rowhouse/api/ingest/hiring.thin%2Fgs"


def test_receipts_come_in_file_order_from_any_number_of_senders(
    standin: StandIn, things: str
) -> None:
    lines: list[int] = []

    def note(batch: Batch, receipt: Receipt) -> None:
        lines.append(batch.rows.places[0])

    batches = read_batches(things, ReadOptions(batch_rows=1))
    with IngestClient(standin.url, KEY) as client:
        load_batches(client, "things", batches, in_flight=7, on_receipt=note)
    assert len(lines) == 25
    assert lines == sorted(lines)


def test_stdin_is_loaded(standin: StandIn, things: str) -> None:
    arguments = ["load", "things", "-", "--format", "csv", "--url", standin.url, "--key", KEY]
    outcome = run_manage(*arguments, stdin=Path(things).read_bytes())
    assert outcome.code == 0
    assert by_id(standin.stored) == expected_rows()


def test_a_pipe_is_loaded_whole(load: Load, standin: StandIn, things: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(Path(things).read_bytes()))
    writer.start()
    assert load(str(pipe)).code == 0
    writer.join()
    assert by_id(standin.stored) == expected_rows()


def test_an_interrupted_load_counts_what_was_in_flight(standin: StandIn, things: str) -> None:
    arrived, interrupted = threading.Event(), threading.Event()

    def wait_for_the_signal(rows: list[dict[str, Any]]) -> None:
        if rows[0]["id"] == "9":
            arrived.set()
            interrupted.wait(PATIENCE_S)

    standin.before_answer = wait_for_the_signal
    with start_manage("load", "things", things, "--batch-size", "4", "--in-flight", "1",
                      "--url", standin.url, "--key", KEY) as process:  # fmt: skip
        assert arrived.wait(PATIENCE_S)
        process.send_signal(signal.SIGINT)
        interrupted.set()
        out, err = process.communicate(timeout=PATIENCE_S)
    outcome = Outcome(process.returncode, out.decode(), err.decode())
    assert outcome.code == 1
    assert "interrupted" in outcome.err
    assert count(outcome, "inserted") == len(standin.stored) < 25


def test_a_second_interrupt_does_not_wait_for_answers(standin: StandIn, things: str) -> None:
    arrived, done = threading.Event(), threading.Event()

    def never_answer(rows: object) -> None:
        arrived.set()
        done.wait(PATIENCE_S)

    standin.before_answer = never_answer
    with start_manage("load", "things", things, "--url", standin.url, "--key", KEY) as process:
        assert arrived.wait(PATIENCE_S)
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
        out, err = process.communicate(timeout=PATIENCE_S)
    done.set()
    # On a busy machine one signal more may arrive while Python is already ending.
    assert process.returncode in {1, -signal.SIGINT}
    assert b"25 sent without an answer" in out
    assert b"interrupted" in err


def start_manage(*arguments: str, stderr: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
    )


def run_manage(*arguments: str, stdin: bytes = b"") -> Outcome:
    with start_manage(*arguments) as process:
        out, err = process.communicate(stdin, timeout=PATIENCE_S)
    return Outcome(process.returncode, out.decode(), err.decode())


def test_the_guide_names_every_option() -> None:
    guide = (settings.BASE_DIR / "docs" / "loaders.md").read_text()
    parser = Command().create_parser("manage.py", "load")
    own = io.StringIO()
    parser.print_help(own)
    options = set(re.findall(r"--[a-z-]+", own.getvalue())) - DJANGO_OPTIONS
    assert len(options) > 10
    assert {option for option in options if f"`{option}" not in guide} == set()


DJANGO_OPTIONS = {
    "--help", "--version", "--verbosity", "--settings", "--pythonpath", "--traceback",
    "--no-color", "--force-color", "--skip-checks",
}  # fmt: skip
