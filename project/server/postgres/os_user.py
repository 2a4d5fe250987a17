"""The operating-system account that the embedded PostgreSQL runs as.

PostgreSQL refuses to run as root. Started by root, it runs as the owner of its data folder or, the
first time, as `nobody`.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from project.base.errors import RowhouseError

UNPRIVILEGED_USER = "nobody"

# The server needs none of the caller's environment, and PGDATA, PGPORT … would mislead it.
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}

# Where the folders around the program or the data are closed to the account (a clone under /root,
# a folder made by mktemp -d), one capability lets it pass. The weaker one is tried first; some
# containers only have the other.
_CAPABILITIES = ("dac_read_search", "dac_override")


class AccountError(RowhouseError):
    """There is no account that the embedded PostgreSQL could run as."""

    code = "postgres_account"


@dataclass(frozen=True, kw_only=True)
class Account:
    """Who runs the server's programs; `capability` is held beside the account's own rights."""

    uid: int
    gid: int
    capability: str | None = None

    @property
    def is_caller(self) -> bool:
        """Whether this is the account of the calling process."""
        return self.uid == os.geteuid()

    def run(
        self, command: Sequence[str | Path], *, cwd: Path, said: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a program that reads `said`; return its exit status and all it said (stdout)."""
        drop = not self.is_caller and self.capability is None
        return subprocess.run(
            [*self._prefix(), *command],
            cwd=cwd,
            env=_ENVIRONMENT,
            user=self.uid if drop else None,
            group=self.gid if drop else None,
            extra_groups=[] if drop else None,
            input=said,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )

    def own(self, path: Path) -> None:
        """Make the account the owner of a file or folder the caller has just made."""
        if self.is_caller:
            return
        try:
            os.chown(path, self.uid, self.gid)
        except OSError as error:
            raise AccountError(
                f"{path} cannot be given to user {self.uid} ({error.strerror}): set ROWHOUSE_DATA "
                "to a folder on a local disk, or start Rowhouse as a normal user"
            ) from error

    def _prefix(self) -> list[str]:
        if self.capability is None:
            return []
        return [
            shutil.which("setpriv") or "setpriv",
            f"--reuid={self.uid}",
            f"--regid={self.gid}",
            "--clear-groups",
            f"--inh-caps=+{self.capability}",
            f"--ambient-caps=+{self.capability}",
            # Without this bit access(2), which PostgreSQL asks about its own program, leaves
            # the capability out of account.
            "--securebits=+no_setuid_fixup",
        ]


def choose_account(*, data: Path, program: Path) -> Account:
    """Return the account that can run the program on the data folder, which may not exist yet.

    The folder around the data must exist. Raise `AccountError` where no account can.
    """
    if os.geteuid() != 0:
        return _caller()
    account = _unprivileged(data)
    if _reaches(account, program, data.parent):
        return account
    if shutil.which("setpriv"):
        for capability in _CAPABILITIES:
            candidate = replace(account, capability=capability)
            if _reaches(candidate, program, data.parent):
                return candidate
    raise AccountError(
        f"user {account.uid}, whom PostgreSQL runs as, cannot reach {program} and {data.parent}: "
        "set ROWHOUSE_DATA to a folder that every user may enter and install Rowhouse in one, "
        "or start it as a normal user"
    )


def check_owner(data: Path) -> None:
    """Raise `AccountError` where the data folder belongs to somebody the caller cannot act for."""
    if data.exists() and os.geteuid() not in {0, data.stat().st_uid}:
        raise AccountError(
            f"{data} belongs to user {data.stat().st_uid}: start Rowhouse as that user or as "
            "root, or set ROWHOUSE_DATA to another folder"
        )


def _caller() -> Account:
    try:
        entry = pwd.getpwuid(os.geteuid())
    except KeyError as error:
        raise AccountError(
            f"user {os.geteuid()} has no name, and PostgreSQL's initdb needs one: give it a line "
            "in /etc/passwd, start Rowhouse as another user, or set DATABASE_URL"
        ) from error
    return Account(uid=entry.pw_uid, gid=os.getegid())


def _unprivileged(data: Path) -> Account:
    if data.exists():
        owner = data.stat()
        if owner.st_uid == 0:
            raise AccountError(
                f"{data} belongs to root, which PostgreSQL refuses to run as: "
                f"chown -R {UNPRIVILEGED_USER} '{data}'"
            )
        return Account(uid=owner.st_uid, gid=owner.st_gid)
    try:
        entry = pwd.getpwnam(UNPRIVILEGED_USER)
    except KeyError as error:
        raise AccountError(
            f"there is no user {UNPRIVILEGED_USER} for PostgreSQL to run as: start Rowhouse as "
            "a normal user"
        ) from error
    return Account(uid=entry.pw_uid, gid=entry.pw_gid)


def _reaches(account: Account, program: Path, folder: Path) -> bool:
    test = 'test -r "$1" && test -x "$1" && cd "$2"'
    try:
        found = account.run(["/bin/sh", "-c", test, "sh", program, folder], cwd=Path("/"))
    except OSError:
        return False
    return found.returncode == 0
