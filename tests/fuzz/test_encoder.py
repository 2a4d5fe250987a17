"""Compiled code reads nothing beyond a body and writes nothing beyond a buffer."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.native import build_library, copy_sources
from tests.needs import need
from tests.scale import scale

ROOT = Path(__file__).parents[2]
REASON = "a C compiler with sanitizers"


@pytest.fixture(scope="module")
def sanitizer() -> str:
    """Return the path of what has to be loaded before Python."""
    try:
        asked = subprocess.run(
            ["cc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        asked = None
    path = asked.stdout.strip() if asked else ""
    need(Path(path).is_absolute(), REASON)
    return path


@pytest.fixture(scope="module")
def library(sanitizer: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the compiled code so that it watches itself."""
    folder = tmp_path_factory.mktemp("sanitized")
    copy_sources(folder)
    return build_library(folder, "-fsanitize=address,undefined -fno-sanitize-recover=all -g -O1")


def run_encoder(sanitizer: str, library: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "LD_PRELOAD": sanitizer,
        # Python never frees what it made first.
        "ASAN_OPTIONS": "detect_leaks=0",
        # Python's own memory has no borders that can be watched.
        "PYTHONMALLOC": "malloc",
    }
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz.encoder", str(library), *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("seed", ["1", "2"])
def test_no_body_leads_beyond_its_memory(sanitizer: str, library: Path, seed: str) -> None:
    done = run_encoder(sanitizer, library, str(scale(1500)), seed)
    assert (done.returncode, done.stderr) == (0, "")
    found = re.fullmatch(r"(\d+) bodies, (\d+) encoded\n", done.stdout)
    assert found is not None
    count, encoded = map(int, found.groups())
    assert count / 3 <= encoded < count


def test_what_leads_beyond_would_be_seen(sanitizer: str, library: Path) -> None:
    done = run_encoder(sanitizer, library, "lie")
    assert done.returncode != 0
    assert "AddressSanitizer: heap-buffer-overflow" in done.stderr
