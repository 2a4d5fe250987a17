"""Start-up of the whole service: database, tables, first key, then the processes that serve."""

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.core.management import call_command
from django.db import connections

from project.base.config import read_config
from project.base.database import EMBEDDED_DATABASE, use_port
from project.server.banner import write_banner
from project.server.children import Child, Program
from project.server.data_lock import lock_data_folder
from project.server.postgres.cluster import ServerSettings
from project.server.postgres.server import (
    Server,
    create_database,
    read_server_settings,
    repair_password,
    start_server,
    stop_server,
)
from project.server.supervisor import (
    Stopped,
    Supervisor,
    choose_port,
    reachable_host,
    stop_on_signals,
)

Say = Callable[[str], None]
MakeKey = Callable[[], str | None]


@dataclass(frozen=True)
class Demo:
    """What shows the service to somebody: sample rows, which anyone may read."""

    choose_datasets: Callable[[], Sequence[str]]
    fill: Callable[[str, Say], None]  # the service at an address


# Requests, idle connections among them, that one worker process holds at once.
HELD_REQUESTS = 256


def run_service(*, web_only: bool, make_key: MakeKey, demo: Demo | None, say: Say) -> None:
    """Start everything, keep it running, and stop it when a signal says so.

    `make_key` returns the first API key, None where there are keys. Raises what keeps the service
    from starting; what was started by then is stopped.
    """
    with lock_data_folder(settings.DATA_DIR) as record_address:
        supervisor: Supervisor | None = None
        try:
            with stop_on_signals():
                host = settings.CONFIG.http.host
                port = choose_port(host, settings.PORT)
                address = _write_address(host, port)
                record_address(address)
                server = _start_database()
                _prepare()
                key = make_key()
                public = demo.choose_datasets() if demo is not None else ()
                children = _make_children(host, port, public, web_only=web_only)
                supervisor = Supervisor(children, server)
                supervisor.start(host, port)
                if demo is not None:
                    say(f"Anyone may read the demo's datasets: {', '.join(public) or 'none'}")
                    demo.fill(address, say)
                say(_greet(address, key))
                connections.close_all()
                supervisor.watch()
        except Stopped:
            say("Stopping …")
        finally:
            if supervisor is not None:
                supervisor.stop()
            if not settings.DATABASE_URL:
                stop_server(_server_settings())


def web_command(host: str, port: int) -> tuple[str, ...]:
    """Return the command line of the web server."""
    options = {
        "--interface": "asginl",
        "--http": "1",
        "--host": host,
        "--port": port,
        "--workers": settings.CONFIG.http.workers,
        "--backpressure": HELD_REQUESTS,
        # Of a request's headers, and of the next request on a connection that is kept open.
        "--http1-header-read-timeout": settings.CONFIG.http.body_timeout_s * 1000,
        "--log-level": "warning",
    }
    arguments = [str(part) for option in options.items() for part in option]
    flags = ["--no-ws", "--respawn-failed-workers"]
    return (
        sys.executable,
        "-m",
        "project.server.web",
        *arguments,
        *flags,
        "project.asgi:application",
    )


def _start_database() -> Server | None:
    if settings.DATABASE_URL:
        return None
    server = repair_password(start_server(_server_settings()))
    create_database(server, EMBEDDED_DATABASE)
    use_port([settings.DIRECT_DATABASE, *settings.DATABASES.values()], server.port)
    return server


def _server_settings() -> ServerSettings:
    return read_server_settings(
        settings.CONFIG.database.embedded,
        data_dir=settings.DATA_DIR,
        secrets_dir=settings.SECRETS_DIR,
    )


def _prepare() -> None:
    call_command("setup_db", verbosity=0)
    shutil.rmtree(settings.METRICS_DIR, ignore_errors=True)
    settings.METRICS_DIR.mkdir()


def _make_children(
    host: str, port: int, public: Sequence[str], *, web_only: bool
) -> Sequence[Child]:
    environment = settings.WEB_ENVIRONMENT | {"ROWHOUSE_PUBLIC": " ".join(public)}
    programs = [("web", web_command(host, port), environment)]
    if not web_only:
        command = (sys.executable, "manage.py", "scheduler")
        programs.append(("scheduler", command, settings.ENVIRONMENT))
    return [
        Child(
            Program(name=name, command=command, folder=settings.BASE_DIR, environment=environment),
            lambda: read_config(settings.CONFIG_PATH),
        )
        for name, command, environment in programs
    ]


def _greet(address: str, key: str | None) -> str:
    return write_banner(
        address, key=key, key_file=settings.API_KEY_FILE, datasets=settings.CONFIG.datasets
    )


def _write_address(host: str, port: int) -> str:
    shown = reachable_host(host)
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
