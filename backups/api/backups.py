"""GET and POST /api/backups, GET /api/backups/{id}, POST …/verify and …/restore."""

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from backups.api.bodies import (
    MAX_BODY_BYTES,
    OPTIONS_ERRORS,
    BackupBody,
    RestoreBody,
    VerifyBody,
    describe_options,
    read_options,
)
from backups.api.documents import RunDocument, describe_backup, describe_run
from backups.errors import (
    BackupDamaged,
    BackupError,
    BackupUnknown,
    BackupUntrusted,
    ServiceTablesProtected,
    TooManyRuns,
)
from backups.make.snapshot import SERVICE_TABLES
from backups.models import BackupRun
from backups.restore.service_tables import check_service_tables, find_service_tables
from backups.runs.record import mark_dead_runs
from backups.runs.runs import describe_request, request_run
from backups.store.archive import find_backup, list_backups
from backups.store.folder import Backup
from backups.store.origin import open_trusted
from backups.store.selection import choose_tables
from ingest.errors import BadParameter, TableAmbiguous, TableUnknown
from ingest.writing.tables import exposed_tables
from project.base.database import writer_connection
from project.base.logs import note
from project.http.answers import answer_json
from project.http.openapi import Errors, answers, page_of, parameter
from project.models import Scope

PAGE = 50
RUN_ERRORS = (*OPTIONS_ERRORS, TooManyRuns)
Kind = BackupRun.Kind


class BackupsView(APIView):
    """All backups, and new ones."""

    scopes = {"GET": Scope.READ, "POST": Scope.BACKUP}
    bodies = {"POST": MAX_BODY_BYTES}
    errors: Errors = {
        "GET": [BadParameter],
        "POST": [*RUN_ERRORS, TableUnknown, TableAmbiguous],
    }

    @extend_schema(
        summary="List backups",
        parameters=[parameter("before", "Only backups older than this one", format="uuid")],
        responses=answers({200: page_of(RunDocument)}),
    )
    def get(self, request: Request) -> HttpResponse:
        """Answer a page of backups, newest first: finished, running and failed ones."""
        mark_dead_runs()
        before = request.GET.get("before")
        documents = sorted(_list_documents(), key=lambda one: one.id, reverse=True)
        if before is not None:
            limit = _parse_cursor(before)
            documents = [one for one in documents if one.id < limit]
        page = documents[:PAGE]
        following = None
        if len(documents) > PAGE:
            following = request.build_absolute_uri(f"{request.path}?before={page[-1].id}")
        return answer_json({"next": following, "previous": None, "results": page})

    @extend_schema(
        summary="Make a backup",
        request=describe_options(BackupBody, {"tables": ["hiring.employees"]}),
        responses=answers({202: RunDocument}),
    )
    def post(self, request: Request) -> HttpResponse:
        """Start a backup in the background; answer 202 with the run."""
        options = read_options(request, BackupBody)
        for name in options.tables:
            if name not in {f"service.{table}" for table in SERVICE_TABLES}:
                exposed_tables().find(writer_connection(), name)
        run = request_run(Kind.BACKUP, tables=options.tables, options={"codec": options.codec})
        return _accept(request, run)


class BackupView(APIView):
    """One backup, or one run of a check or restore."""

    scopes = {"GET": (Scope.READ, Scope.BACKUP)}
    errors: Errors = {"GET": [BackupUnknown]}

    @extend_schema(summary="Get a run", responses=answers({200: RunDocument}))
    def get(self, request: Request, run: str) -> HttpResponse:
        """Answer the run as it is now."""
        mark_dead_runs()
        identifier = _parse_id(run)
        backup = next((one for one in list_backups() if one.id == identifier), None)
        found = BackupRun.objects.filter(pk=identifier).first()
        if found is not None:
            return answer_json(describe_run(found, backup))
        if backup is None:
            raise BackupUnknown(f"There is no backup or run {identifier}")
        return answer_json(describe_backup(backup))


class VerifyView(APIView):
    """Checks of one backup."""

    scopes = {"POST": Scope.BACKUP}
    bodies = {"POST": MAX_BODY_BYTES}
    errors: Errors = {"POST": [*RUN_ERRORS, BackupUnknown, BackupUntrusted, BackupDamaged]}

    @extend_schema(
        summary="Check a backup",
        request=describe_options(VerifyBody, {"restore": False}),
        responses=answers({202: RunDocument}),
    )
    def post(self, request: Request, run: str) -> HttpResponse:
        """Start a check in the background; answer 202 with its run."""
        backup = _find(run)
        options = read_options(request, VerifyBody)
        open_trusted(backup)
        check = request_run(Kind.VERIFY, backup=backup.id, options={"restore": options.restore})
        return _accept(request, check)


class RestoreView(APIView):
    """Restores from one backup."""

    scopes = {"POST": Scope.BACKUP}
    bodies = {"POST": MAX_BODY_BYTES}
    errors: Errors = {
        "POST": [
            *(*RUN_ERRORS, BadParameter, BackupError, BackupUnknown, BackupUntrusted),
            *(BackupDamaged, ServiceTablesProtected),
        ]
    }

    @extend_schema(
        summary="Restore from a backup",
        request=describe_options(RestoreBody, {"tables": ["hiring.employees"], "dry_run": True}),
        responses=answers({202: RunDocument}),
    )
    def post(self, request: Request, run: str) -> HttpResponse:
        """Start a restore in the background; answer 202 with its run.

        Receipts and rejections are left out, which `left_out` of its options tells.
        """
        backup = _find(run)
        options = read_options(request, RestoreBody)
        if (options.mode == "new") != (options.into is not None):
            raise BadParameter("`into` names the new table of the mode new", parameter="into")
        if options.tables and options.exclude:
            raise BadParameter("`exclude` is for a restore of all tables", parameter="exclude")
        _, manifest = open_trusted(backup)
        entries = choose_tables(manifest.tables, options.tables, exclude=options.exclude)
        chosen = [entry.full_name for entry in entries]
        left_out = [] if options.tables else find_service_tables(chosen)
        tables = [name for name in chosen if name not in left_out]
        check_service_tables(tables or left_out, allowed=False)
        wanted = describe_request(options.as_request(left_out))
        restore = request_run(Kind.RESTORE, backup=backup.id, tables=tables, options=wanted)
        return _accept(request, restore)


def _accept(request: Request, run: BackupRun) -> HttpResponse:
    note(request, run=str(run.pk), kind=run.kind)
    document = describe_run(run, None)
    return answer_json(document, status=202, headers={"Location": document.url})


def _list_documents() -> list[RunDocument]:
    backups = {backup.id: backup for backup in list_backups()}
    runs = {run.pk: run for run in BackupRun.objects.filter(kind=Kind.BACKUP)}
    documents = [describe_run(run, backups.get(pk)) for pk, run in runs.items()]
    return documents + [describe_backup(one) for pk, one in backups.items() if pk not in runs]


def _find(run: str) -> Backup:
    return find_backup(str(_parse_id(run)))


def _parse_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise BackupUnknown("A backup's id is a UUID") from error


def _parse_cursor(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise BadParameter("before must be a backup's id", parameter="before") from error
