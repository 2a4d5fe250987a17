"""The text that `manage.py up` shows when it serves: address, key, and a request to try."""

import json
import shlex
from collections.abc import Collection
from pathlib import Path

from django.db import Error as DatabaseError
from django.db import connection

# A row of `jobs` changes no published figure, unlike one of `departments`, over which reports take
# means. It is known by its name and a number that real rows leave free.
TRIAL_TABLE = ("hiring", "jobs")
TRIAL_NAME = "Tree Inspector"
TRIAL_NUMBER = 1001

# One below the largest integer, so that there is a number left.
_UNUSED_NUMBER = """
SELECT greatest(coalesce(max(job_id), 0) + 1, %s) FROM hiring.jobs WHERE job_id < 2147483646
"""


def write_banner(
    address: str, *, key: str | None, key_file: Path, datasets: Collection[str]
) -> str:
    """Return the text; `key` is the one made at this start, if any."""
    lines = [_write_curl(address, key_file, datasets), "", "Ctrl-C stops everything."]
    lines.append(f"Dashboard: {address}/ (log in with the key)")
    lines.append(f"Rowhouse serves on {address}")
    if key is not None:
        lines.append(f"API key (shown once, kept in {key_file}): {key}")
    elif key_file.exists():
        lines.append(f"API key: in {key_file}")
    else:
        lines.append("API key: make one with manage.py create_api_key")
    return "\n".join(lines)


def _write_curl(address: str, key_file: Path, datasets: Collection[str]) -> str:
    # The shell reads the key when the line runs: it is in no screen or history.
    key = f"$(cat {shlex.quote(str(key_file))})" if key_file.exists() else "KEY"
    header = f'-H "Authorization: Api-Key {key}"'
    number = _find_number() if TRIAL_TABLE[0] in datasets else None
    if number is None:
        return f"Try it:\n  curl {header} {address}/api/tables"
    row = json.dumps([{"job_id": number, "job_name": TRIAL_NAME}])
    target = shlex.quote(f"{address}/api/ingest/{'.'.join(TRIAL_TABLE)}?on_conflict=ignore")
    return (
        "Store a row:\n"
        f"  curl {header} -H 'Content-Type: application/json' -d {shlex.quote(row)} {target}"
    )


def _find_number() -> int | None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(_UNUSED_NUMBER, [TRIAL_NUMBER])
            return int(cursor.fetchone()[0])
    except DatabaseError:  # the table was dropped or is another one
        return None
