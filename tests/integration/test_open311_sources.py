"""Where incidents come from: our own table with its triggers, other tables through one view."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client

from apis.open311.search.services import clear_services_cache
from apis.open311.search.sources import list_sources
from project.models import AppliedSchema
from project.schema.datasets import SetupRefused, apply_links
from tests.api.open311 import GRAFFITI, HYDRANT, call, load, load_city
from tests.api.sending import execute, send, stored
from tests.conftest import Publish

pytestmark = pytest.mark.usefixtures("database")

LINK = "open311/with_nyc311"
REQUESTS = """
INSERT INTO nyc311.service_requests (
  unique_key, created_date, closed_date, agency, agency_name, complaint_type, descriptor,
  incident_zip, incident_address, borough, status, latitude, longitude
) VALUES
  (59674686, '2023-12-08 12:00', NULL, 'DSNY', 'Sanitation', 'Derelict Vehicles', 'Abandoned',
   '10033', '505 WEST 187 STREET', 'MANHATTAN', 'Open', 40.852, -73.9284),
  (59667303, '2023-12-08 13:00', '2023-12-09 01:00', 'DEP', 'Water', 'Noise', 'Loud',
   '10019', NULL, 'MANHATTAN', 'Closed', 40.7643, -73.9921),
  (59667304, '2023-07-08 13:00', NULL, 'DEP', 'Water', 'Noise', NULL,
   NULL, NULL, 'QUEENS', 'In Progress', NULL, NULL)
"""
STAND_IN = """
CREATE SCHEMA nyc311;
CREATE TABLE nyc311.service_requests (
  unique_key bigint PRIMARY KEY, created_date timestamp NOT NULL, closed_date timestamp,
  agency text NOT NULL, agency_name text, complaint_type text NOT NULL, descriptor text,
  incident_zip text, incident_address text, borough text, status text,
  resolution_action_updated_date timestamp, open_data_channel_type text,
  latitude double precision, longitude double precision
);
"""


@pytest.fixture
def city(client: Client) -> Client:
    load_city(client)
    return client


@pytest.fixture
def requests(database: None) -> Iterator[None]:
    """Publish three 311 requests, from the dataset's own table or, where it is none, a stand-in."""
    is_own = "nyc311" in settings.CONFIG.datasets
    if not is_own:
        execute(STAND_IN)
        AppliedSchema.objects.create(dataset="nyc311", schema_sql="")
        link()
    execute(REQUESTS)
    clear_services_cache()
    yield
    if not is_own:
        execute("DROP SCHEMA nyc311 CASCADE")
        AppliedSchema.objects.filter(pk__in=["nyc311", LINK]).delete()
    clear_services_cache()


def link(**done: list[str]) -> None:
    with transaction.atomic():
        apply_links(connection, ["open311", "nyc311"], settings.BASE_DIR / "db_setup", done)


def find(**criteria: Any) -> list[int]:
    answer = call("incidents.search", **criteria)
    assert answer.status_code == 200, answer.content
    return [each["id"] for each in answer.json()["incidents"]]


@pytest.mark.usefixtures("requests", "city")
def test_311_requests_appear_among_the_incidents() -> None:
    assert find(created="2000;2030") == [
        1000059667303,
        1000059674686,
        1000059667304,
        999,
        23,
    ]
    assert find(where="bbox:40.7,-74.1,40.8,-73.9") == [1000059667303]
    assert find(where="zip:10033") == [1000059674686]
    assert find(where="borough:MANHATTAN", status_id="3") == [1000059667303]
    assert find(incident_id="999,1000059674686") == [1000059674686, 999]
    # Twelve o'clock in New York is five hours later in UTC.
    assert find(created="2023-12-08T17:00Z") == [1000059674686]
    assert call("incidents.search", created="2023", page=2, per_page=2).json()["total"] == 3


@pytest.mark.usefixtures("requests", "city")
def test_a_request_is_told_as_an_incident() -> None:
    incident = call("incidents.getInfo", incident_id=1000059674686).json()["incident"]
    assert incident == {
        "id": 1000059674686,
        "service_id": incident["service_id"],
        "status_id": 1,
        "created": "2023-12-08T17:00:00Z",
        "modified": "2023-12-08T17:00:00Z",
        "latitude": 40.852,
        "longitude": -73.9284,
        "description": "Abandoned",
        "status_name": "open",
        "service_name": "Derelict Vehicles",
        "addr:full": "505 WEST 187 STREET",
        "addr:postcode": "10033",
        "borough": "MANHATTAN",
        "notes": [],
    }
    assert find(service_id=incident["service_id"]) == [1000059674686]
    history = call("incidents.getHistory", incident_id=1000059667303).json()["history"]
    assert [(each["date"], each["status_id"]) for each in history] == [("2023-12-09T06:00:00Z", 3)]


@pytest.mark.usefixtures("requests", "city")
def test_complaint_types_are_services_with_ids_that_never_change() -> None:
    services = {each["name"]: each["id"] for each in call("services.getList").json()["services"]}
    assert services == {
        "Pothole": 1,
        "Hydrant": 2,
        "Graffiti": 3,
        "Noise": 170595804018041,
        "Derelict Vehicles": 49542799729387,
    }
    name = call("services.getInfo", service_id=services["Noise"]).json()["service"]["name"]
    assert name == "Noise"


@pytest.mark.usefixtures("requests")
def test_a_link_is_run_again_only_when_something_changed() -> None:
    before = stored("SELECT xmin::text FROM pg_class WHERE relname = 'incidents_from_nyc311'")
    link()
    assert before == stored(
        "SELECT xmin::text FROM pg_class WHERE relname = 'incidents_from_nyc311'"
    )
    execute("DROP VIEW open311.incidents_from_nyc311")
    link(nyc311=["create table"])
    clear_services_cache()
    assert find(created="2023-07") == [1000059667304]


def test_a_link_waits_for_both_datasets(tmp_path: Path) -> None:
    (tmp_path / "open311").mkdir()
    (tmp_path / "open311" / "with_trees.sql").write_text(
        "CREATE VIEW open311.incidents_from_trees AS SELECT 1 AS id"
    )

    def link_trees() -> bool:
        with transaction.atomic():
            apply_links(connection, ["open311", "trees"], tmp_path, {})
        return stored("SELECT to_regclass('open311.incidents_from_trees') IS NOT NULL") == [(True,)]

    assert not link_trees()
    AppliedSchema.objects.create(dataset="trees", schema_sql="")
    try:
        assert link_trees()
    finally:
        execute("DROP VIEW IF EXISTS open311.incidents_from_trees")
        AppliedSchema.objects.filter(pk__in=["trees", "open311/with_trees"]).delete()


def test_a_link_that_does_not_fit_is_refused_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "open311").mkdir()
    (tmp_path / "open311" / "with_hiring.sql").write_text(
        "CREATE VIEW incidents_from_hiring AS SELECT 1 AS id; CREATE VIEW x AS SELECT nothing"
    )
    with pytest.raises(SetupRefused, match=r"with_hiring\.sql"), transaction.atomic():
        apply_links(connection, ["open311", "hiring"], tmp_path, {})
    assert stored("SELECT to_regclass('open311.incidents_from_hiring')") == [(None,)]


@pytest.mark.usefixtures("city")
def test_a_view_without_rows_is_not_asked_until_it_has_some() -> None:
    clear_services_cache()
    own = [source.view for source in list_sources()]
    assert own == ["incidents_from_open311"]
    execute(REQUESTS)
    clear_services_cache()
    assert [source.view for source in list_sources()] == [*own, "incidents_from_nyc311"]
    clear_services_cache()


@pytest.mark.usefixtures("city")
def test_any_view_of_the_right_name_is_published() -> None:
    execute(
        "CREATE VIEW open311.incidents_from_elsewhere AS SELECT 2000000000001 AS id, "
        "7 AS service_id, 'Snow' AS service_name, 1::smallint AS status_id, "
        "timestamptz '2020-01-01Z' AS created, timestamptz '2020-01-02Z' AS modified, "
        "45.0::real AS latitude, 7.0::numeric AS longitude, 'deep'::varchar AS description"
    )
    execute("CREATE VIEW open311.incidents_from_little AS SELECT 1 AS id")
    clear_services_cache()
    try:
        assert find(created="2020") == [2000000000001]
        assert find(where="zip:1") == []
        assert call("services.getInfo", service_id=7).json()["service"]["name"] == "Snow"
    finally:
        execute("DROP VIEW open311.incidents_from_elsewhere, open311.incidents_from_little")
        clear_services_cache()


def test_a_changed_status_is_recorded_once_and_dated(city: Client) -> None:
    row = {key: value for key, value in GRAFFITI.items() if key != "modified"}
    for status in (3, 3, 1):
        answer = send(
            city, "open311.incidents", [row | {"status_id": status}], "?on_conflict=update"
        )
        assert answer.status_code == 201, answer.content
    changes = stored(
        "SELECT status_id FROM open311.incident_history WHERE incident_id = 23 ORDER BY change_id"
    )
    assert changes == [(1,), (3,), (1,)]
    assert stored(
        "SELECT modified > now() - interval '1 hour' FROM open311.incidents WHERE incident_id = 23"
    ) == [(True,)]


def test_the_history_of_a_batch_is_written_with_it(city: Client) -> None:
    rows = [HYDRANT | {"incident_id": number} for number in range(2000, 2050)]
    load(city, "incidents", rows)
    assert (
        stored(
            "SELECT count(*), min(changed) FROM open311.incident_history WHERE incident_id >= 2000"
        )[0][0]
        == 50
    )


@pytest.mark.usefixtures("requests", "city")
def test_a_source_that_needs_a_key_is_not_published_without_one(publish: Publish) -> None:
    shown = {each["id"] for each in call("services.getList").json()["services"]}
    assert HYDRANT["incident_id"] in find(created="2011")
    assert len(find(created="2023")) == 3
    publish(nyc311=False)
    assert find(created="2023") == []
    assert HYDRANT["incident_id"] in find(created="2011")
    kept = {each["id"] for each in call("services.getList").json()["services"]}
    assert kept < shown
    assert call("incidents.getInfo", incident_id=1000059674686).status_code == 404
