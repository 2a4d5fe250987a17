"""A small city for tests of the Open311 API, loaded through the ingest endpoint."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application

from tests.api.sending import send

STATUSES = [
    {"status_id": 1, "name": "open"},
    {"status_id": 2, "name": "pending"},
    {"status_id": 3, "name": "closed"},
]
SERVICES = [
    {"service_id": 1, "name": "Pothole", "type": "streets", "description": "A hole in a road"},
    {"service_id": 2, "name": "Hydrant", "type": "water", "description": None},
    {"service_id": 3, "name": "Graffiti", "type": "cleaning", "description": "Paint"},
]
HYDRANT = {
    "incident_id": 999,
    "service_id": 2,
    "status_id": 1,
    "created": "2011-03-15T23:22:45Z",
    "modified": "2011-03-16T10:17:33Z",
    "latitude": 37.23,
    "longitude": -122.45,
    "description": "This fire hydrant has been leaking for two days now",
    "address": "12 Anchor Street",
    "zip": "94612",
    "neighbourhood": "Harbour",
    "source": "phone",
    "reporter": "user:0",
}
GRAFFITI = {
    "incident_id": 23,
    "service_id": 3,
    "status_id": 1,
    "created": "2010-05-26T21:30:00Z",
    "modified": "2010-05-26T21:30:00Z",
    "latitude": 37.804376,
    "longitude": -122.27118,
}
# The same as the API answers them.
HYDRANT_ANSWER = {
    "id": 999,
    "service_id": 2,
    "status_id": 1,
    "created": "2011-03-15T23:22:45Z",
    "modified": "2011-03-16T10:17:33Z",
    "latitude": 37.23,
    "longitude": -122.45,
    "description": "This fire hydrant has been leaking for two days now",
}
GRAFFITI_ANSWER = {
    "id": 23,
    "service_id": 3,
    "status_id": 1,
    "created": "2010-05-26T21:30:00Z",
    "modified": "2010-05-26T21:30:00Z",
    "latitude": 37.804376,
    "longitude": -122.27118,
    "description": None,
}


def load_city(client: Client) -> None:
    """Load statuses, services and two incidents."""
    load(client, "statuses", STATUSES, "?on_conflict=ignore")
    load(client, "services", SERVICES)
    load(client, "incidents", [HYDRANT])
    load(client, "incidents", [GRAFFITI])


def load(client: Client, table: str, rows: list[dict[str, Any]], query: str = "") -> None:
    """Load rows, all of which must be stored."""
    answer = send(client, f"open311.{table}", rows, query)
    assert answer.status_code == 201, answer.content


def call(method: str, **parameters: Any) -> Any:
    """GET a method as anyone; parameters without a value are left out."""
    return Client().get("/open311/api", {"method": f"open311.{method}", **parameters})


def make_token(scope: str, user: User | None = None) -> str:
    """Return an OAuth2 access token, of a user or of an application for itself."""
    application = Application.objects.create(
        name="Street app",
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
    )
    secret = f"token-{application.pk}"
    AccessToken.objects.create(
        token=secret,
        application=application,
        user=user,
        scope=scope,
        expires=timezone.now() + timedelta(hours=1),
    )
    return secret


def post(method: str, token: str | None = None, **parameters: Any) -> Any:
    """POST a method's parameters as a form, with a token where there is one."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Client().post(
        f"/open311/api?method=open311.{method}",
        "&".join(f"{name}={value}" for name, value in parameters.items()),
        content_type="application/x-www-form-urlencoded",
        headers=headers,
    )
