"""Connections that break: those of the service to the database, those of clients to the service."""

from tests.database import log_in
from tests.faults.conftest import FleetMaker, Judge
from tests.faults.stage import Stage
from tests.scale import scale

TERMINATIONS = 10  # rounds, of up to three sessions each; 200 in the long form
BATCHES = 60

_TERMINATE = """
SELECT count(pg_terminate_backend(pid)) FROM (
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND usename IN ('ingest_writer', 'rowhouse_service')
    ORDER BY state = 'idle', random() LIMIT 3) AS chosen
"""


def test_no_row_is_lost_or_doubled_when_sessions_are_terminated(
    stage: Stage, fleet_for: FleetMaker, judge: Judge
) -> None:
    fleet = fleet_for(stage.url)
    ended = 0
    with fleet.sending(), log_in() as administrator:
        administrator.autocommit = True
        for _ in range(scale(TERMINATIONS)):
            (terminated,) = administrator.execute(_TERMINATE).fetchall()[0]
            ended += terminated
            fleet.wait_for_progress(4)
    assert ended
    assert judge(fleet, ended).is_sound
    assert len(fleet.history.acknowledged) == len(fleet.history.attempted)


def test_no_row_is_lost_or_doubled_when_answers_are_dropped(
    stage: Stage, fleet_for: FleetMaker, judge: Judge
) -> None:
    fleet = fleet_for(stage.url, drops_every=2)
    with fleet.sending():
        fleet.wait_for_progress(scale(BATCHES))
    dropped = fleet.history.setbacks["dropped"]
    assert dropped
    assert judge(fleet, dropped).is_sound
    assert len(fleet.history.acknowledged) == len(fleet.history.attempted)
    assert '"level":"ERROR"' not in stage.log()


def test_without_keys_dropped_answers_store_rows_twice(
    stage: Stage, fleet_for: FleetMaker, judge: Judge
) -> None:
    fleet = fleet_for(stage.url, drops_every=2, sends_keys=False)
    with fleet.sending():
        fleet.wait_for_progress(BATCHES)
    assert judge(fleet, fleet.history.setbacks["dropped"]).doubled
