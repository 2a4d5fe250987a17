"""GET /reports/ and /reports/{name}/: pages for people."""

import re
from html.parser import HTMLParser

import pytest
from django.contrib.auth.models import User
from django.test import Client
from msgspec.structs import replace

from reports.engine.registry import datasets_of, find_report
from tests.conftest import KeyMaker, Publish
from tests.hiring import send_small

pytestmark = pytest.mark.usefixtures("database")

NAMES = ("hires_by_quarter", "departments_above_mean")


class Page(HTMLParser):
    """What a page refers to and what it holds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.update(name for name, _ in attrs)
        self.links += [value for name, value in attrs if name in {"href", "src"} and value]


@pytest.fixture(autouse=True)
def _public(publish: Publish) -> None:
    publish(hiring=True)


@pytest.fixture
def loaded(client: Client) -> Client:
    send_small(client)
    for name in NAMES:
        client.post(f"/api/reports/{name}/refresh")
    return client


def visit(address: str) -> str:
    answer = Client().get(address)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def test_the_list_leads_to_every_report(loaded: Client) -> None:
    page = Page(visit("/reports/"))
    assert {f"/reports/{name}/" for name in NAMES} <= set(page.links)


@pytest.mark.parametrize("name", NAMES)
def test_a_report_shows_its_chart_and_its_table(loaded: Client, name: str) -> None:
    page = Page(visit(f"/reports/{name}/"))
    assert "table" in page.tags
    assert "svg" in page.tags
    assert {f"/reports/{name}.csv", f"/reports/{name}.tds"} <= set(page.links)


def test_the_mean_is_drawn_across_the_bars(loaded: Client) -> None:
    text = visit("/reports/departments_above_mean/")
    assert "Mean over all departments: 2" in text
    assert re.search(r'<line class="line" x1="39%"', text)


def test_the_chart_of_one_figure_says_which(loaded: Client) -> None:
    text = visit("/reports/departments_above_mean/")
    assert "<figcaption>Hired, by department</figcaption>" in text
    assert "<figcaption>" not in visit("/reports/hires_by_quarter/")


def test_figures_are_rounded_in_the_table_only(client: Client) -> None:
    requests = [
        {
            "unique_key": number,
            "created_date": "2025-01-01T00:00:00",
            "closed_date": f"2025-01-0{number}T00:00:00",
            "agency": "DOT",
            "complaint_type": "Noise",
            "status": "Closed",
        }
        for number in (1, 2, 5)
    ]
    assert (
        client.post(
            "/api/ingest/service_requests", requests, content_type="application/json"
        ).status_code
        == 201
    )
    client.post("/api/reports/closure_by_agency/refresh")
    text = visit("/reports/closure_by_agency/")
    assert '<td class="measure" title="1.6666666666666667">1.67</td>' in text
    assert "Figures are rounded here" in text
    assert b"1.6666666666666667" in Client().get("/reports/closure_by_agency.csv").content


def test_figures_that_are_whole_are_not_said_to_be_rounded(loaded: Client) -> None:
    assert "Figures are rounded here" not in visit("/reports/hires_by_quarter/")


def test_open_rejections_lead_to_the_desk(client: Client, api_key: KeyMaker) -> None:
    client.post("/api/ingest/service_requests", [{}], content_type="application/json")
    client.post("/api/reports/closure_by_agency/refresh")
    person = Client()
    person.post("/login/", {"key": api_key("read")})
    desk = "/rejections/?state=open&amp;table=nyc311.service_requests"
    for address in ("/reports/", "/reports/closure_by_agency/"):
        assert f'<a href="{desk}">1</a>' in person.get(address).content.decode()
        assert desk not in visit(address)


@pytest.mark.parametrize("address", ["/reports/", "/reports/hires_by_quarter/"])
def test_a_page_needs_nothing_from_elsewhere_and_has_nothing_inline(
    loaded: Client, address: str
) -> None:
    answer = Client().get(address)
    page = Page(answer.content.decode())
    assert all(link.startswith(("/", "#")) for link in page.links)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert not {"script", "style"} & set(page.tags)
    assert "style" not in page.attributes
    assert not any(name.startswith("on") for name in page.attributes)
    for link in page.links:
        if link.startswith("/static/"):
            assert Client().get(link).status_code == 200


def test_the_csv_of_the_page_is_safe_for_spreadsheets(loaded: Client) -> None:
    department = {"department_id": 1, "department_name": '=cmd|"x"!A1'}
    loaded.post("/api/ingest/departments?on_conflict=update", [department],
                content_type="application/json")  # fmt: skip
    loaded.post("/api/reports/hires_by_quarter/refresh")
    page = Client().get("/reports/hires_by_quarter.csv").content.decode()
    exact = loaded.get("/api/reports/hires_by_quarter?format=csv").content.decode()
    assert '"=cmd|""x""!A1"' in exact
    assert page.replace("\r\n", "\n") == exact.replace('"=cmd', "\"'=cmd")
    safe = loaded.get("/api/reports/hires_by_quarter?format=csv&safe=true")
    assert safe.content.decode() == page


def test_the_downloads_are_the_api_s(loaded: Client) -> None:
    page = Client().get("/reports/hires_by_quarter.tds")
    assert page.content == loaded.get("/api/reports/hires_by_quarter.tds").content
    page = Client().get("/reports/rowhouse_reports.tds")
    assert page.content == loaded.get("/api/reports.tds").content


def test_text_of_rows_is_escaped(client: Client) -> None:
    send_small(client)
    evil = {"department_id": "9", "department_name": "<script>alert(1)</script>"}
    client.post("/api/ingest/departments", [evil], content_type="application/json")
    client.post(
        "/api/ingest/employees",
        [
            {
                "employee_id": number,
                "employee_name": "x",
                "hire_date": "2021-05-05T00:00:00Z",
                "department_id": 9,
                "job_id": 7,
            }
            for number in range(100, 120)
        ],
        content_type="application/json",
    )
    for name in NAMES:
        client.post(f"/api/reports/{name}/refresh")
        text = visit(f"/reports/{name}/")
        assert "<script" not in text
        assert "&lt;script&gt;" in text


def test_an_unknown_or_empty_report_is_a_page_with_404(client: Client) -> None:
    for name, words in (("none", "There is no report"), ("hires_by_quarter", "never refreshed")):
        answer = client.get(f"/reports/{name}/")
        assert answer.status_code == 404
        assert words in answer.content.decode()


@pytest.mark.parametrize("form", ["/", ".csv", ".tds"])
def test_pages_of_a_dataset_that_is_not_public_need_a_key(
    loaded: Client, api_key: KeyMaker, publish: Publish, form: str
) -> None:
    publish(hiring=False)
    address = f"/reports/hires_by_quarter{form}"
    assert Client().get(address).status_code == 401
    wrong = Client(headers={"Authorization": f"Api-Key {api_key('ingest')}"})
    assert wrong.get(address).status_code == 403
    assert loaded.get(address).status_code == 200
    citizen = Client()
    citizen.force_login(User.objects.create_user("ann"))
    assert citizen.get(address).status_code == 401


def test_lists_hold_what_the_reader_may_see(loaded: Client, publish: Publish) -> None:
    publish(hiring=False)
    for address in ("/reports/", "/reports/rowhouse_reports.tds", "/api/reports"):
        seen, all_ = Client().get(address).content.decode(), loaded.get(address).content.decode()
        assert "hires_by_quarter" not in seen
        assert "hires_by_quarter" in all_
    publish(nyc311=False, covid=False, mds=False, open311=False)
    assert Client().get("/reports/").status_code == 401


def test_a_report_is_public_only_if_all_that_it_reads_is() -> None:
    definition = find_report("hires_by_quarter")
    assert datasets_of(definition) == {"hiring"}
    for query in ("SELECT * FROM nyc311.x JOIN Hiring . employees USING (id)",
                  'SELECT * FROM "hiring".employees'):  # fmt: skip
        header = replace(definition.header, sources=["nyc311.x"])
        assert "hiring" in datasets_of(replace(definition, header=header, query=query))
