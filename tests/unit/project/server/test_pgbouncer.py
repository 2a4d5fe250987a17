"""Connections past and through a pooler, and the pooler's own settings."""

import stat
from pathlib import Path

import msgspec
import pytest
from django.conf import settings

from project.base.config import Database
from project.base.database import ROLES, database_settings, direct_server, role_password
from project.base.errors import ConfigError
from project.server.postgres.pgbouncer import USERS_NAME, write_ini, write_pooler_files

POOLED = "postgresql://owner:secret@pooler:6432/city"
DIRECT = "postgresql://owner:secret@server:5432/city?sslmode=require"


def make_config(pooler: str) -> Database:
    return msgspec.structs.replace(settings.CONFIG.database, pooler=pooler)


def make_settings(folder: Path, role: str, pooler: str = "transaction") -> dict[str, dict]:
    config = make_config(pooler)
    direct = direct_server(
        url=POOLED, direct_url=DIRECT, config=config, data_dir=folder, secrets_dir=folder
    )
    return database_settings(
        url=POOLED, direct=direct, role=role, config=config, secrets_dir=folder
    )


def test_web_processes_connect_through_the_pooler_and_keep_nothing_in_a_session(
    tmp_path: Path,
) -> None:
    for alias in make_settings(tmp_path, "service").values():
        assert alias["HOST"] == "pooler"
        assert alias["OPTIONS"]["prepare_threshold"] is None
        assert "options" not in alias["OPTIONS"]
        assert alias["DISABLE_SERVER_SIDE_CURSORS"] is True


def test_a_command_sets_up_past_the_pooler_and_writes_rows_through_it(tmp_path: Path) -> None:
    made = make_settings(tmp_path, "admin")
    assert made["default"]["HOST"] == "server"
    assert made["default"]["DISABLE_SERVER_SIDE_CURSORS"] is False
    assert "search_path=service" in made["default"]["OPTIONS"]["options"]
    assert (made["ingest"]["HOST"], made["reports"]["HOST"]) == ("pooler", "pooler")


def test_a_pooler_needs_to_be_told_the_way_past_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        direct_server(
            url=POOLED,
            direct_url=None,
            config=make_config("transaction"),
            data_dir=tmp_path,
            secrets_dir=tmp_path,
        )
    assert refused.value.fields["key_path"] == "database.direct_url"


def test_a_bad_direct_url_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"database\.direct_url: not a PostgreSQL connection URL"):
        direct_server(
            url=None,
            direct_url="mysql://somewhere",
            config=make_config("none"),
            data_dir=tmp_path,
            secrets_dir=tmp_path,
        )


def test_the_pooler_s_users_are_the_roles_and_nobody_else_can_read_them(tmp_path: Path) -> None:
    server = {"HOST": "s", "PORT": "1", "USER": "owner", "PASSWORD": 'a"b', "OPTIONS": {}}
    write_pooler_files(tmp_path, server, secrets_dir=tmp_path, port=6432, separate_roles=True)
    users = tmp_path / USERS_NAME
    assert stat.S_IMODE(users.stat().st_mode) == 0o600
    assert users.read_text().splitlines() == [
        '"owner" "a""b"',
        *(f'"{role}" "{role_password(role, tmp_path)}"' for role in ROLES),
    ]


def test_the_pooler_pools_transactions_and_speaks_tls_where_the_server_does(
    tmp_path: Path,
) -> None:
    server = {"HOST": "s", "PORT": "5432", "OPTIONS": {"sslmode": "require"}}
    lines = write_ini(server, folder=tmp_path, port=6432).splitlines()
    assert lines[:2] == ["[databases]", "* = host=s port=5432"]
    assert "pool_mode = transaction" in lines
    assert "server_tls_sslmode = require" in lines
