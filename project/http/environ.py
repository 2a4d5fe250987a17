"""A request as WSGI has it (PEP 3333), made from what ASGI tells of it."""

import sys
from functools import lru_cache
from typing import IO, Any

_SAME_FOR_ALL = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}
_WITHOUT_PREFIX = frozenset({b"content-length", b"content-type"})


def build_environ(scope: dict[str, Any], body: IO[bytes], size: int) -> dict[str, Any]:
    """Return the environ of a request whose body has come; a chunked one gets its size in bytes.

    Raise `UnicodeError` where its address is no text.
    """
    server, port = scope.get("server") or ("localhost", 80)
    client, _ = scope.get("client") or ("", 0)
    environ = _SAME_FOR_ALL | {
        "REQUEST_METHOD": scope["method"],
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("ascii"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server,
        "SERVER_PORT": str(port),
        "REMOTE_ADDR": client,
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
    }
    for name, value in scope["headers"]:
        variable, text = _name_variable(name), value.decode("latin-1")
        environ[variable] = f"{environ[variable]},{text}" if variable in environ else text
    if "HTTP_TRANSFER_ENCODING" in environ:
        environ["CONTENT_LENGTH"] = str(size)
    return environ


@lru_cache(maxsize=256)
def _name_variable(header: bytes) -> str:
    prefix = "" if header in _WITHOUT_PREFIX else "HTTP_"
    return prefix + header.decode("latin-1").upper().replace("-", "_")
