"""How many examples the property tests try: few in CI, many with `--hypothesis-profile=long`."""

from hypothesis import settings

USUAL = 100


def is_short() -> bool:
    """Return whether this run tries few examples: then they are the same each time."""
    return settings().max_examples <= USUAL


def scale(count: int) -> int:
    """Return the number of examples that a test with `count` in CI tries in this run."""
    return count * settings().max_examples // USUAL
