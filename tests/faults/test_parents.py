"""The rows that others refer to come and go while clients send: none is left without its own."""

from contextlib import suppress

from psycopg import Connection
from psycopg.errors import ForeignKeyViolation

from tests.database import log_in
from tests.faults.clients import PARENTS, REASONS
from tests.faults.conftest import FleetMaker, Judge
from tests.faults.stage import Stage
from tests.scale import scale

ROUNDS = 20  # 400 in the long form
PASSING_PARENTS = 500  # 10,000 in the long form

_REMOVE = """
DELETE FROM hiring.parents
WHERE id > %s AND NOT EXISTS (SELECT FROM hiring.elements WHERE parent = id)
"""
_RETURN = """
INSERT INTO hiring.parents SELECT generate_series(1, %s) ON CONFLICT DO NOTHING
"""


def remove_unused(connection: Connection) -> None:
    """Delete the parents that nothing refers to, unless a batch is quicker."""
    with suppress(ForeignKeyViolation):
        connection.execute(_REMOVE, [PARENTS])


def test_no_row_is_left_without_its_parent(
    stage: Stage, fleet_for: FleetMaker, judge: Judge
) -> None:
    parents = scale(PASSING_PARENTS)
    fleet = fleet_for(stage.url, parents=parents)
    with log_in() as administrator:
        administrator.autocommit = True
        administrator.execute(_RETURN, [parents])
        with fleet.sending():
            for _ in range(scale(ROUNDS)):
                remove_unused(administrator)
                fleet.wait_for_progress(2)
                administrator.execute(_RETURN, [parents])
                fleet.wait_for_progress(2)
    verdict = judge(fleet, scale(ROUNDS), reasons=REASONS | {"fk_violation"})
    assert verdict.is_sound
    assert "fk_violation" in fleet.history.reasons()
