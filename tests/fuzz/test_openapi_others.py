"""Every operation beside those of batches and tables does what its description says."""

from pathlib import Path

import pytest

from tests.conftest import KeyMaker
from tests.fuzz.operations import OTHERS, fuzz


@pytest.mark.slow
@pytest.mark.usefixtures("archive")
def test_every_operation_does_what_its_description_says(tmp_path: Path, api_key: KeyMaker) -> None:
    print(fuzz(OTHERS, tmp_path, api_key("read", "ingest", "backup", "admin")))  # noqa: T201
