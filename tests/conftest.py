"""Fixtures of all tests: a clean database, API keys, a client, a real server."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection, connections
from django.test import Client
from django.test.utils import setup_databases, teardown_databases
from msgspec.structs import replace
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker
from whitenoise.middleware import WhiteNoiseMiddleware

from backups.store.archive import mark_archive
from project.base.config import read_config
from project.http.access.keys import forget_trusted_keys
from project.models import ApiKey, Scope
from project.schema.datasets import set_up_database
from tests.cleaning import Table, clean, list_tables
from tests.database import database_environment, end_sessions, leave_pooler, use_pooler
from tests.pooler import is_wanted
from tests.serving import serving

KeyMaker = Callable[..., str]
Publish = Callable[..., None]

# Which tables are backed up.
EVERYTHING, HIRING = 'include: ["*"]', 'include: ["hiring.*"]'


@pytest.fixture(scope="session", autouse=True)
def _hash_passwords_quickly() -> Iterator[None]:
    """Have passwords be hashed once, not a million times; the service itself can check them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PBKDF2PasswordHasher, "iterations", 1)
        yield


@pytest.fixture(scope="session", autouse=True)
def _find_static_files_once() -> Iterator[None]:
    """Have static files be looked up once, not for each client of a test."""
    find = WhiteNoiseMiddleware.add_files_from_finders
    found: dict[str, Any] = {}

    def add_files(middleware: WhiteNoiseMiddleware) -> None:
        if not found:
            find(middleware)
            found.update(middleware.files)
        middleware.files.update(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", add_files)
        yield


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_modify_db_settings: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[set[Table]]:
    """Make the test database as `manage.py setup_db` makes one; yield its tables."""
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, aliases=dict.fromkeys(connections))
        set_up_database(
            connection,
            config=settings.CONFIG,
            folder=settings.BASE_DIR / "db_setup",
            secrets_dir=settings.SECRETS_DIR,
        )
        tables = list_tables()
        if is_wanted():
            use_pooler()
    yield tables
    with django_db_blocker.unblock():
        connections.close_all()
        if is_wanted():
            leave_pooler()
        end_sessions()
        teardown_databases(made, verbosity=0)


@pytest.fixture
def database(django_db_setup: set[Table], django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Let the test use the database, with real commits; empty it afterwards.

    A table that the test makes is dropped; a change to an existing one is the test's to undo.
    """
    with django_db_blocker.unblock():
        yield
        forget_trusted_keys()
        for alias in {"ingest", "unchecked"} & set(connections):
            connections[alias].close()
        clean(django_db_setup)


@pytest.fixture
def api_key(database: None) -> KeyMaker:
    """Return a function that makes an API key: `api_key("read", "ingest", tables=["hiring"])`."""

    def make(*scopes: str, **fields: Any) -> str:
        _, secret = ApiKey.objects.create_key(name="test", scopes=list(scopes), **fields)
        return str(secret)

    return make


@pytest.fixture
def client(api_key: KeyMaker) -> Client:
    """Return Django's test client with a key of every scope."""
    return Client(headers={"Authorization": f"Api-Key {api_key(*Scope.values)}"})


@pytest.fixture
def publish(settings: Settings) -> Publish:
    """Return a function that says which datasets are public: `publish(hiring=True)`."""

    def say(**public: bool) -> None:
        config = settings.CONFIG
        changed = {name: replace(config.datasets[name], public=is_) for name, is_ in public.items()}
        settings.CONFIG = replace(config, datasets=config.datasets | changed)

    return say


@pytest.fixture
def archive(database: None, tmp_path: Path, settings: Settings) -> Path:
    """Have backups of `hiring` go to an empty folder; processes the service starts know it too."""
    folder = tmp_path / "archive"
    text = Path(settings.CONFIG_PATH).read_text()
    assert EVERYTHING in text
    config = tmp_path / "rest_conf.yml"
    config.write_text(
        text.replace("folder: null ", f"folder: {folder} ").replace(EVERYTHING, HIRING)
    )
    settings.CONFIG = read_config(config)
    settings.COMMAND_ENVIRONMENT = database_environment() | {"ROWHOUSE_CONFIG": str(config)}
    return mark_archive()


@pytest.fixture
def whole_archive(archive: Path, settings: Settings) -> Path:
    """Have this process back up all tables there are, as the settings of a new service say."""
    backups = replace(settings.CONFIG.backups, include=["*"])
    settings.CONFIG = replace(settings.CONFIG, backups=backups)
    return archive


@pytest.fixture(scope="session")
def server(django_db_setup: set[Table], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the test database with granian, as the service does; yield the base URL."""
    with serving(tmp_path_factory.mktemp("server") / "output") as url:
        yield url
