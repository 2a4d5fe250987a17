"""`manage.py restore`: tables put back from a backup or from another tool's Avro file."""

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, get_args
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from backups.restore.append import AppendReport
from backups.restore.definitions import describe_definitions
from backups.restore.external_file import append_files, find_files, is_external
from backups.restore.plan import Mode, RestoreRequest, describe_plan
from backups.restore.restore import RestoreReport
from backups.restore.selection import NULL_WORD, read_conditions, read_keys
from backups.restore.service_tables import find_service_tables
from backups.runs.progress import progress_bar
from backups.runs.runs import run_restore, run_undo
from backups.store.archive import find_backup_of, locate_backup
from backups.store.selection import choose_tables
from ingest.outcome import SOME_REJECTED, OnConflict

SOME_NOT_RESTORED = 3  # as where rows are rejected


class Command(BaseCommand):
    # Django's checks import every view of the service, which takes longer than a small command.
    requires_system_checks = ()
    help = "Restore tables: verify, compare, change what differs. --dry-run only tells that."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "tables", nargs="*", metavar="TABLE", help="without any, --all is needed"
        )
        parser.add_argument("--all", action="store_true", help="every table of the backup")
        parser.add_argument(
            "--exclude",
            action="append",
            default=[],
            metavar="TABLE",
            help="with --all: leave this table as it is; repeatable",
        )
        self._add_selection(parser)
        parser.add_argument(
            "--from",
            dest="source",
            metavar="RUN|FILE|FOLDER|GLOB",
            help="a backup (without it: the newest with them) or other tools' Avro files",
        )
        parser.add_argument("--mode", choices=get_args(Mode))
        parser.add_argument("--into", metavar="NAME", help="restore into a new table of this name")
        parser.add_argument(
            "--undo", action="store_true", help="change back what the tables' last restore changed"
        )
        parser.add_argument(
            "--force", action="store_true", help="undo rows too that were changed since"
        )
        parser.add_argument("--dry-run", action="store_true", help="only tell what would be done")
        parser.add_argument(
            "--trust", action="store_true", help="also a backup that no key of this service signed"
        )
        parser.add_argument(
            "--definitions",
            action="store_true",
            help="first make what the datasets define (types, functions, tables …) and lack",
        )
        parser.add_argument(
            "--yes", action="store_true", help="replace receipts and rejections without asking"
        )
        parser.add_argument("--on-conflict", choices=get_args(OnConflict), default="reject")
        parser.add_argument(
            "--rename",
            action="append",
            default=[],
            metavar="FIELD=COLUMN",
            help="the column that a foreign file's field is meant for; repeatable",
        )

    def _add_selection(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--where",
            action="append",
            default=[],
            metavar="COLUMN=VALUE",
            help=rf"only rows with this value ({NULL_WORD}: null); repeatable, all must hold",
        )
        parser.add_argument(
            "--keys",
            metavar="FILE|LIST",
            help="only rows with these primary keys: 17,18 or a CSV file with the key's columns",
        )
        parser.add_argument("--batch", type=UUID, metavar="ID", help="only rows of this batch")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["tables"]) == options["all"]:
            raise CommandError("name the tables, or say --all")
        if options["definitions"] and not options["all"]:
            raise CommandError("--definitions are those of all tables: say --all")
        if options["exclude"] and not options["all"]:
            raise CommandError("--exclude takes tables out of --all")
        if options["undo"]:
            self._undo(options)
            return
        source = options["source"]
        if source is not None and is_external(source):
            self._append_files(source, options)
            return
        backup = locate_backup(source) if source is not None else find_backup_of(options["tables"])
        tables, exclude = options["tables"], options["exclude"]
        entries = choose_tables(backup.read().tables, tables, exclude=exclude)
        self._confirm([entry.full_name for entry in entries], options)
        request = RestoreRequest(
            tables=tables,
            exclude=exclude,
            is_named=source is not None,
            everything=options["all"],
            where=read_conditions(options["where"]),
            keys=read_keys(options["keys"]) if options["keys"] is not None else None,
            batch=str(options["batch"]) if options["batch"] else None,
            mode=options["mode"] or ("new" if options["into"] else "replace"),
            into=options["into"],
            dry_run=options["dry_run"],
            on_conflict=options["on_conflict"],
            trust=options["trust"],
            with_service=True,
            definitions=options["definitions"],
        )
        with progress_bar("restore") as progress:
            _, report = run_restore(backup, request, progress=progress)
        self._write_report(report)

    def _undo(self, options: dict[str, Any]) -> None:
        if _selects(options) or any(options[name] for name in ("all", "source", "mode", "into")):
            raise CommandError("--undo takes the tables' names, --force and --dry-run only")
        self._confirm(options["tables"], options)
        undone = run_undo(
            options["tables"],
            force=options["force"],
            dry_run=options["dry_run"],
            with_service=True,
        )
        verb = "would be" if options["dry_run"] else "were"
        for one in undone:
            self.stdout.write(
                f"{one.table}: {one.inserted} rows {verb} inserted, {one.updated} updated, "
                f"{one.deleted} deleted"
            )
            if one.left:
                self.stdout.write(f"  {one.left} were changed since and left alone (see --force)")

    def _confirm(self, tables: Sequence[str], options: dict[str, Any]) -> None:
        """Ask before receipts and rejections are replaced; raise `CommandError` for a no."""
        found = find_service_tables(tables)
        if not found or options["dry_run"] or options["yes"]:
            return
        warning = f"Receipts and rejections of today will be replaced ({', '.join(found)})"
        if not sys.stdin.isatty():
            raise CommandError(f"{warning}: say --yes")
        if input(f"{warning}. Type yes: ") != "yes":
            raise CommandError("nothing was restored")

    def _append_files(self, source: str, options: dict[str, Any]) -> None:
        if (
            options["mode"] not in {None, "append"}
            or len(options["tables"]) != 1
            or options["into"]
            or _selects(options)
        ):
            raise CommandError("other tools' files can only be appended, whole, to one table")
        renamed = dict(pair.partition("=")[::2] for pair in options["rename"])
        with progress_bar("restore") as progress:
            report = append_files(
                find_files(source),
                options["tables"][0],
                renamed=renamed,
                on_conflict=options["on_conflict"],
                dry_run=options["dry_run"],
                progress=progress,
            )
        self._write_outcomes({options["tables"][0]: report}, dry_run=options["dry_run"])

    def _write_report(self, report: RestoreReport) -> None:
        taken = f"{_show_time(report.taken_at)}, {timedelta(seconds=report.age_s)} ago"
        self.stdout.write(f"{report.backup}, taken {taken}")
        if report.choice is not None:
            self.stdout.write(f"  used because: {report.choice.reason}")
            for one in report.choice.newer:
                taken = _show_time(one.taken_at)
                self.stdout.write(f"  newer: {one.backup}, taken {taken}: {one.state}")
        for line in describe_definitions(report.definitions) if report.definitions else ():
            self.stdout.write(line)
        for plan in report.tables:
            for line in describe_plan(plan):
                self.stdout.write(line)
        for table, why in report.not_restored.items():
            self.stdout.write(f"NOT RESTORED: {table}: {why}")
        if report.dry_run:
            self.stdout.write("Nothing was changed: this was a dry run")
        elif not report.appended:
            self.stdout.write(f"{report.rows} rows restored from {report.backup}")
        self._write_outcomes(report.appended, dry_run=False)
        if report.not_restored:
            sys.exit(SOME_NOT_RESTORED)

    def _write_outcomes(self, reports: Mapping[str, AppendReport], *, dry_run: bool) -> None:
        """Tell what became of rows, and why; exit with 3 where not all of them were taken."""
        verb = "would be" if dry_run else "were"
        for table, report in reports.items():
            self.stdout.write(
                f"{table}: {report.inserted} rows {verb} inserted, {report.updated} updated, "
                f"{report.ignored} ignored, {report.rejected} rejected"
            )
            for one in sorted(report.reasons, key=lambda one: (-one.rows, one.code)):
                where = f"{one.code} ({', '.join(one.columns)})" if one.columns else one.code
                self.stdout.write(f"  {one.rows} rows {where}: {one.message}")
        if any(report.rejected for report in reports.values()):
            sys.exit(SOME_REJECTED)


def _show_time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _selects(options: Mapping[str, Any]) -> bool:
    return bool(options["where"]) or options["keys"] is not None or options["batch"] is not None
