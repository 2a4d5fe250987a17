"""Django's admin: its titles, API keys made and revoked, runs of jobs, applied dataset files."""

from typing import Any, ClassVar, cast

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import AdminSplitDateTime
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from rest_framework_api_key.models import APIKey

from project.http.access.make_key import KeyRefused, check_key
from project.http.people.record_admin import (
    ChoiceFilter,
    ReadableAdmin,
    RecordAdmin,
    link_list,
    show_text,
)
from project.jobs.registry import list_jobs
from project.models import ApiKey, AppliedSchema, JobRun, Scope

admin.site.site_header = "Rowhouse"
admin.site.site_title = "Rowhouse"
admin.site.index_title = "Records and keys"

admin.site.unregister(APIKey)  # the library's own model; the service's keys are `ApiKey`


class MomentWidget(AdminSplitDateTime):
    """A date and a time, each with a label for screen readers."""

    def __init__(self, label: str) -> None:
        super().__init__()
        for widget, part in zip(self.widgets, ("date", "time"), strict=True):
            widget.attrs["aria-label"] = f"{label}: {part}"


class KeyForm(forms.ModelForm):
    """What a new key may do, and until when."""

    scopes = forms.MultipleChoiceField(
        choices=Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text="admin includes the others.",
    )
    tables = forms.CharField(
        required=False,
        help_text="Limit ingest to these, separated by spaces: hiring.employees, or hiring for "
        "the whole dataset. Empty: all tables.",
    )
    expiry_date = forms.SplitDateTimeField(
        label="Expires",
        required=False,
        widget=MomentWidget("Expires"),
        help_text="Empty: never. UTC.",
    )

    class Meta:
        model = ApiKey
        fields = ("name", "scopes", "tables", "expiry_date")

    def clean_tables(self) -> list[str]:
        """Return the names as a list."""
        return str(self.cleaned_data["tables"]).replace(",", " ").split()

    def clean(self) -> dict[str, Any]:
        """Refuse what `manage.py create_api_key` refuses."""
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        try:
            check_key(
                cleaned["name"],
                scopes=cleaned["scopes"],
                tables=cleaned["tables"],
                expires=cleaned["expiry_date"],
                datasets=settings.CONFIG.datasets,
            )
        except KeyRefused as error:
            raise forms.ValidationError(error.message) from error
        return cleaned


class KeyList(ChangeList):
    """A list that names keys by their prefix: a key's id holds its hash."""

    def url_for_result(self, result: Any) -> str:
        """Return the address of a key's page."""
        return reverse("admin:project_apikey_change", args=[result.prefix])


@admin.register(ApiKey)
class ApiKeyAdmin(ReadableAdmin):
    """Keys are made here, shown once, and revoked; nothing else of them changes."""

    actions = None
    list_display = ("name", "prefix", "scopes", "tables", "state", "created", "last_used_at")
    list_filter = ("revoked", "created")
    search_fields = ("name", "prefix")
    show_facets = admin.ShowFacets.NEVER
    fixed = (*list_display, "expiry_date", "batches")

    @admin.display(description="state")
    def state(self, key: ApiKey) -> str:
        """Return whether the key works."""
        if key.revoked:
            return "revoked"
        return "expired" if key.has_expired else "works"

    @admin.display(description="batches")
    def batches(self, key: ApiKey) -> str:
        """Link to what was sent with the key."""
        return link_list("ingest_batch", "what was sent with it", f"q={key.prefix}")

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        """Return the list that keeps hashes out of addresses."""
        return KeyList

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> ApiKey | None:
        """Return the key with this prefix."""
        return self.get_queryset(request).filter(prefix=object_id).first()

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any
    ) -> type[forms.ModelForm]:
        """Return the form of a new key, or the one that revokes."""
        options["form"] = forms.ModelForm if change else KeyForm
        form: type[forms.ModelForm] = super().get_form(request, obj, change, **options)
        return form

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Return what is shown: never the hash."""
        if obj is None:
            return KeyForm.Meta.fields
        return (*self.fixed, "revoked")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Return what cannot be changed: of a revoked key everything."""
        if obj is None:
            return ()
        return (*self.fixed, "revoked") if obj.revoked else self.fixed

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: batches tell which key sent them."""
        return False

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        """Leave out the buttons that would pass over the page that shows the key."""
        context |= {"show_save_and_continue": False, "show_save_and_add_another": False}
        return super().render_change_form(request, context, *args, **options)

    def save_model(
        self, request: HttpRequest, obj: ApiKey, form: forms.ModelForm, change: bool
    ) -> None:
        """Make the key; keep it for the one page that shows it."""
        if not change:
            obj.secret = ApiKey.objects.assign_key(obj)
        obj.save()

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the key, this once."""
        context = {**self.admin_site.each_context(request), "title": "API key made", "key": obj}
        return TemplateResponse(request, "admin/project/apikey/made.html", context)

    def log_addition(self, request: HttpRequest, obj: ApiKey, message: Any) -> LogEntry:
        """Record who made it, under the prefix."""
        return self._log(request, obj, ADDITION, message)

    def log_change(self, request: HttpRequest, obj: ApiKey, message: Any) -> LogEntry:
        """Record who revoked it, under the prefix."""
        return self._log(request, obj, CHANGE, message)

    def _log(self, request: HttpRequest, key: ApiKey, flag: int, message: Any) -> LogEntry:
        entry = LogEntry(
            user_id=cast("int", request.user.pk),
            content_type=ContentType.objects.get_for_model(ApiKey),
            object_id=key.prefix,
            object_repr=str(key),
            action_flag=flag,
            change_message=message,
        )
        entry.save()
        return entry


class JobFilter(ChoiceFilter):
    """Jobs that have a schedule."""

    title = parameter_name = "job"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return their names."""
        return [(job.name, job.name) for job in list_jobs()]


@admin.register(JobRun)
class JobRunAdmin(RecordAdmin):
    """Runs of scheduled jobs, newest first."""

    list_display = ("job", "tick", "outcome", "started_at", "duration_ms", "note", "error")
    list_filter = ("outcome", JobFilter)
    ordering = ("-id",)
    search_fields = ("job",)
    search_help_text = "The name of a job, or words of its note or error"

    def find(self, records: QuerySet[JobRun], term: str) -> QuerySet[JobRun]:
        """Return the runs of a job, or those with the text in note or error; 90 days are kept."""
        matches = Q(note__icontains=term) | Q(error__icontains=term)
        return records.filter(Q(job=term) | matches)


@admin.register(AppliedSchema)
class AppliedSchemaAdmin(RecordAdmin):
    """Dataset files as they were last applied."""

    list_display = ("dataset", "applied_at")
    fields: ClassVar = ("dataset", "applied_at", "file")

    @admin.display(description="schema.sql")
    def file(self, applied: AppliedSchema) -> str:
        """Return the file's text."""
        return show_text(applied.schema_sql)
