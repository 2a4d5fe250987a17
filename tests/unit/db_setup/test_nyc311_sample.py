from collections import Counter

from db_setup.nyc311.sample import BAD_EVERY, REQUESTS, rows

GOOD = [row for number, (_, row) in enumerate(rows(1), 1) if number % BAD_EVERY]


def test_the_same_seed_gives_the_same_rows() -> None:
    assert list(rows(1)) == list(rows(1))
    assert list(rows(1)) != list(rows(2))


def test_there_are_enough_requests_of_every_agency() -> None:
    assert Counter(table for table, _ in rows(1)) == {"service_requests": REQUESTS}
    assert min(Counter(row["agency"] for row in GOOD).values()) > 200


def test_most_requests_are_closed_and_a_few_before_they_were_created() -> None:
    closed = [row for row in GOOD if row["status"] == "Closed"]
    assert 0.8 < len(closed) / len(GOOD) < 1
    before = [row for row in closed if row["closed_date"] < row["created_date"]]
    assert 0 < len(before) < 20
    assert all(row["closed_date"] is None for row in GOOD if row["status"] != "Closed")
