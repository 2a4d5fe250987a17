"""Every operation of the OpenAPI description, with valid and invalid requests of all kinds.

`make fuzz` makes 200 for each operation, other ones each time, CI the same twenty; both add those
that go to the edges of the description.
"""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from tests.api.sending import execute
from tests.api.tables import make_every_type_table
from tests.conftest import KeyMaker
from tests.scale import USUAL
from tests.serving import serving

ROOT = Path(__file__).parents[2]
EXAMPLES = 20
MANY_EXAMPLES = 200
PHASES = "examples,coverage,fuzzing"

# `archive` keeps the backups that are made out of the working tree.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("archive")]


@pytest.fixture
def tables(database: None) -> None:
    """A few rows, and a table with a column of every type."""
    make_every_type_table()
    execute("INSERT INTO hiring.jobs VALUES (1, 'Clerk'), (2, 'Nurse')")
    execute("INSERT INTO hiring.departments VALUES (1, 'Sales')")
    execute("INSERT INTO hiring.every_type (id) VALUES (1)")


@pytest.mark.usefixtures("tables")
def test_every_operation_does_what_its_description_says(tmp_path: Path, api_key: KeyMaker) -> None:
    is_long = hypothesis_settings().max_examples > USUAL
    key = api_key("read", "ingest", "backup", "admin")
    environment = {"ROWHOUSE_CONFIG": str(tmp_path / "rest_conf.yml")}
    with serving(tmp_path / "output", environment=environment) as url:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli"),
                *("--config-file", "tests/fuzz/schemathesis.toml"),
                *("run", f"{url}/api/schema"),
                *("--header", f"Authorization: Api-Key {key}"),
                *("--phases", PHASES),
                *("--checks", "all", "--exclude-checks", "positive_data_acceptance"),
                *("--max-examples", str(MANY_EXAMPLES if is_long else EXAMPLES)),
                *([] if is_long else ["--generation-deterministic"]),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
    print(done.stdout[-500:])  # noqa: T201
