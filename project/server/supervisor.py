"""The supervisor of the embedded PostgreSQL, where there is one, and the programs beside it."""

import http.client
import logging
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from types import FrameType

from project.base.errors import RowhouseError
from project.server.children import Child
from project.server.postgres.postmaster import find_postmaster
from project.server.postgres.server import Server, start_server

logger = logging.getLogger("rowhouse.up")

TICK_S = 0.25
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
PORT_TIMEOUT_S = 2.0
DATABASE_RETRY_S = 5.0

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class PortBusy(RowhouseError):
    """Another program listens on the service's port."""

    code = "port_busy"


class ServiceFailed(RowhouseError):
    """The web server does not start."""

    code = "service_failed"


class Stopped(BaseException):
    """A signal asks the service to stop."""


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Raise `Stopped` in the main thread on Ctrl-C, SIGTERM and SIGHUP; ignore them afterwards."""
    for number in _STOP_SIGNALS:
        signal.signal(number, _raise_stopped)
    try:
        yield
    finally:
        for number in _STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def _raise_stopped(number: int, frame: FrameType | None) -> None:
    for other in _STOP_SIGNALS:  # stopping must not be interrupted
        signal.signal(other, signal.SIG_IGN)
    raise Stopped


def choose_port(host: str, port: int) -> int:
    """Return the port to serve on, a free one for 0; raise `PortBusy` where it is taken.

    The processes of a service that was killed a moment ago are given time to end.
    """
    deadline = time.monotonic() + PORT_TIMEOUT_S
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if time.monotonic() > deadline:
                    raise PortBusy(
                        f"{host}:{port} cannot be listened on ({error.strerror}): stop what "
                        "listens there or choose another with PORT=…"
                    ) from error
            else:
                return int(probe.getsockname()[1])
        time.sleep(TICK_S)


class Supervisor:
    """Runs the programs beside the embedded server until the process is told to stop."""

    def __init__(self, children: Sequence[Child], server: Server | None) -> None:
        self._children = children
        self._server = server
        self._database_due = 0.0

    def start(self, host: str, port: int) -> None:
        """Start the programs; return when the first one, the web server, answers on its port.

        Raises `ServiceFailed` where it does not.
        """
        for child in self._children:
            child.start()
        web = self._children[0]
        deadline = time.monotonic() + START_TIMEOUT_S
        while not _answers(host, port):
            if not web.is_running or time.monotonic() > deadline:
                raise ServiceFailed("The web server does not start; what it said is above")
            time.sleep(TICK_S / 5)

    def watch(self) -> None:
        """Restart whatever exits, until `Stopped` is raised."""
        while True:
            self._restart_database_if_due()
            for child in self._children:
                child.restart_if_due()
            time.sleep(TICK_S)

    def stop(self) -> None:
        """Ask all programs to stop, then kill those that did not in time."""
        for child in self._children:
            child.terminate()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for child in self._children:
            child.wait(max(0.0, deadline - time.monotonic()))

    def _restart_database_if_due(self) -> None:
        server = self._server
        if server is None or find_postmaster(server.settings.data) is not None:
            return
        if time.monotonic() < self._database_due:
            return
        logger.error("PostgreSQL died and is started again")
        try:
            # On its old port, which the web processes know.
            self._server = start_server(replace(server.settings, port=server.port))
        except RowhouseError as error:
            logger.error("PostgreSQL does not start: %s", error.message)
            self._database_due = time.monotonic() + DATABASE_RETRY_S
            return
        if self._server.port != server.port:
            self.stop()
            for child in self._children:
                child.start()


def reachable_host(host: str) -> str:
    """Return the address at which a server that listens on `host` is reached from here."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def _answers(host: str, port: int) -> bool:
    with closing(http.client.HTTPConnection(reachable_host(host), port, timeout=5)) as connection:
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
        except (OSError, http.client.HTTPException):
            return False
