"""Where logs go: Django's LOGGING, read with the settings by every process."""

import sys
from pathlib import Path
from typing import Any

from project.base.config import Logging


def logging_settings(config: Logging, folder: Path) -> dict[str, Any]:
    """Return Django's LOGGING: JSON lines to a rotating file and to stderr.

    A terminal gets lines for people instead.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {"()": "project.base.log_output.JsonLines"},
            "people": {"()": "project.base.log_output.LinesForPeople"},
        },
        "handlers": {
            "nowhere": {"class": "logging.NullHandler"},
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "people" if sys.stderr.isatty() else "json",
            },
            "file": {
                "class": "project.base.log_output.SharedLogFile",
                "formatter": "json",
                "filename": str(folder / "rowhouse.log"),
                "max_bytes": config.file_bytes,
                "kept_files": config.file_count,
            },
        },
        "root": {"handlers": ["stderr", "file"], "level": "WARNING"},
        "loggers": {
            "rowhouse": {"level": config.level},
            # What these say of a request is in its own line, without the address it came to:
            # that may hold the key of a row.
            "django.request": {"handlers": ["nowhere"], "propagate": False},
            "django.security": {"handlers": ["nowhere"], "propagate": False},
        },
    }
