"""The match of names in requests, files and mappings with the names of columns or fields."""

from collections import Counter
from collections.abc import Iterable
from functools import cached_property


class NameMatcher:
    """Names to be found by other spellings: without regard to case, white space and underscores."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = Counter(iter(names))  # of a mapping the keys, not counts

    def find(self, spelling: str) -> list[str]:
        """Return the name that is meant, none where none fits, several where it is ambiguous.

        An exact name wins, then one that is exact but for white space around it.
        """
        if self._names[spelling] == 1:
            return [spelling]
        alike = self._alike.get(_simplify(spelling), [])
        for spell in (str, str.strip):
            exact = [name for name in alike if spell(name) == spell(spelling)]
            if exact:
                return exact
        return alike

    @cached_property
    def _alike(self) -> dict[str, list[str]]:
        alike: dict[str, list[str]] = {}
        for name in self._names.elements():
            alike.setdefault(_simplify(name), []).append(name)
        return alike


def _simplify(name: str) -> str:
    return "".join(name.split()).replace("_", "").casefold()
