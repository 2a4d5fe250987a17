"""The compiled code built from sources that a test may change, by the Makefile's rule."""

import shutil
import subprocess
from pathlib import Path

from ingest.validation.native.library import LIBRARY, SOURCES
from tests.needs import need

ROOT = Path(__file__).parents[1]


def copy_sources(folder: Path) -> Path:
    """Copy the Makefile and the C sources to a folder; return the one that these are in."""
    shutil.copy(ROOT / "Makefile", folder)
    sources = folder / SOURCES.relative_to(ROOT)
    shutil.copytree(SOURCES, sources, ignore=shutil.ignore_patterns("*.py", "*.so", "__pycache__"))
    return sources


def build_library(folder: Path, flags: str = "-O0") -> Path:
    """Build the library from the sources in that folder; skip the test where it cannot be."""
    library = folder / LIBRARY.relative_to(ROOT)
    built = subprocess.run(
        ["make", f"NATIVE_FLAGS={flags}", str(LIBRARY.relative_to(ROOT))],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    need(library.exists(), f"a C compiler with {flags}: {built.stderr[-300:]}")
    return library


def swap_members(header: Path) -> None:
    """Swap two members of one type, which changes neither the size nor any place of a structure."""
    first, second = "    int64_t max_rows;\n", "    int64_t max_row_bytes;\n"
    text = header.read_text()
    assert first + second in text
    header.write_text(text.replace(first + second, second + first))
