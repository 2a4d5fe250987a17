"""The ASGI application that granian serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
os.environ.setdefault("ROWHOUSE_ROLE", "service")

handler = get_wsgi_application()

from django.conf import settings  # noqa: E402 - the settings are readable from here on

from project.children import die_with_parent  # noqa: E402
from project.gateway import Gateway, Limits  # noqa: E402

# A killed granian would leave its workers behind, listening.
die_with_parent()

application = Gateway(
    handler,
    threads=settings.CONFIG.http.threads,
    limits=Limits(
        max_bytes=settings.CONFIG.ingest.max_bytes,
        timeout_s=settings.CONFIG.http.body_timeout_s,
    ),
)
