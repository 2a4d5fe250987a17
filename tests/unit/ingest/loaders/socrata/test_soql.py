from datetime import UTC, datetime

from ingest.loaders.socrata.soql import Query, quote_moment, quote_text

QUERY = Query(
    select=["agency", "count(*) AS total"],
    where=["a = 'x'", "b = 'y' OR c = 'z'"],
    group=["agency"],
    order=["agency"],
    limit=10,
    offset=20,
)


def test_soda_2_1_takes_clauses_as_parameters() -> None:
    assert QUERY.as_parameters() == {
        "$select": "agency, count(*) AS total",
        "$where": "(a = 'x') AND (b = 'y' OR c = 'z')",
        "$group": "agency",
        "$order": "agency",
        "$limit": "10",
        "$offset": "20",
    }
    assert Query(select=["*"]).as_parameters() == {"$select": "*"}


def test_soda_3_takes_a_statement() -> None:
    assert QUERY.as_text() == (
        "SELECT agency, count(*) AS total WHERE (a = 'x') AND (b = 'y' OR c = 'z')"
        " GROUP BY agency ORDER BY agency"
    )


def test_literals_are_quoted() -> None:
    assert quote_text("it's") == "'it''s'"
    moment = datetime(2024, 5, 10, 8, 0, 0, 1999, tzinfo=UTC)
    assert quote_moment(moment) == "'2024-05-10T08:00:00.001Z'"
    assert quote_moment(moment.replace(tzinfo=None)) == "'2024-05-10T08:00:00.001'"
