"""PgBouncer's own settings: where the server is, who may log in, in transaction mode."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from project.base.database import ROLES, role_password
from project.base.secrets import write_secret

INI_NAME = "pgbouncer.ini"
USERS_NAME = "userlist.txt"

# Of the server's own limit; every role has a pool of its own.
POOL_SIZE = 20
MAX_CLIENTS = 1000

# A batch is copied in pieces of this size, and PostgreSQL wakes up for each; PgBouncer's own 4096
# costs it three times the work. A connection has such a buffer only while something travels.
PACKET_BYTES = 65536


def write_pooler_files(
    folder: Path, server: Mapping[str, Any], *, secrets_dir: Path, port: int, separate_roles: bool
) -> Path:
    """Write pgbouncer.ini and its list of users into a folder; return the first.

    `server` is PostgreSQL itself, as an entry of DATABASES. The list holds passwords and only its
    owner can read it.
    """
    users = {server["USER"]: server["PASSWORD"]}
    if separate_roles:
        users |= {role: role_password(role, secrets_dir) for role in ROLES}
    write_secret(folder / USERS_NAME, write_users(users))
    ini = folder / INI_NAME
    ini.write_text(write_ini(server, folder=folder, port=port), encoding="utf-8")
    return ini


def write_users(users: Mapping[str, str]) -> str:
    """Return userlist.txt: it logs clients in, and PgBouncer in at the server."""
    return "\n".join(f"{_quote(user)} {_quote(password)}" for user, password in users.items())


def write_ini(server: Mapping[str, Any], *, folder: Path, port: int) -> str:
    """Return pgbouncer.ini; any database of the server can be reached."""
    settings = {
        "listen_addr": "127.0.0.1",
        "listen_port": port,
        "unix_socket_dir": "",
        "auth_type": "scram-sha-256",
        "auth_file": folder / USERS_NAME,
        "logfile": folder / "pgbouncer.log",
        "pidfile": folder / "pgbouncer.pid",
        "pool_mode": "transaction",
        "default_pool_size": POOL_SIZE,
        "max_client_conn": MAX_CLIENTS,
        "pkt_buf": PACKET_BYTES,
        "ignore_startup_parameters": "extra_float_digits",
    }
    if "sslmode" in server["OPTIONS"]:
        settings["server_tls_sslmode"] = server["OPTIONS"]["sslmode"]
    lines = [f"{name} = {value}" for name, value in settings.items()]
    database = f"* = host={server['HOST']} port={server['PORT']}"
    return "\n".join(["[databases]", database, "", "[pgbouncer]", *lines, ""])


def _quote(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
