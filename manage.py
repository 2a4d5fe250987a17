#!/usr/bin/env python
"""Run Rowhouse's management commands: `python manage.py help` lists them."""

import os
import sys

from project.base.errors import RowhouseError


def main() -> None:
    """Hand the command line to Django with Rowhouse's settings."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        execute_from_command_line(sys.argv)
    except RowhouseError as error:
        sys.exit(f"{error.code}: {error.message}")
    except OperationalError as error:
        sys.exit(f"database_failed: {error}")
    except OSError as error:
        # Output that nobody takes would fail once more when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(str(error))


if __name__ == "__main__":
    main()
