"""The Open311 page in a browser: a search as a table and a map, a method tried, a report filed."""

from django.test import Client
from playwright.sync_api import Page, expect

from tests.api.open311 import load, load_city, make_token
from tests.browser.conftest import VisitMaker
from tests.browser.visits import check_accessibility


def open_method(page: Page, name: str, **fields: str) -> None:
    """Open a method's form, fill it and send it."""
    page.locator(f"[id='{name}'] > summary").click()
    form = page.locator(f"[id='{name}'] form")
    for field, value in fields.items():
        form.locator(f"[name='{field}']").fill(value)
    form.get_by_role("button", name="Try it").click()


def test_a_search_is_shown_as_a_table_and_on_a_map(visit: VisitMaker, client: Client) -> None:
    load_city(client)
    page = visit().page
    page.goto("/open311/")
    rows, points = page.locator("#table tbody tr"), page.locator("#map circle")
    expect(rows).to_have_count(2)
    expect(points).to_have_count(2)
    expect(rows.first).to_contain_text("Hydrant")
    # Graffiti was seen north-east of the hydrant.
    hydrant, graffiti = (points.nth(number).bounding_box() for number in (0, 1))
    assert hydrant is not None
    assert graffiti is not None
    assert hydrant["x"] < graffiti["x"]
    assert hydrant["y"] > graffiti["y"]
    page.get_by_label("Service").first.select_option("Graffiti")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#found")).to_have_text("1 incidents, page 1 of 1")
    expect(points).to_have_count(1)
    expect(rows).to_contain_text("2010-05-26 21:30")
    check_accessibility(page)


def test_places_on_both_sides_of_180_degrees_are_drawn_together(
    visit: VisitMaker, client: Client
) -> None:
    load_city(client)
    places = [(1, -17.0, 179.9), (2, -17.0, -179.9), (3, -17.2, -179.8)]
    rows = [
        {"incident_id": number, "service_id": 1, "latitude": latitude, "longitude": longitude}
        for number, latitude, longitude in places
    ]
    load(client, "incidents", rows)
    page = visit().page
    page.goto("/open311/")
    page.locator("#search [name='where']").fill("bbox:-20,179,-10,-179")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#found")).to_have_text("3 incidents, page 1 of 1")
    expect(page.locator("#map text").last).to_have_text("10 km")
    across = [float(each.get_attribute("cx") or 0) for each in page.locator("#map circle").all()]
    names = page.locator("#map circle title").all_text_contents()
    assert [name for _, name in sorted(zip(across, names, strict=True))] == ["1 ", "2 ", "3 "]


def test_a_wrong_search_says_what_is_wrong(visit: VisitMaker, client: Client) -> None:
    load_city(client)
    window = visit()
    window.allow_status(400)
    page = window.page
    page.goto("/open311/")
    expect(page.locator("#table tbody tr")).to_have_count(2)
    page.locator("#search [name='where']").fill("moon:1")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#found")).to_contain_text("there is no prefix 'moon'")


def test_a_method_is_tried_and_an_incident_reported(visit: VisitMaker, client: Client) -> None:
    load_city(client)
    page = visit().page
    page.goto("/open311/")
    open_method(page, "open311.services.getInfo", service_id="1")
    answer = page.locator("[id='open311.services.getInfo'] .answer")
    expect(answer).to_contain_text('"description": "A hole in a road"')
    open_method(
        page,
        "open311.incidents.report",
        service_id="1",
        latitude="37.5",
        longitude="-122.3",
        token=make_token("open311.report"),
    )
    expect(page.locator("[id='open311.incidents.report'] .answer")).to_contain_text("\n201\n")
    page.locator("#search [name='created']").fill("2012;2999")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#table tbody tr")).to_have_count(1)
    expect(page.locator("#table tbody tr")).to_contain_text("Pothole")
