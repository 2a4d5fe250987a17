"""backups.child.main: what the process loads before it is asked."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]


def test_no_library_of_the_service_or_the_database_is_waited_for() -> None:
    code = "import sys, backups.child.main; print(*{'django', 'psycopg'} & set(sys.modules))"
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert said.stdout == "\n"
