"""What is installed: pinned files of known content, whatever an index offers."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==\S+(?: ; .+)?$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}$")
INSTALLERS = ("Makefile", "project/deploy/Dockerfile", "docs/operators.md", ".ci/run")


def normalize(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def read_pins(name: str) -> dict[str, int]:
    """Return how many checksums each pinned package has; fail for any other line."""
    pins: dict[str, int] = {}
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    for block in re.split(r"\n(?! )", text.strip()):
        first, *hashes = block.split(" \\\n")
        pin = PIN.fullmatch(first)
        assert pin is not None, first
        assert all(map(HASH.fullmatch, hashes)), block
        pins[normalize(pin[1])] = len(hashes)
    return pins


@pytest.mark.parametrize("name", ["run", "dev", "peers"])
def test_each_requirement_is_pinned_with_its_checksums(name: str) -> None:
    pins = read_pins(name)
    assert all(pins.values())
    named = re.findall(r"^[a-z][a-z0-9._-]*", (ROOT / f"requirements/{name}.in").read_text(), re.M)
    assert {normalize(one) for one in named} <= set(pins)


@pytest.mark.parametrize("path", INSTALLERS)
def test_nothing_is_installed_without_checksums(path: str) -> None:
    text = (ROOT / path).read_text()
    for line in re.findall(r".*\binstall\b.*requirement.*", text):
        assert "--require-hashes" in line
