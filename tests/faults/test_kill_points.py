"""Workers killed at every point of a batch, under clients that send again with the same key."""

from ingest.writing.fault_points import Point
from tests.faults.conftest import FleetMaker, Judge
from tests.faults.stage import Stage
from tests.scale import scale

KILLS = 1  # at each point; 20 in the long form


def test_no_row_is_lost_or_doubled_when_workers_die_at_any_point(
    stage: Stage, fleet_for: FleetMaker, judge: Judge
) -> None:
    fleet = fleet_for(stage.url)
    kills = list(Point) * scale(KILLS)
    with fleet.sending():
        for point in kills:
            stage.kill_at(point)
            fleet.wait_for_progress()
    assert judge(fleet, len(kills)).is_sound
    assert len(fleet.history.acknowledged) == len(fleet.history.attempted)


def test_without_keys_the_same_clients_store_rows_twice(
    stage: Stage, fleet_for: FleetMaker, judge: Judge
) -> None:
    fleet = fleet_for(stage.url, sends_keys=False)
    with fleet.sending():
        stage.kill_at(Point.COMMITTED)
        fleet.wait_for_progress()
    verdict = judge(fleet, 1)
    assert verdict.doubled
    assert (verdict.lost, verdict.unexpected, verdict.unbalanced) == ((), (), ())
