"""The service's application, with a listener that ends a worker where a test orders it.

An order is a file named after a point, in the folder that ROWHOUSE_TEST_ORDERS names. It holds
the process id of the worker that is to die there, as by `kill -9`.
"""

import os
import signal
from pathlib import Path

from ingest.writing.fault_points import Point, listeners
from project.asgi import application as application

ORDERS = Path(os.environ["ROWHOUSE_TEST_ORDERS"])


def obey(point: Point) -> None:
    """Die if there is an order for this point and this process."""
    order = ORDERS / point
    try:
        is_meant = order.read_text() == str(os.getpid())
    except FileNotFoundError:
        return
    if is_meant:
        order.unlink(missing_ok=True)
        os.kill(os.getpid(), signal.SIGKILL)


listeners.append(obey)
