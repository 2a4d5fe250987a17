"""Rows of the ingest benchmark's tables, and the bodies and COPY data made of them."""

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

BATCH_ROWS = 1000
SHAPES = Path(__file__).parent / "shapes.sql"

Row = dict[str, Any]


def narrow_row(number: int) -> Row:
    """Return a row of employees' shape."""
    return {
        "employee_id": number,
        "employee_name": f"Employee Number {number}",
        "hire_date": f"2021-{1 + number % 12:02}-{1 + number % 28:02}T16:02:08Z",
        "department_id": 1 + number % 12,
        "job_id": 1 + number % 183,
    }


def wide_row(number: int) -> Row:
    """Return a row of forty columns of mixed types."""
    day = f"2021-{1 + number % 12:02}-{1 + number % 28:02}"
    row: Row = {
        "id": number,
        "department_id": 1 + number % 12,
        "job_id": 1 + number % 183,
        **{f"i{place}": number % 30000 + place for place in range(1, 7)},
        **{f"n{place}": round(number % 9999 + place / 8, 2) for place in range(1, 5)},
        "f1": number / 7,
        "f2": number / 3,
        "f3": 0.5,
        "b1": number % 2 == 0,
        "b2": number % 3 == 0,
        "d1": day,
        "d2": day,
        "t1": f"{day}T16:02:08.123456Z",
        "t2": f"{day}T16:02:08Z",
        "t3": f"{day}T16:02:08",
        "u1": str(uuid.UUID(int=number)),
        **{f"v{place}": f"value {number % 977} {place}" for place in range(1, 5)},
        **{f"s{place}": f"some text {number} in column {place}" for place in range(1, 9)},
        **{f"c{place}": "NY" for place in range(1, 5)},
    }
    return row


MAKERS: dict[str, Callable[[int], Row]] = {"narrow": narrow_row, "wide": wide_row}


def batches(shape: str, first: int, count: int) -> Iterator[list[Row]]:
    """Yield `count` batches of fresh rows, numbered from `first`."""
    make = MAKERS[shape]
    for start in range(first, first + count * BATCH_ROWS, BATCH_ROWS):
        yield [make(number) for number in range(start, start + BATCH_ROWS)]


def spoil(rows: list[Row], share: float) -> list[Row]:
    """Break a share of a batch's rows, each in one of five ways."""
    key = next(iter(rows[0]))
    step = round(1 / share)
    for place in range(0, len(rows), step):
        way = place // step % 5
        if way == 0:
            rows[place]["job_id"] = 9999
        elif way == 1:
            rows[place][key] = rows[max(place - 1, 0)][key]
        elif way == 2:
            del rows[place]["department_id"]
        elif way == 3:
            rows[place]["job_id"] = "seven"
        else:
            rows[place]["department_id"] = 99999999999
    return rows


def as_json(rows: list[Row]) -> bytes:
    """Return a JSON body."""
    return json.dumps(rows).encode()


def as_ndjson(rows: list[Row]) -> bytes:
    """Return an NDJSON body."""
    return b"\n".join(json.dumps(row).encode() for row in rows)


def as_csv(rows: list[Row]) -> bytes:
    """Return a CSV body with a header."""
    lines = [",".join(rows[0])]
    lines += [",".join(_csv_field(value) for value in row.values()) for row in rows]
    return ("\n".join(lines) + "\n").encode()


def as_copy_text(rows: list[Row]) -> bytes:
    """Return the rows as COPY's text format."""
    lines = ["\t".join(_csv_field(value) for value in row.values()) for row in rows]
    return ("\n".join(lines) + "\n").encode()


def _csv_field(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
