"""granian as `manage.py up` runs it: while one of its workers serves, it replaces the others."""

import time
from collections.abc import Sequence
from typing import Any

from granian import cli
from granian.server.mp import MPServer

# A worker that has lived for so long serves.
SETTLED_S = 5.5
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 4.0


class SteadyServer(MPServer):
    """granian's server, which would end where a worker dies soon after it was replaced.

    Ending it stops the workers that serve, too. Here the next replacement waits longer instead.
    """

    _pause_s = FIRST_PAUSE_S

    def _respawn_workers(
        self, workers: Sequence[int], spawn_target: Any, target_loader: Any, delay: float = 0
    ) -> None:
        now = time.monotonic()
        is_early = any(now - self.wrks[index].birth < SETTLED_S for index in workers)
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S) if is_early else FIRST_PAUSE_S
        time.sleep(self._pause_s)
        super()._respawn_workers(workers, spawn_target, target_loader, delay)
        if any(now - worker.birth > SETTLED_S for worker in self.wrks):
            self.respawned_wrks.clear()


if __name__ == "__main__":
    cli.Server = SteadyServer  # type: ignore[attr-defined]
    cli.entrypoint()
