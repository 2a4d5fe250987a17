"""Backup and restore beside pg_dump and pg_restore: `python -m tests.bench.backups`.

Each figure is the median of some runs, and each run stands beside the peer's just before it, on a
server of their own; a ratio above 1 is faster than the peer. The CPU seconds are those of all
processes, PostgreSQL's too. `--rows 10000000 --memory` measures the peak memory of the commands.
"""

import argparse
import os
import resource
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from project.server.postgres.cluster import ServerSettings, program
from project.server.postgres.server import Server, create_database, start_server, stop_server
from tests.bench.table import Figure, print_figures

ROOT = Path(__file__).resolve().parents[2]
SEED = ROOT / "tests" / "bench" / "backups.sql"
DATABASE = "rowhouse"
PEER = "peer"
MOST_MIB = 300.0
LEAVE_PATIENCE_S = 2.0
TARGETS = {"employees": (1.0, 0.8), "mixed": (0.6, 0.6)}


Work = Callable[[], object]


@dataclass(frozen=True)
class Cost:
    """What a run took: time, and the CPU time of everything that took part."""

    seconds: float
    cpu_s: float


@dataclass(frozen=True)
class Bench:
    """A server with a database to back up and one that pg_restore restores into."""

    server: Server
    folder: Path
    rows: int
    repeat: int
    tables: list[str]

    def compare(
        self,
        label: str,
        ours: Work,
        peer: str,
        theirs: Work,
        clear: Work = lambda: None,
        change: Work = lambda: None,
    ) -> list[Figure]:
        """Do both works in turn; return how they compare.

        `clear` is before each of theirs, `change` before each of ours.
        """
        pairs = []
        for _ in range(self.repeat):
            clear()
            their_cost = self._measure(theirs)
            change()
            pairs.append((their_cost, self._measure(ours)))
        theirs_s, ours_s = [
            statistics.median(cost.seconds for cost in side) for side in zip(*pairs, strict=True)
        ]
        speed = Figure(
            label=f"{label}; rows/s",
            ours=self.rows / ours_s,
            limit=self.rows / theirs_s,
            limit_name=peer,
            ratio=statistics.median(one.seconds / two.seconds for one, two in pairs),
        )
        return [speed, self._compare_cpu(label, peer, pairs)]

    def _compare_cpu(self, label: str, peer: str, pairs: list[tuple[Cost, Cost]]) -> Figure:
        theirs, ours = [[cost.cpu_s for cost in side] for side in zip(*pairs, strict=True)]
        return Figure(
            label=f"{label}; CPU s",
            ours=statistics.median(ours),
            limit=statistics.median(theirs),
            limit_name=peer,
            ratio=statistics.median(one.cpu_s / two.cpu_s for one, two in pairs),
        )

    def _measure(self, work: Work) -> Cost:
        postmaster = psutil.Process(self.server.pid)
        processes = len(postmaster.children())
        cpu, started = self._cpu_s(), time.perf_counter()
        work()
        seconds = time.perf_counter() - started
        # A backend's CPU time is the postmaster's only when it has taken leave.
        deadline = time.monotonic() + LEAVE_PATIENCE_S
        while len(postmaster.children()) > processes and time.monotonic() < deadline:
            time.sleep(0.01)
        return Cost(seconds, self._cpu_s() - cpu)

    def _cpu_s(self) -> float:
        """Return the CPU seconds so far of this process, its children and the server."""
        usages = [
            resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        ]
        total = sum(usage.ru_utime + usage.ru_stime for usage in usages)
        postmaster = psutil.Process(self.server.pid)
        times = postmaster.cpu_times()
        total += sum(times[:4])
        for backend in postmaster.children():
            with suppress(psutil.NoSuchProcess):
                total += sum(backend.cpu_times()[:2])
        return total

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
        server = start_server(server_settings(Path(folder)))
        try:
            bench = Bench(server, Path(folder), given.rows, given.repeat, tables)
            prepare(bench)
            figures = (_measure_memory if given.memory else _measure_speed)(bench)
        finally:
            stop_server(server.settings)
    print_figures(f"Backups, {given.rows:,} rows, medians of {given.repeat}", figures)
    return figures


def server_settings(folder: Path) -> ServerSettings:
    """Return the settings of a server as a service has it."""
    return ServerSettings(
        folder=folder / "postgres",
        password=secrets.token_urlsafe(16),
        port=0,
        shared_buffers="256MB",
        max_connections=50,
    )


def prepare(bench: Bench) -> None:
    """Make the databases, the service in this process and its rows."""
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
        call_command("init_archive", stdout=output)
    mixed = bench.rows if "mixed" in bench.tables else 0
    bench.psql(DATABASE, f"--set=rows={bench.rows}", f"--set=mixed_rows={mixed}", f"--file={SEED}")


def _measure_speed(bench: Bench) -> list[Figure]:
    from uuid_utils.compat import uuid7

    from backups.make.make import make_backup
    from backups.restore.plan import RestoreRequest
    from backups.restore.restore import restore_backup
    from backups.store.archive import find_backup

    figures = []
    for table in bench.tables:
        name, targets = f"hiring.{table}", TARGETS[table]
        for codec in ("snappy", "deflate"):
            goal = f", wanted {targets[0]}" if codec == "snappy" else ""
            figures += bench.compare(
                f"{table} backup, {codec}{goal}",
                lambda: make_backup(uuid7(), tables=[name], codec=codec),  # noqa: B023
                "pg_dump -Fc",
                lambda: pg_dump(bench, table),  # noqa: B023
            )
        make_backup(uuid7(), tables=[name])
        backup, request = find_backup(None), RestoreRequest(tables=[name])
        figures += bench.compare(
            f"{table} restore, wanted {targets[1]}",
            lambda: restore_backup(backup, request),  # noqa: B023
            "pg_restore",
            lambda: pg_restore(bench, table),  # noqa: B023
            lambda: clear_peer(bench),
        )
    return figures


def pg_dump(bench: Bench, table: str) -> None:
    """Dump a table to a file of its name."""
    command: list[str | Path] = [
        program("pg_dump"),
        f"--dbname={bench.server.conninfo(DATABASE)}",
        "--format=custom",
        f"--table=hiring.{table}",
        f"--file={bench.folder / table}",
    ]
    subprocess.run(command, check=True)


def pg_restore(bench: Bench, table: str, *options: str) -> None:
    """Restore the dump of a table into the peer's database."""
    command: list[str | Path] = [
        program("pg_restore"),
        f"--dbname={bench.server.conninfo(PEER)}",
        *options,
        str(bench.folder / table),
    ]
    subprocess.run(command, check=True)


def clear_peer(bench: Bench) -> None:
    """Leave only the tables that the foreign keys refer to."""
    bench.psql(PEER, "--command=DROP SCHEMA IF EXISTS hiring CASCADE")
    dump = bench.folder / "referenced.sql"
    url = bench.server.conninfo(DATABASE)
    tables = ["--table=hiring.departments", "--table=hiring.jobs"]
    subprocess.run([program("pg_dump"), url, *tables, f"--file={dump}"], check=True)
    bench.psql(PEER, "--command=CREATE SCHEMA hiring", f"--file={dump}")


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
