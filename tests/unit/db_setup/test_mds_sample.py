"""The sample rows of the mds dataset."""

from itertools import groupby, pairwise

from db_setup.mds.sample import BAD_EVERY, DAYS, VEHICLES, rows


def test_the_same_seed_gives_the_same_rows() -> None:
    assert list(rows(1)) == list(rows(1))
    assert list(rows(1)) != list(rows(2))


def test_rows_come_after_those_they_refer_to() -> None:
    tables = [table for table, _ in groupby(rows(1), key=lambda pair: pair[0])]
    assert tables == ["providers", "geographies", "vehicles", "vehicle_events", "trips"]


def test_each_vehicle_rides_every_day_and_one_event_follows_another() -> None:
    by_vehicle: dict[str, list[str]] = {}
    for table, row in rows(1):
        if table == "vehicle_events":
            by_vehicle.setdefault(row["device_id"], []).append(row["event_time"])
    assert len(by_vehicle) == VEHICLES
    for times in by_vehicle.values():
        assert all(before < after for before, after in pairwise(times))
        assert len({time[:10] for time in times}) >= DAYS


def test_one_trip_in_so_many_cannot_be_stored() -> None:
    trips = [row for table, row in rows(1) if table == "trips"]
    bad = [
        row
        for row in trips
        if row["start_time"] == ""
        or row["end_time"] < row["start_time"]
        or row["trip_distance"] < 0
        or row["trip_duration"] == "a while"
        or row["provider_id"] == "Gull Scooters"
    ]
    assert len(bad) == len(trips) // BAD_EVERY > 10
