"""What a request may be refused with before the code of its address looks at it."""

from project.base.errors import BadRequest, RowhouseError, TryLater


class KeyRequired(RowhouseError):
    """This endpoint needs an API key: `Authorization: Api-Key KEY`."""

    code = "key_required"


class KeyInvalid(RowhouseError):
    """The API key is unknown, revoked or expired."""

    code = "key_invalid"


class ScopeMissing(RowhouseError):
    """The API key does not have the scope this needs."""

    code = "scope_missing"


class CsrfFailed(RowhouseError):
    """A request of a browser's session lacks the token of its page (X-CSRFToken)."""

    code = "csrf_failed"


class TooManyRequests(TryLater):
    """The API key has made as many requests in this minute as it may: see Retry-After."""

    code = "too_many_requests"


class TooManyAttempts(TryLater):
    """Too many failed attempts to log in: wait some minutes."""

    code = "too_many_attempts"


class BadLength(BadRequest):
    """The Content-Length header is not a number of bytes."""

    code = "bad_length"


class LengthRequired(RowhouseError):
    """Say how long the body is: send Content-Length, or send it chunked."""

    code = "length_required"


class GzipBad(BadRequest):
    """The body is not what Content-Encoding: gzip says."""

    code = "gzip_bad"


class BodyLate(RowhouseError):
    """The body did not arrive in time."""

    code = "request_timeout"


class NotReady(RowhouseError):
    """The service cannot take requests now."""

    code = "not_ready"
