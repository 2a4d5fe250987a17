"""Options of `manage.py load`: what they do, and which are refused."""

import io
import re
from pathlib import Path

import pytest
from django.conf import settings

from ingest.management.commands.load import Command
from tests.integration.loading import Load, run_manage
from tests.standin import KEY, StandIn


def test_options_reach_the_service(load: Load, standin: StandIn, things: str) -> None:
    load(things, "--dry-run", "--on-conflict", "update")
    (request,) = standin.requests
    assert request.query == {"dry_run": ["true"], "on_conflict": ["update"]}
    load(things, "--conflict-key", "a,b", "--extra", "ignore")
    sent = {"on_conflict": ["reject"], "conflict_key": ["a,b"], "extra": ["ignore"]}
    assert standin.requests[1].query == sent


def test_a_file_without_a_header_is_announced(load: Load, standin: StandIn, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("1,a\n2,b\n")
    assert load(str(path), "--no-header").code == 0
    assert standin.requests[0].query["header"] == ["absent"]
    assert standin.stored == [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]


def test_date_columns_are_asked_of_the_service(
    load: Load, standin: StandIn, tmp_path: Path
) -> None:
    standin.columns = [
        {"name": "id", "type": "integer"},
        {"name": "name", "type": "text"},
        {"name": "made_at", "type": "timestamp with time zone"},
        {"name": "due_on", "type": "date"},
    ]
    path = tmp_path / "a.csv"
    day = "06/26/2018 12:00:00 AM +0000"
    path.write_text(f"id,name,made_at,due_on\n1,{day},{day},06/26/2018\n")
    pattern = "%m/%d/%Y %I:%M:%S %p %z"
    assert load(str(path), "--date-format", pattern).code == 0
    (row,) = standin.stored
    assert row == {
        "id": "1",
        "name": day,
        "made_at": "2018-06-26T00:00:00+00:00",
        "due_on": "06/26/2018",
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{things}", "nowhere.csv"], "nowhere.csv"),
        (["{things}", "-"], "stdin (-) is loaded alone"),
        (["-"], "--format"),
        (["{things}", "{other}", "--rejects", "{rejects}"], "different fields"),
        (["{things}", "--rejects", "{things}"], "is one of the files to be loaded"),
        (["{json}", "--no-header"], "--no-header is for CSV"),
        (["{json}", "--columns", "a,b"], "JSON rows name their columns"),
        (["{things}", "--columns", "nothing=a"], "no single field 'nothing'"),
        (["{things}", "--no-header", "--columns", "id=a"], "lists the columns in order"),
        (["{things}", "--date-format", "%H:%M"], "needs a year"),
        (["{things}", "{folder}"], "is a folder"),
    ],
)
def test_nothing_is_sent_where_files_and_options_do_not_fit(
    load: Load, standin: StandIn, things: str, tmp_path: Path, arguments: list[str], message: str
) -> None:
    names = {
        "things": Path(things),
        "other": tmp_path / "other.csv",
        "json": tmp_path / "a.json",
        "rejects": tmp_path / "rejects.csv",
        "folder": tmp_path,
    }
    names["other"].write_text("number\n1\n")
    names["json"].write_text('[{"id": 1}]')
    before = Path(things).read_bytes()
    outcome = load(*(argument.format_map(names) for argument in arguments))
    assert outcome.code == 1
    assert message in outcome.err
    assert standin.requests == []
    assert Path(things).read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["--batch-size", "1001"],
        ["--batch-size", "0"],
        ["--encoding", "morse"],
        ["--max-rejected", "many"],
        ["--encoding", "base64"],
        ["--delimiter", "ab"],
        ["--columns", "a,b=c"],
        ["--on-conflict", "replace"],
    ],
)
def test_an_option_that_makes_no_sense_is_refused(
    load: Load, standin: StandIn, things: str, arguments: list[str]
) -> None:
    outcome = load(things, *arguments)
    assert outcome.code == 2
    assert arguments[0] in outcome.err
    assert standin.requests == []


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://a", "http://", "http://a:b"])
def test_an_address_that_is_none_is_refused(things: str, url: str) -> None:
    code, _, err = run_manage("load", "things", things, "--url", url, "--key", KEY)
    assert code == 1
    assert "URL" in err


@pytest.mark.parametrize(("limit", "code"), [("3", 3), ("2", 1), ("50%", 3)])
def test_a_load_that_goes_wrong_ends_early(
    load: Load, standin: StandIn, things: str, limit: str, code: int
) -> None:
    standin.bad_ids = frozenset({"1", "2", "3"})
    outcome = load(things, "--batch-size", "5", "--in-flight", "1", "--max-rejected", limit)
    assert outcome.code == code
    assert ("3 of 5 rows are rejected" in outcome.err) == (code == 1)
    assert (len(standin.stored) == 22) == (code == 3)


def test_the_guide_names_every_option() -> None:
    guide = (settings.BASE_DIR / "docs" / "loaders.md").read_text()
    parser = Command().create_parser("manage.py", "load")
    own = io.StringIO()
    parser.print_help(own)
    options = set(re.findall(r"--[a-z-]+", own.getvalue())) - DJANGO_OPTIONS
    assert len(options) > 10
    assert {option for option in options if f"`{option}" not in guide} == set()


DJANGO_OPTIONS = {
    "--help", "--version", "--verbosity", "--settings", "--pythonpath", "--traceback",
    "--no-color", "--force-color", "--skip-checks",
}  # fmt: skip
