"""Backup and restore beside pg_dump and pg_restore: `python -m tests.bench.backups`.

Each figure is beside the peer's, measured in the same run on a server of its own; a ratio above 1
is faster than the peer. `--rows 10000000 --memory` measures the peak memory of the commands.
"""

import argparse
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from project.cluster import ServerSettings, program
from project.postgres import Server, create_database, start_server, stop_server
from tests.bench.table import Figure, print_figures

ROOT = Path(__file__).resolve().parents[2]
SEED = ROOT / "tests" / "bench" / "backups.sql"
DATABASE = "rowhouse"
PEER = "peer"
MOST_MIB = 300.0
TARGETS = {"employees": (1.0, 0.8), "mixed": (0.6, 0.6)}


@dataclass(frozen=True)
class Bench:
    """A server with a database to back up and one that pg_restore restores into."""

    server: Server
    folder: Path
    rows: int
    repeat: int
    tables: list[str]

    def median(self, work: Callable[[], object], before: Callable[[], None] | None = None) -> float:
        """Return the median seconds of some runs."""
        seconds = []
        for _ in range(self.repeat):
            if before is not None:
                before()
            started = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - started)
        return statistics.median(seconds)

    def psql(self, database: str, *arguments: str) -> None:
        """Run psql, stopping at the first error."""
        stop = ["--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1"]
        url = self.server.conninfo(database)
        subprocess.run(
            [program("psql"), url, *stop, *arguments],
            check=True,
            cwd=self.folder,
            env=os.environ | {"PGOPTIONS": "-c client_min_messages=warning"},
            stdout=subprocess.DEVNULL,
        )


def main(arguments: list[str] | None = None) -> list[Figure]:
    """Run the benchmark and print its table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--repeat", type=int, default=3)
    options.add_argument("--table", choices=[*TARGETS], action="append")
    options.add_argument("--memory", action="store_true", help="peak memory instead of speed")
    given = options.parse_args(arguments)
    tables = ["employees"] if given.memory else given.table or [*TARGETS]
    with tempfile.TemporaryDirectory(prefix="rowhouse-bench-") as folder:
        Path(folder).chmod(0o755)
        server = start_server(_server_settings(Path(folder)))
        try:
            bench = Bench(server, Path(folder), given.rows, given.repeat, tables)
            _prepare(bench)
            figures = (_measure_memory if given.memory else _measure_speed)(bench)
        finally:
            stop_server(server.settings)
    print_figures(f"Backups, {given.rows:,} rows, medians of {given.repeat}", figures)
    return figures


def _server_settings(folder: Path) -> ServerSettings:
    return ServerSettings(
        folder=folder / "postgres",
        password=secrets.token_urlsafe(16),
        port=0,
        shared_buffers="256MB",
        max_connections=50,
    )


def _prepare(bench: Bench) -> None:
    config = bench.folder / "rest_conf.yml"
    text = (ROOT / "rest_conf.yml").read_text()
    config.write_text(text.replace("folder: null ", f"folder: {bench.folder / 'archive'} "))
    os.environ.update(
        ROWHOUSE_DATA=str(bench.folder),
        ROWHOUSE_LOGS=str(bench.folder / "logs"),
        ROWHOUSE_CONFIG=str(config),
        DATABASE_URL=bench.server.conninfo(DATABASE),
        DJANGO_SETTINGS_MODULE="project.settings",
    )
    create_database(bench.server, DATABASE)
    create_database(bench.server, PEER)
    import django
    from django.core.management import call_command

    django.setup()
    with (bench.folder / "output").open("w") as output:
        call_command("setup_db", stdout=output)
    mixed = bench.rows if "mixed" in bench.tables else 0
    bench.psql(DATABASE, f"--set=rows={bench.rows}", f"--set=mixed_rows={mixed}", f"--file={SEED}")


def _measure_speed(bench: Bench) -> list[Figure]:
    from uuid_utils.compat import uuid7

    from backups.archive import find_backup
    from backups.making import make_backup
    from backups.plan import RestoreRequest
    from backups.restoring import restore_backup

    figures = []
    for table in bench.tables:
        backup_target, restore_target = TARGETS[table]
        name = f"hiring.{table}"
        dump = _pg_dump_seconds(bench, table)
        for codec in ("snappy", "deflate"):
            ours = bench.median(lambda: make_backup(uuid7(), tables=[name], codec=codec))  # noqa: B023
            goal = f", wanted {backup_target}" if codec == "snappy" else ""
            label = f"{table} backup, {codec}{goal}"
            figures.append(_compare(bench, label, ours, "pg_dump -Fc", dump))
        make_backup(uuid7(), tables=[name])
        peer = _pg_restore_seconds(bench, table)
        backup, request = find_backup(None), RestoreRequest(tables=[name])
        ours = bench.median(lambda: restore_backup(backup, request))  # noqa: B023
        label = f"{table} restore, wanted {restore_target}"
        figures.append(_compare(bench, label, ours, "pg_restore", peer))
    return figures


def _pg_dump_seconds(bench: Bench, table: str) -> float:
    command: list[str | Path] = [
        program("pg_dump"),
        f"--dbname={bench.server.conninfo(DATABASE)}",
        "--format=custom",
        f"--table=hiring.{table}",
        f"--file={bench.folder / table}",
    ]
    return bench.median(lambda: subprocess.run(command, check=True))


def _pg_restore_seconds(bench: Bench, table: str) -> float:
    """Restore into a database that has the tables the foreign keys refer to."""

    def clear() -> None:
        bench.psql(PEER, "--command=DROP SCHEMA IF EXISTS hiring CASCADE")
        dump = bench.folder / "referenced.sql"
        url = bench.server.conninfo(DATABASE)
        tables = ["--table=hiring.departments", "--table=hiring.jobs"]
        subprocess.run([program("pg_dump"), url, *tables, f"--file={dump}"], check=True)
        bench.psql(PEER, "--command=CREATE SCHEMA hiring", f"--file={dump}")

    command: list[str | Path] = [
        program("pg_restore"),
        f"--dbname={bench.server.conninfo(PEER)}",
        str(bench.folder / table),
    ]
    return bench.median(lambda: subprocess.run(command, check=True), clear)


def _compare(bench: Bench, label: str, ours_s: float, peer: str, theirs_s: float) -> Figure:
    return Figure(
        label=f"{label}; rows/s",
        ours=bench.rows / ours_s,
        limit=bench.rows / theirs_s,
        limit_name=peer,
        ratio=theirs_s / ours_s,
    )


def _measure_memory(bench: Bench) -> list[Figure]:
    figures = []
    for command in (["backup", "--table", "employees"], ["restore", "employees"]):
        process = subprocess.Popen(
            [sys.executable, "manage.py", *command], cwd=ROOT, stdout=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"{command[0]} failed")
        peak = usage.ru_maxrss / 1024
        figures.append(
            Figure(
                label=f"{command[0]} of employees, peak MiB",
                ours=peak,
                limit=MOST_MIB,
                limit_name="target",
                ratio=peak / MOST_MIB,
            )
        )
    return figures


if __name__ == "__main__":
    main()
