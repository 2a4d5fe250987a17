"""`manage.py crontab add|show|remove`: django-crontab's command, with messages.

Theirs exits 0 where there is no crontab at all and trips over a line whose schedule has changed.
"""

import os
import shutil
from typing import Any

import psutil
from django.conf import settings
from django.core.management.base import CommandError
from django_crontab.crontab import Crontab
from django_crontab.management.commands.crontab import Command as CrontabCommand

from project.base.secrets import write_secret

NO_CRONTAB = (
    "There is no crontab program on this machine, so nothing was scheduled. "
    "`manage.py scheduler` runs the same jobs without cron (and `make run` starts it)."
)
NO_DAEMON = (
    "The jobs are in the crontab, but no cron daemon is running: they will not run until one is "
    "started. `manage.py scheduler` runs the same jobs without cron."
)
NOT_TAKEN = "crontab did not take the jobs, so nothing was scheduled."


class Command(CrontabCommand):
    """Adds the checks and messages that django-crontab leaves out."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the subcommand; without a crontab program there is a message, and no error."""
        os.chdir(settings.BASE_DIR)  # the lines in the crontab do the same
        subcommand = options["subcommand"]
        if subcommand == "run":
            super().handle(*args, **options)
        elif shutil.which(settings.CRONTAB_EXECUTABLE) is None:
            self.stderr.write(NO_CRONTAB)
        elif subcommand == "show":
            self._show()
        else:
            self._change(subcommand, options)

    def _change(self, subcommand: str, options: dict[str, Any]) -> None:
        if subcommand == "add":
            _check_path(f"{settings.CRONTAB_COMMAND_PREFIX} {settings.CRONTAB_COMMAND_SUFFIX}")
            write_secret(settings.CRON_ENVIRONMENT_FILE, settings.CRON_ENVIRONMENT)
        # Silent: what it prints about a line whose schedule changed ends in a traceback.
        super().handle(**(options | {"verbosity": 0}))
        if subcommand == "remove":
            settings.CRON_ENVIRONMENT_FILE.unlink(missing_ok=True)
            self.stdout.write("Rowhouse's jobs are not in the crontab.")
            return
        if len(_read_lines()) != len(settings.CRONJOBS):
            raise CommandError(NOT_TAKEN)
        self._show()
        if not _is_cron_running():
            self.stderr.write(NO_DAEMON)

    def _show(self) -> None:
        lines = _read_lines()
        self.stdout.write(f"{len(lines)} of {len(settings.CRONJOBS)} jobs are in the crontab:")
        for expression, function, arguments in settings.CRONJOBS:
            self.stdout.write(f"  {expression:<16} {' '.join(arguments) or function}")


def _read_lines() -> list[str]:
    crontab = Crontab(readonly=True)
    crontab.read()
    return [line for line in crontab.crontab_lines if settings.CRONTAB_COMMENT in line]


def _check_path(text: str) -> None:
    for character in "%#\n":
        if character in text:
            raise CommandError(f"A crontab cannot name a folder with {character!r} in its path.")


def _is_cron_running() -> bool:
    return any(
        process.info["name"] in {"cron", "crond"} for process in psutil.process_iter(["name"])
    )
