"""Operations of the OpenAPI description, fuzzed: valid and invalid requests of all kinds.

Each gets 20 generated requests, the same ones each time; in `make fuzz` it gets 200, each time
others, beside those that go to the edges of its description. The operations are in three groups,
each with a file, a server and an empty database of its own: two can be fuzzed at the same time, and
what one group stores is not in the way of another (a replay of all rejections tries each there is).
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from hypothesis import settings as hypothesis_settings

from tests.api.sending import execute
from tests.api.tables import make_every_type_table
from tests.scale import USUAL
from tests.serving import serving

ROOT = Path(__file__).parents[2]
EXAMPLES = 20
LONG_EXAMPLES = 200
PHASES = "examples,fuzzing"
LONG_PHASES = "examples,coverage,fuzzing"

# What schemathesis says at the end.
_TESTED = re.compile(r"Selected: (\d+)/\d+\s+Tested: (\d+)")
_GENERATED = re.compile(r"(\d+) generated, (\d+) passed")


@dataclass(frozen=True)
class Group:
    """Operations whose paths match one expression and not the other."""

    paths: str = ""
    other_paths: str = "^$"


INGEST = Group(paths="^/api/ingest")
TABLES = Group(paths="^/api/tables")
OTHERS = Group(other_paths=f"{INGEST.paths}|{TABLES.paths}")


def fuzz(group: Group, folder: Path, key: str) -> str:
    """Fuzz a group's operations; return what was done. The folder has an archive of its own."""
    _fill_tables()
    is_long = hypothesis_settings().max_examples > USUAL
    environment = {"ROWHOUSE_CONFIG": str(folder / "rest_conf.yml")}
    with serving(folder / "output", environment=environment) as url:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli"),
                *("--config-file", "tests/fuzz/schemathesis.toml"),
                *("run", f"{url}/api/schema"),
                *("--include-path-regex", group.paths),
                *("--exclude-path-regex", group.other_paths),
                *("--header", f"Authorization: Api-Key {key}"),
                *("--phases", LONG_PHASES if is_long else PHASES),
                *("--checks", "all", "--exclude-checks", "positive_data_acceptance"),
                *("--max-examples", str(LONG_EXAMPLES if is_long else EXAMPLES)),
                *([] if is_long else ["--generation-deterministic"]),
            ],
            cwd=ROOT,
            env=os.environ | {"NO_PROXY": "127.0.0.1"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
    return _describe(done.stdout)


def _fill_tables() -> None:
    """Make a few rows, and a table with a column of every type."""
    make_every_type_table()
    execute("INSERT INTO hiring.jobs VALUES (1, 'Clerk'), (2, 'Nurse')")
    execute("INSERT INTO hiring.departments VALUES (1, 'Sales')")
    execute("INSERT INTO hiring.every_type (id) VALUES (1)")


def _describe(said: str) -> str:
    tested, generated = _TESTED.search(said), _GENERATED.search(said)
    assert tested, said
    assert generated, said
    assert tested[1] == tested[2], said
    assert generated[1] == generated[2], said
    return f"{tested[1]} operations, {generated[1]} requests"
