"""rest_conf.yml decoded into typed values."""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from project.base.errors import ConfigError
from project.base.schedule import BadSchedule, check_expression, read_time_zone

Positive = Annotated[int, Meta(ge=1)]
NotNegative = Annotated[int, Meta(ge=0)]
Port = Annotated[int, Meta(ge=0, le=65535)]
SchemaName = Annotated[str, Meta(pattern=r"\A[a-z_][a-z0-9_]{0,62}\Z")]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A mapping in rest_conf.yml: every key is required, no other key is allowed."""


class Http(Section, frozen=True):
    """Where and how the service listens."""

    host: str
    port: Port
    workers: Positive
    threads: Positive
    body_timeout_s: Positive
    keyless_bytes: Positive
    requests_per_minute: Positive | None
    allowed_hosts: list[str]
    production: bool
    hsts_subdomains: bool = False
    hsts_preload: bool = False


class Embedded(Section, frozen=True):
    """The embedded PostgreSQL server's settings."""

    port: Port
    shared_buffers: Annotated[str, Meta(pattern=r"\A\d+(kB|MB|GB)\Z")]
    max_connections: Annotated[int, Meta(ge=20)]


class Database(Section, frozen=True):
    """Which PostgreSQL is used, and the time limits of its clients."""

    url: str | None
    direct_url: str | None
    pooler: Literal["none", "transaction"]
    separate_roles: bool
    foreign_keys: Literal["batch", "row"]
    statement_timeout_s: Positive
    lock_timeout_s: Positive
    embedded: Embedded


class Partitioning(Section, frozen=True):
    """How a table that is partitioned by time gets its partitions, and loses them."""

    every: Literal["day", "week", "month", "year"]
    ahead: Positive
    keep: Positive | None


# On Citus: the whole schema on one node of many, single tables in shards by a column, or nothing.
Distribution = Literal["schema", "none"] | dict[str, str]


class Dataset(Section, frozen=True):
    """One exposed schema; what is left out is not wanted."""

    public: bool = False
    distribute: Distribution = "none"
    partitions: dict[str, Partitioning] = {}


class Ingest(Section, frozen=True):
    """Limits of the ingest endpoint."""

    max_rows: Positive
    max_bytes: Positive
    max_row_bytes: Positive
    max_raw_bytes: Positive
    max_depth: Annotated[int, Meta(ge=3, le=200)]
    max_number_digits: Annotated[int, Meta(ge=20, le=4000)]
    idempotency_hours: Annotated[int, Meta(ge=24)]
    rejection_retention_days: Positive | None
    blank_is_missing: bool = True


class Schedules(Section, frozen=True):
    """When the service's own jobs run; null is never."""

    time_zone: str
    jobs: dict[str, str | None]


ParameterValue = int | float | str | bool


class ReportOverride(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """What is different here from a report's definition; what is left out stays as it is there."""

    parameters: dict[str, ParameterValue] = {}
    schedule: str | msgspec.UnsetType | None = msgspec.UNSET


class Reports(Section, frozen=True):
    """How reports are refreshed and shown."""

    statement_timeout_s: Positive
    swap_patience_s: Positive
    definitions: dict[str, ReportOverride]
    reader_timeout_s: Positive = 600


class Keep(Section, frozen=True):
    """Which backups are kept; the others are removed after each good one."""

    newest: Positive
    daily: NotNegative
    weekly: NotNegative
    proven: NotNegative


class Backups(Section, frozen=True):
    """Where backups go, how they are written, how long they are kept."""

    folder: str | None
    codec: Literal["snappy", "deflate", "zstandard", "null"]
    workers: Annotated[int, Meta(ge=1, le=16)]
    include: list[str]
    exclude: list[str]
    keep: Keep
    check_memory_mb: Annotated[int, Meta(ge=512)]
    check_timeout_s: Positive


class SocrataDataset(Section, frozen=True):
    """A dataset of a Socrata site and the table it is loaded into."""

    domain: str
    dataset: Annotated[str, Meta(pattern=r"\A[a-z0-9]{4}-[a-z0-9]{4}\Z")]
    table: Annotated[str, Meta(pattern=r"\A[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*\Z")]
    version: Literal["2.1", "3"]
    created: str
    fields: dict[str, str]


class Socrata(Section, frozen=True):
    """Which datasets are loaded from Socrata, and within which time limits."""

    timeout_s: Positive
    retry_for_s: Positive
    page_rows: Positive
    overlap_minutes: Annotated[int, Meta(ge=0)]
    datasets: dict[str, SocrataDataset]


class Metrics(Section, frozen=True):
    """The MDS Metrics API."""

    max_intervals: Positive
    max_rows: Positive
    result_minutes: Positive
    redact_below: Annotated[int, Meta(ge=0)]


class WherePrefix(Section, frozen=True):
    """A prefix of Open311's `where` that asks for the value of a column."""

    column: Annotated[str, Meta(pattern=r"\A[a-z_][a-z0-9_]{0,62}\Z")]
    description: str
    example: str


class Open311(Section, frozen=True):
    """How the Open311 API answers."""

    per_page: Positive
    max_per_page: Positive
    max_offset: Positive
    exact_total: Positive
    near_m: Positive
    max_near_m: Positive
    time_zone: str
    cache_s: Annotated[int, Meta(ge=0)]
    where: dict[Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9_]{0,30}\Z")], WherePrefix]


class Covid(Section, frozen=True):
    """The versioned COVID-19 data API."""

    version: Annotated[float, Meta(ge=2, lt=3)]
    license: str
    definitions: str | None
    page_days: Positive
    cache_s: NotNegative


class Logging(Section, frozen=True):
    """How much is logged and how long it is kept."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"]
    file_bytes: Positive
    file_count: Positive


class Config(Section, frozen=True):
    """The whole of rest_conf.yml."""

    http: Http
    database: Database
    datasets: dict[SchemaName, Dataset]
    ingest: Ingest
    metrics: Metrics
    schedules: Schedules
    reports: Reports
    backups: Backups
    socrata: Socrata
    open311: Open311
    covid: Covid
    logging: Logging


# Schemas that hold Rowhouse's or PostgreSQL's own tables and can never be exposed.
RESERVED_SCHEMAS = frozenset({"service", "reports", "information_schema"})


def read_config(path: Path) -> Config:
    """Decode the settings file; raise `ConfigError` that names the key path of what is wrong."""
    try:
        config = msgspec.yaml.decode(path.read_bytes(), type=Config)
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: the settings file does not exist") from error
    except msgspec.ValidationError as error:
        problem, key_path = _split_key_path(str(error))
        raise ConfigError(f"{path.name}: {key_path}: {problem}", key_path=key_path) from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path.name}: not valid YAML: {error}") from error
    for key_path, problem in _find_problems(config):
        raise ConfigError(f"{path.name}: {key_path}: {problem}", key_path=key_path)
    return config


def publish(config: Config, names: Collection[str]) -> Config:
    """Return the settings with some datasets made public, whatever the file says."""
    changed = {
        name: msgspec.structs.replace(dataset, public=True)
        for name, dataset in config.datasets.items()
        if name in names
    }
    return msgspec.structs.replace(config, datasets=config.datasets | changed)


def read_port(text: str | None, default: int) -> int:
    """Return the environment's PORT, or the default where it is not set."""
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise ConfigError("PORT: not a TCP port (0 to 65535)", key_path="PORT")
    return int(text)


def _split_key_path(message: str) -> tuple[str, str]:
    # msgspec writes "Expected `int`, got `str` - at `$.http.port`"; a missing or unknown field is
    # named in the text and the path is that of the mapping around it.
    problem, _, place = message.partition(" - at `")
    key_path = place.rstrip("`").removeprefix("$").removeprefix(".")
    for phrase in ("missing required field `", "contains unknown field `"):
        if phrase in problem:
            field = problem.partition(phrase)[2].rstrip("`")
            key_path = f"{key_path}.{field}" if key_path else field
    return problem, key_path or "(top level)"


def _find_problems(config: Config) -> Iterator[tuple[str, str]]:
    """Yield the key path of each value that its type allows and that cannot be used, and why."""
    for name in config.datasets:
        if name in RESERVED_SCHEMAS or name.startswith("pg_"):
            yield f"datasets.{name}", "this schema cannot be exposed"
    if config.http.hsts_preload and not config.http.hsts_subdomains:
        yield "http.hsts_preload", "browsers take no domain into their lists without its subdomains"
    yield from _try("schedules.time_zone", read_time_zone, config.schedules.time_zone)
    for name, text in config.schedules.jobs.items():
        yield from _try(f"schedules.jobs.{name}", check_expression, text)
    for name, override in config.reports.definitions.items():
        yield from _try(f"reports.definitions.{name}.schedule", check_expression, override.schedule)
    if config.open311.per_page > config.open311.max_per_page:
        yield "open311.per_page", "more than open311.max_per_page"
    yield from _try("open311.time_zone", read_time_zone, config.open311.time_zone)


def _try(key_path: str, check: Callable[[str], object], value: object) -> Iterator[tuple[str, str]]:
    try:
        if isinstance(value, str):
            check(value)
    except BadSchedule as error:
        yield key_path, str(error)
