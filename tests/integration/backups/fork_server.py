"""Forks processes that make or restore a backup and are killed midway.

Each line of stdin is an order for one, each line of stdout says how that process ended. What they
need takes seconds to load: here it is loaded once.
"""

import importlib
import os
import signal
import sys
from pathlib import Path
from typing import Any, Literal

import django
import msgspec

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
django.setup()

from django.conf import settings  # noqa: E402 - after the settings are there
from uuid_utils.compat import uuid7  # noqa: E402

from backups.make.make import make_backup  # noqa: E402
from backups.restore.plan import RestoreRequest  # noqa: E402
from backups.restore.restore import restore_backup  # noqa: E402
from backups.store.archive import find_backup  # noqa: E402
from project.base.config import read_config  # noqa: E402


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done with which settings, and at which call of a function it is killed."""

    work: Literal["backup", "restore"]
    config: str
    module: str
    name: str
    calls: int


def main() -> None:
    """Carry out the orders of stdin."""
    for line in sys.stdin.buffer:
        order = msgspec.json.decode(line, type=Order)
        process = os.fork()
        if not process:
            _kill_at_call(order)
            _work(order)
            os._exit(0)
        _, status = os.waitpid(process, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _kill_at_call(order: Order) -> None:
    target: Any = importlib.import_module(order.module)
    owner, _, attribute = order.name.rpartition(".")
    holder = getattr(target, owner) if owner else target
    original = getattr(holder, attribute)
    left = order.calls

    def count_calls(*arguments: Any, **options: Any) -> Any:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **options)

    setattr(holder, attribute, count_calls)


def _work(order: Order) -> None:
    settings.CONFIG = read_config(Path(order.config))
    settings.COMMAND_ENVIRONMENT |= {"ROWHOUSE_CONFIG": order.config}
    if order.work == "backup":
        make_backup(uuid7())
    else:
        restore_backup(find_backup(None), RestoreRequest(tables=["hiring.one", "hiring.two"]))


if __name__ == "__main__":
    main()
