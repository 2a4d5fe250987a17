"""The operating-system user that the embedded PostgreSQL runs as.

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

# Where the folders around the program or the data are closed to the user (a clone under /root,
# a folder made by mktemp -d), one capability lets it pass. The weaker one is tried first; some
# containers only have the other.
_CAPABILITIES = ("dac_read_search", "dac_override")


class OsUserError(RowhouseError):
    """There is no user that the embedded PostgreSQL could run as."""

    code = "postgres_account"


@dataclass(frozen=True, kw_only=True)
class OsUser:
    """Who runs the server's programs; `capability` is held beside what the user may do anyway."""

    uid: int
    gid: int
    capability: str | None = None

    @property
    def is_caller(self) -> bool:
        """Whether this is the user of the calling process."""
        return self.uid == os.geteuid()

    def run(
        self, command: Sequence[str | Path], *, cwd: Path, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a program; return its exit status and output (stdout, with stderr in it)."""
        drop = not self.is_caller and self.capability is None
        return subprocess.run(
            [*self._prefix(), *command],
            cwd=cwd,
            env=_ENVIRONMENT,
            user=self.uid if drop else None,
            group=self.gid if drop else None,
            extra_groups=[] if drop else None,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )

    def own(self, path: Path) -> None:
        """Make the user the owner of a file or folder the caller has just made."""
        if self.is_caller:
            return
        try:
            os.chown(path, self.uid, self.gid)
        except OSError as error:
            raise OsUserError(
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
            # Without this bit access(2), which PostgreSQL asks about its own program, ignores
            # the capability.
            "--securebits=+no_setuid_fixup",
        ]


def choose_os_user(*, data: Path, program: Path) -> OsUser:
    """Return the user that can run the program on the data folder, which may not exist yet.

    The folder around the data must exist. Raise `OsUserError` where no user can.
    """
    if os.geteuid() != 0:
        return _caller()
    user = _unprivileged(data)
    if _reaches(user, program, data.parent):
        return user
    if shutil.which("setpriv"):
        for capability in _CAPABILITIES:
            candidate = replace(user, capability=capability)
            if _reaches(candidate, program, data.parent):
                return candidate
    raise OsUserError(
        f"user {user.uid}, whom PostgreSQL runs as, cannot reach {program} and {data.parent}: "
        "set ROWHOUSE_DATA to a folder that every user may enter and install Rowhouse in one, "
        "or start it as a normal user"
    )


def check_owner(data: Path) -> None:
    """Raise `OsUserError` where the data folder belongs to somebody the caller cannot act for."""
    if data.exists() and os.geteuid() not in {0, data.stat().st_uid}:
        raise OsUserError(
            f"{data} belongs to user {data.stat().st_uid}: start Rowhouse as that user or as "
            "root, or set ROWHOUSE_DATA to another folder"
        )


def _caller() -> OsUser:
    try:
        entry = pwd.getpwuid(os.geteuid())
    except KeyError as error:
        raise OsUserError(
            f"user {os.geteuid()} has no name, and PostgreSQL's initdb needs one: give it a line "
            "in /etc/passwd, start Rowhouse as another user, or set DATABASE_URL"
        ) from error
    return OsUser(uid=entry.pw_uid, gid=os.getegid())


def _unprivileged(data: Path) -> OsUser:
    if data.exists():
        owner = data.stat()
        if owner.st_uid == 0:
            raise OsUserError(
                f"{data} belongs to root, which PostgreSQL refuses to run as: "
                f"chown -R {UNPRIVILEGED_USER} '{data}'"
            )
        return OsUser(uid=owner.st_uid, gid=owner.st_gid)
    try:
        entry = pwd.getpwnam(UNPRIVILEGED_USER)
    except KeyError as error:
        raise OsUserError(
            f"there is no user {UNPRIVILEGED_USER} for PostgreSQL to run as: start Rowhouse as "
            "a normal user"
        ) from error
    return OsUser(uid=entry.pw_uid, gid=entry.pw_gid)


def _reaches(user: OsUser, program: Path, folder: Path) -> bool:
    test = 'test -r "$1" && test -x "$1" && cd "$2"'
    try:
        found = user.run(["/bin/sh", "-c", test, "sh", program, folder], cwd=Path("/"))
    except OSError:
        return False
    return found.returncode == 0
