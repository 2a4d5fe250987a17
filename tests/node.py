"""Programs of tests/npm, which tests/install_packages.sh installs."""

import shutil
import subprocess
from pathlib import Path

from tests.needs import need

PROGRAMS = Path(__file__).parent / "npm" / "node_modules" / ".bin"


def run_program(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; the test is skipped where it is not installed."""
    program = PROGRAMS / name
    need(shutil.which("node") and program.exists(), f"{name}: run tests/install_packages.sh")
    return subprocess.run(
        [program, *arguments], capture_output=True, text=True, check=False, cwd=PROGRAMS
    )
