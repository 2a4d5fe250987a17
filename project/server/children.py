"""The processes that `manage.py up` runs and keeps running."""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from project.base.errors import ConfigError

logger = logging.getLogger("rowhouse.up")

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 5.0
# After so long the delay of the next restart is the first one again.
SETTLED_S = 60.0

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, kw_only=True)
class Program:
    """What a child runs; `environment` is all it gets."""

    name: str
    command: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str] = field(repr=False)


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends, in whatever way (Linux only)."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Child:
    """One program, restarted when it exits, with exponential backoff."""

    def __init__(self, program: Program, check_config: Callable[[], object]) -> None:
        self.program = program
        self._check_config = check_config
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._delay_s = FIRST_DELAY_S
        self._due: float | None = None

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the program in a session of its own, which Ctrl-C in a terminal does not reach."""
        self._process = subprocess.Popen(
            self.program.command,
            cwd=self.program.folder,
            env=self.program.environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
        self._started = time.monotonic()
        self._due = None

    def restart_if_due(self) -> None:
        """Start the program again if it exited and its delay is over."""
        now = time.monotonic()
        if self.is_running:
            if now - self._started > SETTLED_S:
                self._delay_s = FIRST_DELAY_S
        elif self._due is None:
            self._schedule_restart(now)
        elif now >= self._due and self._has_good_config(now):
            self.start()

    def terminate(self) -> None:
        """Ask the program to stop."""
        if self._process is not None:
            self._process.terminate()

    def wait(self, timeout_s: float) -> None:
        """Wait for the program's end, then kill what is left of it."""
        if self._process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
        self._kill_group()
        self._process.wait()

    def _schedule_restart(self, now: float) -> None:
        self._kill_group()
        logger.error(
            "a process died and is started again",
            extra={
                "program": self.program.name,
                "exit_status": self._process and self._process.returncode,
                "delay_s": self._delay_s,
            },
        )
        self._due = now + self._delay_s
        self._delay_s = min(self._delay_s * 2, LONGEST_DELAY_S)

    def _has_good_config(self, now: float) -> bool:
        try:
            self._check_config()
        except ConfigError as error:
            logger.error("not started again: %s", error.message)
            self._due = now + self._delay_s
            self._delay_s = min(self._delay_s * 2, LONGEST_DELAY_S)
            return False
        return True

    def _kill_group(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
