"""The ASGI application that granian serves."""

import multiprocessing
import os
import signal

from project.server.children import die_with_parent

if multiprocessing.current_process().name == "granian-worker":
    # A killed granian would leave its workers behind, listening.
    die_with_parent()
    # Until it serves, a worker has granian's own handler, which does nothing here.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
os.environ.setdefault("ROWHOUSE_ROLE", "service")

handler = get_wsgi_application()

from importlib import import_module  # noqa: E402 - the settings are readable from here on

from django.conf import settings  # noqa: E402
from django.core.signals import request_finished  # noqa: E402
from django.db import close_old_connections  # noqa: E402
from django.template import engines  # noqa: E402

from ingest.validation.native.library import load_library  # noqa: E402
from project.base.database import renew_connections  # noqa: E402
from project.base.metrics import reserve_space  # noqa: E402
from project.http.gateway import Gateway, Limits  # noqa: E402
from project.server.garbage import collect_rarely  # noqa: E402

if settings.METRICS_ARE_SHARED:
    reserve_space(settings.METRICS_DIR)

# Otherwise the first request of each process would wait for the views, the templates and the
# declarations of the compiled code to be read.
import_module(settings.ROOT_URLCONF)
engines.all()
load_library()

# Before and after a request Django looks at the database connections of its thread. Here that is
# done once, when the answer is sent.
request_finished.disconnect(close_old_connections)
request_finished.connect(renew_connections)

collect_rarely()

application = Gateway(
    handler.get_response,
    threads=settings.CONFIG.http.threads,
    limits=Limits(
        max_bytes=settings.CONFIG.ingest.max_bytes,
        timeout_s=settings.CONFIG.http.body_timeout_s,
        keyless_bytes=settings.CONFIG.http.keyless_bytes,
    ),
)
