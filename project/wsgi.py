"""The WSGI application, for servers other than granian (project.asgi is what `up` serves)."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
os.environ.setdefault("ROWHOUSE_ROLE", "service")

handler = get_wsgi_application()

from django.conf import settings  # noqa: E402 - the settings are readable from here on

from ingest.validation.native.library import warn_without_library  # noqa: E402
from project.http.middleware import WholeBodies  # noqa: E402

warn_without_library()

application = WholeBodies(handler, max_bytes=settings.CONFIG.ingest.max_bytes)
