"""The base of every error Rowhouse raises on purpose."""

from typing import Any


class RowhouseError(Exception):
    """Something Rowhouse refuses, with a stable code and a message for people.

    Subclasses set `code`; their docstring is the message when none is given. Extra fields
    (`table`, `column`, `key_path` …) travel to the client beside the message. HTTP statuses are
    not known here: `project.http.problems` maps types to answers.
    """

    code = "internal_error"

    def __init__(self, message: str | None = None, **fields: Any) -> None:
        self.message = message or self.meaning()
        self.fields = fields
        super().__init__(self.message)

    @classmethod
    def meaning(cls) -> str:
        """Return what the code stands for, in words."""
        return (cls.__doc__ or cls.code).strip().splitlines()[0]


class ConfigError(RowhouseError):
    """A setting is missing, unknown or has a bad value."""

    code = "config_invalid"


class BadRequest(RowhouseError):
    """The request is not understood."""

    code = "bad_request"


class BadParameter(RowhouseError):
    """A query parameter or header has a value that is not allowed."""

    code = "bad_parameter"


class TooLarge(RowhouseError):
    """The body is larger than the service takes at once."""

    code = "too_large"


class UnsupportedMediaType(RowhouseError):
    """The body's media type or encoding is not one that is taken here."""

    code = "unsupported_media_type"


class TryLater(RowhouseError):
    """The same request may be sent again, after some seconds."""

    def __init__(self, message: str | None = None, *, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unavailable(TryLater):
    """The service cannot answer now; the same request may be sent again."""

    code = "unavailable"
