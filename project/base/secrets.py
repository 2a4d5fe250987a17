"""Secrets as files that only their owner can read, made at first use."""

import os
import secrets
from pathlib import Path

from project.base.errors import ConfigError


def read_secret_key(given: str | None, *, file: Path, is_production: bool) -> str:
    """Return Django's SECRET_KEY: the environment's, else the one in the file, made at first use.

    Raises `ConfigError` in production, where nothing is made up: all machines must share one.
    """
    if given:
        return given
    if is_production:
        raise ConfigError(
            "SECRET_KEY: http.production needs it in the environment; make one with "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(50))'",
            key_path="SECRET_KEY",
        )
    return read_or_create_secret(file, random_bytes=50)


def read_or_create_secret(path: Path, *, random_bytes: int = 32) -> str:
    """Return the secret kept in the file, making it (mode 0600) when there is none.

    Two processes that start at once agree on one secret: the file is linked into place complete,
    and who comes second reads what the first one wrote.
    """
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        write_secret(path, secrets.token_urlsafe(random_bytes), keep_existing=True)
        return path.read_text(encoding="ascii").strip()


def write_secret(path: Path, secret: str, *, keep_existing: bool = False) -> None:
    """Write the secret as the file's only line, whole or not at all, with mode 0600."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secret + "\n")
    if not keep_existing:
        draft.replace(path)
        return
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
