"""What a text in a file may be: a number, a date, a word for nothing."""

import re

# Words that mean nothing in exports; a column says which of them it has.
NULL_WORDS = frozenset(
    {"null", "none", "na", "n/a", "#n/a", "nan", "nil", r"\n", "-", "--", "?", ".", "(null)"}
)
MONEY = re.compile(r"(?:[$£€¥]\s?)|(?:\s?[€%])\Z")
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?|[+-]?\d{1,3}(?:[. ']\d{3})+(?:,\d+)?")
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
TEMPORAL = re.compile(
    r"(?:\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{1,2}[- ]?[A-Za-z]{3,9}[- ]?\d{2,4}"
    r"|\d{4}-\d{2}-\d{2}T?)?"
    r"(?:[T ]*\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[AaPp][Mm])?)?(?:Z| ?[+-]\d{2}:?\d{2})?"
)
_LINK = re.compile(r"(?:https?|ftp)://\S+|[^\s@]+@[^\s@]+\.\w+|www\.\S+")


def is_nothing(text: str) -> bool:
    """Return whether a text is blank or one of the words for nothing."""
    return not text or text.isspace() or text.strip().lower() in NULL_WORDS


def strip_money(text: str) -> str:
    """Return a text without a sign of currency or percent, and blanks around it."""
    return MONEY.sub("", text.strip(), count=1)


def is_number(text: str) -> bool:
    """Return whether a text is a number in any common spelling, also one of money."""
    bare = strip_money(text)
    return any(form.fullmatch(bare) for form in (NUMBER, GROUPED, DECIMAL_COMMA)) or (
        text.strip().startswith("-") and is_number(text.strip()[1:]) if "-" in text[:3] else False
    )


def is_temporal(text: str) -> bool:
    """Return whether a text has the shape of a date, a time or both."""
    bare = text.strip()
    return bool(bare) and bare[-1:] != ":" and bool(TEMPORAL.fullmatch(bare))


def has_form(text: str) -> bool:
    """Return whether a text is of a kind that no prose is."""
    return is_number(text) or is_temporal(text) or bool(_LINK.fullmatch(text.strip()))
