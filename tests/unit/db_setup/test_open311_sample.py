from collections import Counter

from db_setup.open311.sample import BAD_EVERY, INCIDENTS, SERVICES, rows


def test_the_same_seed_gives_the_same_rows() -> None:
    assert list(rows(1)) == list(rows(1))
    assert list(rows(1)) != list(rows(2))


def test_there_are_enough_rows_of_every_table() -> None:
    counts = Counter(table for table, _ in rows(1))
    assert counts["services"] == len(SERVICES)
    assert counts["incidents"] == INCIDENTS
    assert counts["incident_notes"] > 300


def test_every_good_incident_and_note_refers_to_rows_before_it() -> None:
    seen: dict[str, set[int]] = {"services": set(), "statuses": set(), "incidents": set()}
    for table, row in rows(1):
        if table == "incident_notes":
            assert row["incident_id"] in seen["incidents"]
        elif table == "incidents":
            if row["incident_id"] % BAD_EVERY:
                assert row["service_id"] in seen["services"]
                assert row["status_id"] in seen["statuses"]
                assert row["created"] <= row["modified"]
                seen["incidents"].add(row["incident_id"])
        else:
            seen[table].add(row["service_id" if table == "services" else "status_id"])
