"""Who may call what: every address of the URL configuration, as every kind of caller."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import URLResolver, get_resolver

from tests.conftest import KeyMaker, Publish

pytestmark = pytest.mark.usefixtures("database")

CALLERS = {
    "anonymous": (),
    "citizen": (),
    "staff": (),
    "staff who may read": ("read",),
    "superuser": ("read", "ingest", "backup", "admin"),
    "read key": ("read",),
    "ingest key": ("ingest",),
    "backup key": ("backup",),
    "admin key": ("read", "ingest", "backup", "admin"),
    "revoked key": (),
}

# Those that tell whether an address is open, and of many that share a view.
SOME = ("anonymous", "ingest key", "read key")

# What a call needs: one of some scopes, or nothing (OPEN). DATA is `read`, unless it is public.
OPEN, READ, INGEST, BACKUP, ADMIN = ({"open"}, {"read"}, {"ingest"}, {"backup"}, {"admin"})
DATA = {"read", "public"}
RULES: dict[str, dict[str, set[str]]] = {
    "": {"GET": READ},
    "dashboard.json": {"GET": READ},
    "tables/": {"GET": DATA},
    r"^tables/(?P<table>[\s\S]+)\Z": {"GET": DATA},
    "favicon.ico": {"GET": OPEN},
    "login/": {"GET": OPEN},  # a POST brings its own proof
    "logout/": {},  # a POST ends the session that there is
    "rejections/": {"GET": READ},
    "load/": {"GET": INGEST},
    "api/ingest": {"POST": INGEST},
    "api/ingest/<path:table>": {"POST": INGEST},
    "api/batches": {"GET": READ},
    "api/batches/<str:batch>": {"GET": READ},
    "api/rejections": {"GET": READ},
    "api/rejections/replay": {"POST": INGEST},
    "api/rejections/<str:rejection>": {"GET": READ},
    "api/rejections/<str:rejection>/replay": {"POST": INGEST},
    "api/rejections/<str:rejection>/discard": {"POST": INGEST},
    "api/files/inspect": {"POST": INGEST},
    "api/tables": {"GET": DATA},
    "api/tables/<path:table>": {"GET": DATA},
    "api/tables/<path:table>/rows": {"GET": DATA},
    "api/tables/<path:table>/rows/<path:key>": {"DELETE": ADMIN},
    "api/reports": {"GET": DATA},
    "api/reports.tds": {"GET": DATA},
    "api/reports/<str:name>": {"GET": DATA},
    "api/reports/<str:name>.tds": {"GET": DATA},
    "api/reports/<str:name>/refresh": {"POST": INGEST},
    "reports/": {"GET": DATA},
    "reports/rowhouse_reports.tds": {"GET": DATA},
    "reports/<str:name>/": {"GET": DATA},
    "reports/<str:name>.csv": {"GET": DATA},
    "reports/<str:name>.tds": {"GET": DATA},
    "api/nyc311/closure": {"GET": DATA},
    "api/nyc311/closure/daily": {"GET": DATA},
    "api/nyc311/closure/within-a-day": {"GET": DATA},
    "api/backups": {"GET": READ, "POST": BACKUP},
    "api/backups/<str:run>": {"GET": READ | BACKUP},
    "api/backups/<str:run>/verify": {"POST": BACKUP},
    "api/backups/<str:run>/restore": {"POST": BACKUP},
    "mds/metrics": {"GET": DATA, "POST": DATA},
    "mds/metrics/<str:result>": {"GET": DATA},
    "open311/": {"GET": OPEN},
    "open311/api": {"GET": DATA},
    "open311/openapi.json": {"GET": OPEN},
    "open311/oauth/login": {"GET": OPEN},
    "open311/oauth/token": {},  # a POST brings the proof of an OAuth2 client
    "open311/oauth/revoke": {},
    "healthz": {"GET": OPEN},
    "readyz": {"GET": OPEN},
    "internal/metrics": {"GET": READ},  # from elsewhere
    "api/schema": {"GET": OPEN},
    "api/docs": {"GET": OPEN},
    "docs/errors": {"GET": OPEN},
    "admin": {"GET": OPEN},  # a redirect
}
# Asked of Django's own session and permissions, whatever a key says.
BY_DJANGO = ("admin/", "open311/oauth/authorize")
# Keys and tokens alone are looked at.
WITHOUT_SESSION = {"open311/api"}
SESSIONS = {"staff who may read", "superuser"}
# Of these nobody needs a session.
DJANGO_S_OPEN = {"admin/login/", "admin/logout/", "admin/jsi18n/"}

PARTS = {
    "table": "hiring.jobs",
    "name": "hires_by_quarter",
    "key": "1",
    "rejection": "1",
    "code": "ca",
    "day": "2020-07-01",
    "url": "x",
    "id": "1",
    "app_label": "ingest",
    "content_type_id": "1",
    "object_id": "1",
}
SOME_ID = "0190f2c4-7e5a-7c3e-9d7b-2f6a1c0b4e11"
QUERIES = {"open311/api": "?method=open311.services.getList"}


def list_routes() -> Iterator[str]:
    return _walk(get_resolver().url_patterns, "")


def _walk(patterns: Any, prefix: str) -> Iterator[str]:
    for each in patterns:
        route = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from _walk(each.url_patterns, route)
        else:
            yield route


def rules_of(route: str) -> dict[str, set[str]]:
    return {"GET": DATA} if route.startswith("covid/v2/") else RULES[route]


def address_of(route: str) -> str:
    plain = re.sub(r"\(\?P<(\w+)>.*?[+*]\)|\(\?P<(\w+)>[\w|]+\)", r"<\1\2>", route)
    plain = re.sub(r"\^|\$|\\Z", "", plain)
    parts = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: PARTS.get(found[1], SOME_ID), plain)
    return f"/{parts}{QUERIES.get(route, '')}"


@pytest.fixture
def callers(api_key: KeyMaker) -> dict[str, Client]:
    """Return a client of each kind, none of them on this machine."""
    clients = {name: Client(REMOTE_ADDR="10.0.0.1") for name in CALLERS}
    for scope in ("read", "ingest", "backup", "admin"):
        limits = {"tables": ["hiring.jobs"]} if scope == "ingest" else {}
        clients[f"{scope} key"].defaults["HTTP_AUTHORIZATION"] = (
            f"Api-Key {api_key(scope, **limits)}"
        )
    secret = api_key("admin", revoked=True)
    clients["revoked key"].defaults["HTTP_AUTHORIZATION"] = f"Api-Key {secret}"
    clients["citizen"].force_login(User.objects.create_user("citizen"))
    clients["staff"].force_login(User.objects.create_user("staff", is_staff=True))
    reader = User.objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="api_read"))
    clients["staff who may read"].force_login(reader)
    clients["superuser"].force_login(User.objects.create_superuser("root"))
    return clients


def is_admitted(client: Client, method: str, address: str) -> bool:
    """Return whether a call got past the question of who makes it; a body that is none is sent."""
    answer = client.generic(method, address, b"[", content_type="application/json")
    is_sent_to_log_in = answer.status_code == 302 and "next=" in answer.headers["Location"]
    assert answer.status_code < 500, (method, address, answer.content)
    return answer.status_code not in {401, 403} and not is_sent_to_log_in


def test_every_address_has_a_rule() -> None:
    routes = {route for route in list_routes() if not route.startswith((*BY_DJANGO, "covid/v2/"))}
    assert routes == RULES.keys()


@pytest.mark.parametrize("is_public", [False, True])
def test_each_caller_may_do_what_the_rule_says(
    callers: dict[str, Client], publish: Publish, is_public: bool
) -> None:
    publish(**dict.fromkeys(("hiring", "nyc311", "mds", "open311", "covid"), is_public))
    wrong = []
    for route in list_routes():
        if route.startswith(BY_DJANGO):
            continue
        for method, needed in rules_of(route).items():
            is_open = "open" in needed or (is_public and "public" in needed)
            if is_public and not is_open:
                continue
            few = is_open or route.startswith("covid/")
            for name in ("anonymous",) if "open" in needed else SOME if few else CALLERS:
                scopes = () if route in WITHOUT_SESSION and name in SESSIONS else CALLERS[name]
                expected = is_open or not needed.isdisjoint(scopes)
                if is_admitted(callers[name], method, address_of(route)) != expected:
                    wrong.append((method, route, name))
    assert not wrong, str(wrong)


def test_a_key_limited_to_a_table_writes_to_no_other(callers: dict[str, Client]) -> None:
    client = callers["ingest key"]
    for address, status in (("jobs", 400), ("hiring.jobs", 400), ("departments", 403)):
        rows = b'[{"x": 1}]' if status == 403 else b"["
        answer = client.post(f"/api/ingest/{address}", rows, content_type="application/json")
        assert answer.status_code == status, (address, answer.content)


def test_the_admin_asks_for_a_session_and_permissions(callers: dict[str, Client]) -> None:
    routes = [route for route in list_routes() if route.startswith(BY_DJANGO)]
    assert len(routes) > 50
    for route in set(routes) - DJANGO_S_OPEN:
        address = address_of(route)
        for name in ("anonymous", "citizen", "admin key"):
            is_public = route.endswith("authorize") and name == "citizen"
            assert is_public or not is_admitted(callers[name], "GET", address), (name, address)
        if (
            route.count("/") > 2
            and not route.startswith("admin/password")
            and not route.startswith("admin/r/")
        ):
            staff = callers["staff"].get(address)
            assert staff.status_code in {302, 403, 404}, address
