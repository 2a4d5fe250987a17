"""`manage.py load` of files as people have them: other dialects, preambles, dates, broken lines."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from ingest.management.commands.load import Command
from tests.integration.loading import Outcome
from tests.needs import need
from tests.spreadsheet import write_xlsx

SHARED = settings.BASE_DIR.parent / "shared" / "data"

Load = Callable[..., Outcome]


@pytest.fixture
def bills(database: None) -> Iterator[str]:
    """Return a table of several types."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE hiring.bills (id integer PRIMARY KEY, day date, amount numeric(12,2),"
            " paid boolean, title text)"
        )
    yield "hiring.bills"
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE hiring.bills")


@pytest.fixture
def load(
    server: str, api_key: Callable[..., str], capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Load:
    """Return a function that writes a file and loads it with `manage.py load`."""
    key = api_key("read", "ingest")

    def run(table: str | None, content: str | bytes | Path, *options: str) -> Outcome:
        path = content if isinstance(content, Path) else tmp_path / "file.csv"
        if isinstance(content, str | bytes):
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        argv = [
            "manage.py",
            "load",
            *filter(None, [table]),
            str(path),
            "--url",
            server,
            "--key",
            key,
            *options,
        ]
        try:
            Command().run_from_argv(argv)
            code = 0
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        return Outcome(code, *capfd.readouterr())

    return run


def rows(table: str) -> list[tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} ORDER BY 1")
        return [tuple(map(str, row)) for row in cursor.fetchall()]


def test_an_export_is_stored_as_it_means(load: Load, bills: str) -> None:
    outcome = load(
        bills,
        "Bills of the year;;;;\n;;;;\nId;Day;Amount;Paid;Title\n"
        '1;25/12/2021;1.234,50;yes;"Ink; red"\n2;01/02/2022;NA;no;NA\n3;;7,5;;5" pipe\n;;;;\n',
    )
    assert outcome.code == 0, outcome.err
    assert rows(bills) == [
        ("1", "2021-12-25", "1234.50", "True", "Ink; red"),
        ("2", "2022-02-01", "None", "False", "NA"),
        ("3", "None", "7.50", "None", '5" pipe'),
    ]
    for note in ("divided by ';'", "2 lines before the header", "day: dates are %d/%m/%Y"):
        assert note in outcome.out


def test_lines_that_cannot_be_read_are_rejected_and_kept(load: Load, bills: str) -> None:
    lines = ["id,title", '1,"a, b"', '2,"c"d', '3e"f,g"', "4,h,i", '5,"j, ""k"""', '6,"l']
    outcome = load(bills, "\n".join(lines))
    assert outcome.code == 3
    assert [row[0] for row in rows(bills)] == ["1", "5"]
    for line in (3, 4, 5, 7):
        assert f"line {line}: " in outcome.err
    with connection.cursor() as cursor:
        cursor.execute("SELECT raw FROM service.rejection ORDER BY id")
        kept = [bytes(raw).decode() if not isinstance(raw, str) else raw for (raw,) in cursor]
    assert [text for text in kept if "not read: text after a closing quote" in text]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("id,day\n1,01/02/2021\n2,03/04/2021\n", [], "say --date-format '%d/%m/%Y' or '%m/%d/%Y'"),
        ("id,day\n1,01-Feb-21\n", [], "are in: only dates with all four digits of the year"),
        ("id;amount\n1;1,234\n2;2,345\n", [], "say --decimal . or --decimal ,"),
        ("id,title\n1,José Müller\n2,Zoë\n".encode("cp1252"), [], "not UTF-8: say --encoding"),
        ("1,2021-12-25\n2,2021-12-26\n", [], "no header and 2 fields, the table 5 columns"),
    ],
)
def test_what_the_file_does_not_tell_is_asked(
    load: Load, bills: str, content: str | bytes, options: list[str], message: str
) -> None:
    outcome = load(bills, content, *options)
    assert (outcome.code, rows(bills)) == (1, [])
    assert message in outcome.err


def test_an_option_tells_what_the_file_does_not(load: Load, bills: str) -> None:
    content = "id;day;amount\n1;01/02/2021;1,234\n2;03/04/2021;2,5\n"
    outcome = load(bills, content, "--date-format", "%d/%m/%Y", "--decimal", ",")
    assert "line 2: amount: '1.234' has more than 2 digits" in outcome.err
    assert [row[:3] for row in rows(bills)] == [("2", "2021-04-03", "2.50")]


def test_titles_with_signs_are_columns_and_a_short_row_is_no_row(load: Load, bills: str) -> None:
    outcome = load(bills, "(Id),Title!,Other\n1,a,b\n2,c\n", "--columns", "Other=")
    assert outcome.code == 3
    assert [(row[0], row[4]) for row in rows(bills)] == [("1", "a")]


@pytest.mark.parametrize(
    ("table", "name", "note"),
    [
        ("hiring.departments", "hiring/original/departments.csv", "there is no header: the fields"),
        ("hiring.jobs", "hiring/original/jobs.csv", "the fields are job_id, job_name"),
        ("nyc311.service_requests", "nyc311/portal_export_2018.csv", "dates are %m/%d/%Y"),
        ("nyc311.service_requests", "nyc311/soda_2026-06-15.csv", "10,000 inserted"),
        ("nyc311.service_requests", "nyc311/soda_2023-12-08.csv", "efsh_h5xi' is left out"),
        ("nyc311.service_requests", "nyc311/soda_2012.json", "yeji_bk3q' is left out"),
    ],
)
def test_real_files_load_with_a_tables_name(load: Load, table: str, name: str, note: str) -> None:
    need((SHARED / name).exists(), f"{SHARED / name} is not there")
    outcome = load(table, SHARED / name)
    assert outcome.code == 0, outcome.err
    assert note in outcome.out


def test_a_spreadsheet_is_loaded(load: Load, bills: str, tmp_path: Path) -> None:
    path = tmp_path / "bills.xlsx"
    cells: list[list[str | int | float | None]] = [
        ["Bills of 2021", None, None, None],
        ["Id", "Day", "Amount", "Title"],
        [1, "25/12/2021", 12.5, "007"],
        ["x", "26/12/2021", 1, "bad"],
        [3, "27/12/2021", 0.1 + 0.2, None],
    ]
    path.write_bytes(write_xlsx(cells))
    outcome = load(bills, path)
    assert outcome.code == 3
    assert "line 4: id" in outcome.err
    assert "line 5: amount: '0.30000000000000004' has more than 2 digits" in outcome.err
    assert [(*row[:3], row[4]) for row in rows(bills)] == [("1", "2021-12-25", "12.50", "007")]
    assert load(bills, path, "--sheet", "x").code == 1


def test_without_a_table_those_that_fit_are_told(load: Load, bills: str) -> None:
    outcome = load(None, "Id;Day;Title\n1;2021-12-25;x\n2;2021-12-26;y\n")
    assert outcome.code == 1
    assert "fits hiring.bills (3 of 3 fields, 5 columns)" in outcome.err
    assert "none fits" in load(None, "a,b,c\n1,2,3\n2,3,4\n").err


def test_the_schema_that_a_file_calls_for_takes_the_file(load: Load) -> None:
    content = "Order;Day of sale;userName\n1;25/12/2021;x\n2;01/02/2022;it's\n"
    schema = load("hiring.sales", content, "--as-schema").out
    with connection.cursor() as cursor:
        cursor.execute("SET search_path TO hiring")
        cursor.execute(schema)
        cursor.execute("RESET search_path")
    try:
        assert load("hiring.sales", content).code == 0
        assert rows("hiring.sales") == [("1", "2021-12-25", "x"), ("2", "2022-02-01", "it's")]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE hiring.sales")
