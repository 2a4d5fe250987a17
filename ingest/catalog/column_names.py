"""The match of names in requests, files and mappings with the names of columns or fields."""

from collections.abc import Iterable


class NameMatcher:
    """Names to be found by other spellings: without regard to case, white space and underscores."""

    def __init__(self, names: Iterable[str]) -> None:
        self._alike: dict[str, list[str]] = {}
        for name in names:
            self._alike.setdefault(_simplify(name), []).append(name)

    def find(self, spelling: str) -> list[str]:
        """Return the name that is meant, none where none fits, several where it is ambiguous.

        An exact name wins, then one that is exact but for white space around it.
        """
        alike = self._alike.get(_simplify(spelling), [])
        for spell in (str, str.strip):
            exact = [name for name in alike if spell(name) == spell(spelling)]
            if exact:
                return exact
        return alike


def _simplify(name: str) -> str:
    return "".join(name.split()).replace("_", "").casefold()
