"""GET /open311/api: a golden answer for each method that reads, after the standard's examples."""

import csv
import io
import json

import pytest
from django.conf import settings
from django.test import Client
from msgspec.structs import replace
from openapi_spec_validator import OpenAPIV31SpecValidator

from apis.open311.specification import read_specification
from tests.api.open311 import (
    GRAFFITI_ANSWER,
    HYDRANT,
    HYDRANT_ANSWER,
    call,
    load,
    load_city,
    make_token,
)
from tests.api.sending import send

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def city(client: Client) -> Client:
    load_city(client)
    return client


def test_services_get_list() -> None:
    answer = call("services.getList")
    assert answer.status_code == 200
    assert answer.json() == {
        "total": 3,
        "pages": 1,
        "page": 1,
        "per_page": 100,
        "services": [
            {"id": 1, "name": "Pothole", "type": "streets"},
            {"id": 2, "name": "Hydrant", "type": "water"},
            {"id": 3, "name": "Graffiti", "type": "cleaning"},
        ],
    }


def test_pages_are_rounded_up_as_in_the_standard_s_example(city: Client) -> None:
    load(city, "services", [{"service_id": 4, "name": "Noise"}, {"service_id": 5, "name": "Tree"}])
    # Its second question mark is the standard's own.
    answer = Client().get("/open311/api?method=open311.services.getList?page=2&per_page=2")
    assert answer.json() == {
        "total": 5,
        "pages": 3,
        "page": 2,
        "per_page": 2,
        "services": [
            {"id": 3, "name": "Graffiti", "type": "cleaning"},
            {"id": 4, "name": "Noise", "type": None},
        ],
    }


def test_a_page_after_the_last_is_empty() -> None:
    answer = call("services.getList", page=9, per_page=2).json()
    assert (answer["total"], answer["pages"], answer["services"]) == (3, 2, [])
    for criteria in ({"created": "2010"}, {"created": "2010", "service_id": "3"}):
        answer = call("incidents.search", **criteria, page=9).json()
        assert (answer["total"], answer["incidents"]) == (1, [])


def test_services_get_info() -> None:
    assert call("services.getInfo", service_id=1).json() == {
        "service": {
            "id": 1,
            "name": "Pothole",
            "type": "streets",
            "description": "A hole in a road",
        }
    }


@pytest.mark.parametrize("name", ["statuses.getList", "incidents.getStatuses"])
def test_statuses_get_list(name: str) -> None:
    assert call(name).json() == {
        "total": 3,
        "pages": 1,
        "page": 1,
        "per_page": 100,
        "statuses": [
            {"id": 1, "name": "open"},
            {"id": 2, "name": "pending"},
            {"id": 3, "name": "closed"},
        ],
    }


def test_where_get_list() -> None:
    answer = call("where.getList").json()
    assert [term["prefix"] for term in answer["terms"]] == [
        *("bbox", "near", "geohash", "zip", "neighbourhood", "borough"),
    ]
    assert answer["terms"][0] == {
        "prefix": "bbox",
        "description": (
            "A box: latitude and longitude of its south-west, then of its north-east corner"
        ),
        "example": "bbox:37.788,-122.344,37.857,-122.256",
    }
    assert (answer["total"], answer["pages"]) == (6, 1)


def test_incidents_get_info_has_public_notes_and_never_the_reporter(city: Client) -> None:
    notes = [
        {
            "note_id": number,
            "incident_id": 999,
            "created": f"2011-03-16T08:0{number}:00Z",
            "note": text,
            "public": public,
        }
        for number, (text, public) in enumerate([("seen", True), ("call Ann", False)], 1)
    ]
    load(city, "incident_notes", notes)
    assert call("incidents.getInfo", incident_id=999).json() == {
        "incident": {
            **HYDRANT_ANSWER,
            "status_name": "open",
            "service_name": "Hydrant",
            "addr:full": "12 Anchor Street",
            "addr:postcode": "94612",
            "neighbourhood": "Harbour",
            "source": "phone",
            "notes": [{"id": 1, "created": "2011-03-16T08:01:00Z", "note": "seen"}],
        }
    }


def test_incidents_search_lists_the_latest_first() -> None:
    assert call("incidents.search", status_id="1").json() == {
        "total": 2,
        "pages": 1,
        "page": 1,
        "per_page": 100,
        "incidents": [HYDRANT_ANSWER, GRAFFITI_ANSWER],
    }


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        ({"incident_id": "999,23,7"}, [999, 23]),
        ({"service_id": "3"}, [23]),
        ({"service_id": "2,3", "status_id": "1"}, [999, 23]),
        ({"status_id": "3"}, []),
        ({"created": "2010"}, [23]),
        ({"created": "2011-03"}, [999]),
        ({"created": "2010-05-26"}, [23]),
        ({"created": "2010-05-23;2010-05-29"}, [23]),
        ({"created": "2010-05-26T21:00:00Z;2010-05-26T22:00:00Z"}, [23]),
        ({"created": "2010-05-26T23:30:00 02:00"}, [23]),
        ({"created": "2010;2011-03-15"}, [999, 23]),
        ({"modified": "2011-03-16"}, [999]),
        ({"where": "bbox:37.788,-122.344,37.857,-122.256"}, [23]),
        ({"where": "near:37.804376,-122.271180"}, [23]),
        ({"where": "near:37.8,-122.271180,400"}, []),
        ({"where": "near:37.8,-122.271180,500"}, [23]),
        ({"where": "geohash:9q9p1dhf7"}, [23]),
        ({"where": "zip:94612"}, [999]),
        ({"where": "neighbourhood:Harbour"}, [999]),
        ({"where": "neighbourhood:harbour' OR 1=1 --%s"}, []),
        ({"where": "bbox:-90,-180,90,180", "service_id": "2", "created": "2011"}, [999]),
    ],
)
def test_a_search_meets_all_its_criteria(criteria: dict[str, str], found: list[int]) -> None:
    answer = call("incidents.search", **criteria)
    assert answer.status_code == 200, answer.content
    assert [each["id"] for each in answer.json()["incidents"]] == found
    assert answer.json()["total"] == len(found)


def test_a_box_may_cross_the_antimeridian(city: Client) -> None:
    places = [(1, -17.0, 179.5), (2, -17.0, -179.5), (3, -17.0, 0.0)]
    load(
        city,
        "incidents",
        [
            {"incident_id": number, "service_id": 1, "latitude": latitude, "longitude": longitude}
            for number, latitude, longitude in places
        ],
    )
    for where in ("bbox:-20,179,-10,-179", "near:-17,180,60000"):
        answer = call("incidents.search", where=where)
        if where.startswith("near"):
            assert answer.json()["error"]["code"] == "parameter_invalid"
            answer = call("incidents.search", where="near:-17,179.9,50000")
            assert [each["id"] for each in answer.json()["incidents"]] == [1]
        else:
            assert sorted(each["id"] for each in answer.json()["incidents"]) == [1, 2]


def test_incidents_get_history_is_written_by_the_database(city: Client) -> None:
    changed = {"incident_id": 999, "status_id": 3, "modified": "2011-03-17T09:00:00Z"}
    columns = {key: HYDRANT_ANSWER[key] for key in ("service_id", "latitude", "longitude")}
    answer = send(city, "open311.incidents", [changed | columns], "?on_conflict=update")
    assert answer.json()["updated"] == 1
    load(
        city,
        "incident_notes",
        [
            {
                "incident_id": 999,
                "note": "A crew was sent",
                "public": True,
                "created": "2011-03-16T10:17:33Z",
            },
            {"incident_id": 999, "note": "hidden"},
        ],
    )
    assert call("incidents.getHistory", incident_id=999).json() == {
        "total": 3,
        "pages": 1,
        "page": 1,
        "per_page": 100,
        "history": [
            {"date": "2011-03-15T23:22:45Z", "type": "status", "status_id": 1, "note": None},
            {
                "date": "2011-03-16T10:17:33Z",
                "type": "note",
                "status_id": None,
                "note": "A crew was sent",
            },
            {"date": "2011-03-17T09:00:00Z", "type": "status", "status_id": 3, "note": None},
        ],
    }


def test_api_get_methods_returns_the_specification() -> None:
    answer = call("api.getMethods").json()
    assert answer["default_format"] == "json"
    assert answer["methods"].keys() == read_specification().methods.keys()
    search = answer["methods"]["open311.incidents.search"]
    assert (search["method"], search["paginated"]) == ("GET", 1)
    assert [each["name"] for each in search["parameters"]][-1] == "where"


def test_a_list_as_geojson_has_longitude_first() -> None:
    answer = call("incidents.search", service_id="3", format="geojson")
    assert answer.headers["Content-Type"] == "application/geo+json"
    properties = {
        key: value for key, value in GRAFFITI_ANSWER.items() if key not in {"latitude", "longitude"}
    }
    assert answer.json() == {
        "type": "FeatureCollection",
        "total": 1,
        "pages": 1,
        "page": 1,
        "per_page": 100,
        "features": [
            {
                "id": 23,
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [-122.27118, 37.804376]},
                "properties": properties,
            }
        ],
    }
    features = call("services.getList", format="geojson").json()["features"]
    assert [each["geometry"] for each in features] == [None, None, None]


@pytest.mark.parametrize("form", ["json", "geojson", "csv"])
def test_a_search_that_a_kept_plan_answers_looks_like_any_other(form: str) -> None:
    planned = call("incidents.search", service_id="3", created="2010", format=form)
    other = call("incidents.search", service_id="3", format=form)
    assert planned.content == other.content


def test_a_list_as_csv_tells_its_counts_in_headers() -> None:
    answer = call("incidents.search", status_id="1", format="csv", per_page=1)
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [(row["id"], row["created"], row["latitude"]) for row in rows] == [
        ("999", "2011-03-15T23:22:45Z", "37.23")
    ]
    assert (answer.headers["X-Total"], answer.headers["X-Pages"]) == ("2", "2")


@pytest.mark.parametrize("criteria", [{"status_id": "1"}, {"service_id": "2", "created": "2011"}])
def test_many_incidents_are_estimated_and_said_to_be(
    city: Client, criteria: dict[str, str]
) -> None:
    load(city, "incidents", [HYDRANT | {"incident_id": 1000}])
    config = settings.CONFIG
    settings.CONFIG = replace(config, open311=replace(config.open311, exact_total=1))
    try:
        answer = call("incidents.search", **criteria, per_page=1).json()
    finally:
        settings.CONFIG = config
    assert answer["total_is_estimate"] is True
    assert answer["total"] >= 2
    assert len(answer["incidents"]) == 1


def test_every_script_may_read_and_every_cache_may_keep_an_answer() -> None:
    answer = call("services.getList")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    assert "Authorization" in answer.headers["Vary"]
    again = Client().get(
        "/open311/api",
        {"method": "open311.services.getList"},
        headers={"If-None-Match": answer.headers["ETag"]},
    )
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["Access-Control-Allow-Origin"] == "*"


def test_a_changed_list_has_another_etag(city: Client) -> None:
    before = call("services.getList").headers["ETag"]
    load(city, "services", [{"service_id": 4, "name": "Noise"}])
    assert call("services.getList").headers["ETag"] != before


def test_a_browser_may_ask_whether_it_may_call() -> None:
    answer = Client().options(
        "/open311/api",
        headers={"Origin": "https://example.org", "Access-Control-Request-Method": "POST"},
    )
    assert answer.status_code == 204
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]


def test_a_token_scopes_a_search_to_its_user(city: Client) -> None:
    token = make_token("open311.report")
    headers = {"Authorization": f"Bearer {token}"}
    answer = Client().get(
        "/open311/api", {"method": "open311.incidents.search", "status_id": "1"}, headers=headers
    )
    assert answer.json()["incidents"] == []
    assert answer.headers["Cache-Control"] == "private, max-age=0"


def test_head_answers_as_get_does() -> None:
    answer = Client().head("/open311/api", {"method": "open311.services.getList"})
    assert (answer.status_code, answer.content) == (200, b"")


def test_the_page_lists_every_method_and_runs_nothing_inline() -> None:
    answer = Client().get("/open311/")
    text = answer.content.decode()
    for name in read_specification().methods:
        assert f'id="{name}"' in text
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "<style" not in text
    assert "style=" not in text
    assert "http://" not in text.replace("http://www.w3.org", "")


def test_openapi_names_every_method_and_parameter() -> None:
    document = Client().get("/open311/openapi.json").json()
    text = json.dumps(document)
    for name, method in read_specification().methods.items():
        assert name in text
        assert all(f'"{parameter.name}"' in text for parameter in method.parameters)
    assert document["paths"]["/open311/api"].keys() == {"get", "post"}
    OpenAPIV31SpecValidator(document).validate()


@pytest.mark.parametrize("name", ["page.js", "page.css"])
def test_the_page_has_its_script_and_style_from_this_service(name: str) -> None:
    assert f"/static/open311/{name}" in Client().get("/open311/").content.decode()
    assert Client().get(f"/static/open311/{name}").status_code == 200
