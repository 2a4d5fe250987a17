"""Django's settings, made from rest_conf.yml, the environment and the secrets in the data folder.

This is the only module that reads the environment; all others take what they need from
`django.conf.settings`.
"""

import hashlib
import os
import shlex
import sys
from pathlib import Path

from django.utils.functional import SimpleLazyObject
from django.utils.module_loading import import_string

from apis.open311.specification import SCOPES
from project.base.config import publish, read_config, read_port
from project.base.database import database_settings, direct_server
from project.base.log_settings import logging_settings
from project.base.secrets import read_secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("ROWHOUSE_DATA") or BASE_DIR / "var").resolve()
SECRETS_DIR = DATA_DIR / "secrets"
LOGS_DIR = Path(os.environ.get("ROWHOUSE_LOGS") or BASE_DIR / "logs").resolve()
CONFIG_PATH = Path(os.environ.get("ROWHOUSE_CONFIG") or BASE_DIR / "rest_conf.yml").resolve()
# `manage.py up --demo` names the datasets that hold its sample rows.
CONFIG = publish(read_config(CONFIG_PATH), os.environ.get("ROWHOUSE_PUBLIC", "").split())

# Made at the first start, with every scope; what `manage.py load` uses unless told otherwise.
API_KEY_FILE = DATA_DIR / "api_key"

PORT = read_port(os.environ.get("PORT"), CONFIG.http.port)

# The worker processes count together in a folder that `manage.py up` names.
METRICS_DIR = DATA_DIR / "metrics"
METRICS_ARE_SHARED = "PROMETHEUS_MULTIPROC_DIR" in os.environ

# What `manage.py up` gives to the processes it starts, and to the web processes beside that.
ENVIRONMENT = dict(os.environ)
WEB_ENVIRONMENT = ENVIRONMENT | {
    "ROWHOUSE_ROLE": "service",
    "PROMETHEUS_MULTIPROC_DIR": str(METRICS_DIR),
    # glibc keeps up to so many freed bytes for the next batch instead of giving them back at once.
    "MALLOC_TRIM_THRESHOLD_": str(64 * 1024 * 1024),
    "MALLOC_MMAP_THRESHOLD_": str(32 * 1024 * 1024),
}

# "service" in the web processes (`up` and project.asgi set it), "admin" in manage.py commands.
DATABASE_ROLE = os.environ.get("ROWHOUSE_ROLE", "admin")
# What a management command needs that a web process starts.
COMMAND_ENVIRONMENT = {**os.environ, "ROWHOUSE_ROLE": "admin"}
DATABASE_URL = os.environ.get("DATABASE_URL") or CONFIG.database.url
# The same database past the pooler, as its administrator.
DIRECT_DATABASE = direct_server(
    url=DATABASE_URL,
    direct_url=os.environ.get("DATABASE_DIRECT_URL") or CONFIG.database.direct_url,
    config=CONFIG.database,
    data_dir=DATA_DIR,
    secrets_dir=SECRETS_DIR,
)
DATABASES = database_settings(
    url=DATABASE_URL,
    direct=DIRECT_DATABASE,
    role=DATABASE_ROLE,
    config=CONFIG.database,
    secrets_dir=SECRETS_DIR,
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

DEBUG = False
SECRET_KEY = read_secret_key(
    os.environ.get("SECRET_KEY"),
    file=SECRETS_DIR / "secret_key",
    is_production=CONFIG.http.production,
)
# Socrata's limits are those of the application with this token; SODA 3 needs one.
SOCRATA_APP_TOKEN = os.environ.get("SOCRATA_APP_TOKEN")
ALLOWED_HOSTS = CONFIG.http.allowed_hosts
# With http.production all traffic is HTTPS, which a proxy in front undoes. Without it the service
# is reached by HTTP on this machine, where the checks for HTTPS do not apply.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if CONFIG.http.production else None
SECURE_SSL_REDIRECT = CONFIG.http.production
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^internal/metrics$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if CONFIG.http.production else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = CONFIG.http.hsts_subdomains
SECURE_HSTS_PRELOAD = CONFIG.http.hsts_preload
SESSION_COOKIE_SECURE = CONFIG.http.production
CSRF_COOKIE_SECURE = CONFIG.http.production
_CHECKS_FOR_HTTPS = [
    "security.W004",  # HSTS
    "security.W008",  # the redirect
    "security.W012",  # the session's cookie
    "security.W016",  # the CSRF token's cookie
    "oauth2_provider.W008",  # redirect addresses of applications
]
_CHECKS_OF_CHOICES = ["security.W005", "security.W021"]  # HSTS of subdomains, preloading
SILENCED_SYSTEM_CHECKS = _CHECKS_OF_CHOICES + ([] if CONFIG.http.production else _CHECKS_FOR_HTTPS)

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False

ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"
APPEND_SLASH = False
STATIC_URL = "/static/"
# Static files are served from the packages they come with; nothing has to be collected first.
WHITENOISE_USE_FINDERS = True

# The ingest view reads bodies itself, up to `ingest.max_bytes`, and answers 413 beyond.
DATA_UPLOAD_MAX_MEMORY_SIZE = None

# What only pages, people and their tokens need.
_APPS_OF_PAGES = [
    "django.contrib.admin.apps.SimpleAdminConfig",  # project.urls loads what its pages show
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "project.site",
    "oauth2_provider",
]
# They begin sooner without these applications; each has `requires_system_checks = ()`.
COMMANDS_WITHOUT_PAGES = {
    *("backup", "list_backups", "verify_backup", "restore", "pin_backup", "unpin_backup"),
    *("expire_backups", "init_archive", "create_api_key", "load"),
}
_HAS_PAGES = not (
    Path(sys.argv[0]).name == "manage.py" and COMMANDS_WITHOUT_PAGES.intersection(sys.argv[1:2])
)
INSTALLED_APPS = [
    *(_APPS_OF_PAGES if _HAS_PAGES else ()),
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework_api_key",
    "project",  # before django_crontab: its `crontab` command is ours, which calls theirs
    "django_crontab",
    "ingest",
    "apis.metrics",
    "reports",
    "backups",
    "apis.open311",
    "apis.covid",
]

MIDDLEWARE = [
    "project.base.logs.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "project.http.middleware.SessionlessMiddleware",
    "project.http.access.origins.PublicOriginMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "project.http.middleware.ContentPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "project.http.access.logins.LoginGuardMiddleware",
]

# Views that take keys and tokens only, and answer neither pages nor streams.
SESSIONLESS_ADDRESSES = frozenset({"/open311/api"})
# The same for requests that bring no cookie, at this address and those below it.
COOKIELESS_ADDRESS = "/api/ingest"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "project.http.people.pages.describe_viewer",
            ]
        },
    }
]

AUTHENTICATION_BACKENDS = ["project.http.access.logins.GuardedBackend"]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
SESSION_COOKIE_NAME = "rowhouse_session"
SESSION_COOKIE_AGE = 12 * 3600
# Pages hand the token to their scripts themselves; no script has to read a cookie.
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "project.site.login.refuse_forged_form"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "project.http.access.keys.KeyAuthentication",
        "project.http.access.sessions.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["project.http.access.keys.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "project.http.answers.IgnoreAccept",
    "DEFAULT_METADATA_CLASS": "project.http.answers.AllowedMethods",
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "project.http.openapi.ViewSchema",
    "EXCEPTION_HANDLER": "project.http.problems.answer_error",
    "UNAUTHENTICATED_USER": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Rowhouse",
    "DESCRIPTION": "Batch ingest into PostgreSQL with a receipt for every row.\n\n"
    "Every refusal is a problem document (RFC 9457) with a stable `code`; each operation lists its "
    "own. Any address may also answer 400 `bad_host`, 404 `not_found`, 405 `method_not_allowed` "
    "and 500 `internal_error`. [/docs/errors](/docs/errors) has every code in words. "
    "The Open311 API has its standard's own shape of errors.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/",
    # In the order of a first visit; datasets and standards follow.
    "TAGS": [
        {"name": name}
        for name in ("ingest", "rejections", "batches", "tables", "reports", "backups")
    ],
    "POSTPROCESSING_HOOKS": [
        "project.http.openapi.describe_answers",
        "ingest.api.table_paths.describe_tables",
        "apis.open311.openapi.add_to_schema",
    ],
    # It asks the database which tables there are.
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    # Drawn when they are opened: all at once take seconds.
    "SWAGGER_UI_SETTINGS": {"docExpansion": "none", "deepLinking": True},
}

# The Open311 API's reports. Tokens are stored as hashes, codes need PKCE with S256.
OAUTH2_PROVIDER = {
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"] if CONFIG.http.production else ["http", "https"],
    "SCOPES": SCOPES,
    "DEFAULT_SCOPES": [],
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    "REFRESH_TOKEN_EXPIRE_SECONDS": 30 * 24 * 3600,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
}

LOGGING = logging_settings(CONFIG.logging, LOGS_DIR)

# One folder or .sql file a report.
REPORTS_DIR = BASE_DIR / "reports" / "definitions"

# The jobs that have a line under schedules.jobs in rest_conf.yml, and what runs them.
JOBS = {
    "back_up": "backups.runs.runs.run_backup",
    "prove_backup": "backups.runs.runs.run_drill",
    "expire_idempotency_keys": "ingest.rejections.retention.expire_idempotency_keys",
    "expire_rejections": "ingest.rejections.retention.expire_rejections",
    "tend_partitions": "backups.runs.partitions.maintain_partitions",
    "load_socrata": "ingest.loaders.socrata.load.load_changes",
    "guard_roles": "project.schema.roles.guard_roles",
    "expire_sessions": "project.http.access.sessions.expire_sessions",
    "forget_job_runs": "project.jobs.runs.forget_job_runs",
    "forget_report_runs": "reports.engine.jobs.forget_report_runs",
    "refresh_vehicle_states": "apis.metrics.computation.vehicle_states.refresh",
    "refresh_covid": "apis.covid.refresh.refresh.refresh_everything",
}
# Which HTTP status answers which error of a room: read when the first one is answered.
ERROR_STATUSES = [
    "project.site.login.STATUSES",
    "ingest.api.statuses.STATUSES",
    "reports.api.statuses.STATUSES",
    "backups.api.statuses.STATUSES",
    "apis.metrics.errors.STATUSES",
    "apis.open311.errors.STATUSES",
    "apis.covid.errors.STATUSES",
]
# Collectors of metrics that are asked at every scrape, whichever process answers.
METRICS_COLLECTORS = ["backups.runs.metrics.BackupCollector"]
# Functions that list further jobs.
JOB_PROVIDERS = ["reports.engine.jobs.list_report_jobs"]
# Read when django-crontab asks, not at every start.
CRONJOBS = SimpleLazyObject(lambda: import_string("project.jobs.crontab.list_cron_lines")())
CRONTAB_EXECUTABLE = "/usr/bin/crontab"
CRONTAB_COMMENT = f"rowhouse {hashlib.sha256(str(DATA_DIR).encode()).hexdigest()[:12]}"

# cron starts a job in its own folder and environment: the line goes to ours, and takes from a
# file that only its owner can read what `crontab add` was called with.
CRON_ENVIRONMENT_FILE = SECRETS_DIR / "cron_environment"
_CRON_VARIABLES = {
    "ROWHOUSE_DATA": str(DATA_DIR),
    "ROWHOUSE_LOGS": str(LOGS_DIR),
    "ROWHOUSE_CONFIG": str(CONFIG_PATH),
    "DATABASE_URL": os.environ.get("DATABASE_URL"),
    "DATABASE_DIRECT_URL": os.environ.get("DATABASE_DIRECT_URL"),
    "SECRET_KEY": os.environ.get("SECRET_KEY"),
}
CRON_ENVIRONMENT = "\n".join(
    f"export {name}={shlex.quote(value)}" for name, value in _CRON_VARIABLES.items() if value
)
CRONTAB_COMMAND_PREFIX = (
    f"cd {shlex.quote(str(BASE_DIR))} && . {shlex.quote(str(CRON_ENVIRONMENT_FILE))} &&"
)
CRONTAB_PYTHON_EXECUTABLE = shlex.quote(sys.executable)
CRONTAB_DJANGO_MANAGE_PATH = "manage.py"
CRONTAB_COMMAND_SUFFIX = f"> {shlex.quote(str(LOGS_DIR / 'cron.log'))} 2>&1"
