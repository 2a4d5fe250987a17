"""reports.charts.lines: lines as SVG."""

from xml.etree.ElementTree import Element, fromstring

import pytest

from reports.charts.lines import HEIGHT, MAX_LINES, Lines, draw_lines
from reports.charts.svg import Row

ROWS: list[Row] = [
    {"week": "2025-01-06", "agency": "A", "days": 4.0, "closed": 10},
    {"week": "2025-01-13", "agency": "A", "days": 2.0, "closed": 10},
    {"week": "2025-02-03", "agency": "A", "days": 0, "closed": 1},
    {"week": "2025-01-06", "agency": "<b>", "days": 1.0, "closed": 3},
    {"week": "2025-01-13", "agency": "<b>", "days": None, "closed": 0},
]
VALUES = [("days", "Days")]


def draw(lines: Lines) -> Element:
    return fromstring(draw_lines(lines, title="T & T"))


def corners_of(svg: Element) -> list[list[tuple[float, float]]]:
    return [
        [
            (float(x), float(y))
            for x, y in (corner.split(",") for corner in str(line.get("points")).split())
        ]
        for line in svg.iter("polyline")
    ]


def texts_of(svg: Element) -> list[str | None]:
    return [text.text for text in svg.iter("text")]


def test_there_is_a_line_for_each_value_of_a_column() -> None:
    lines = Lines(ROWS, "week", VALUES, by="agency", weight="closed").lines
    assert [line.caption for line in lines] == ["<b>", "A"]
    assert lines[0].points == {"2025-01-06": 1.0}
    assert lines[1].points == {"2025-01-06": 4.0, "2025-01-13": 2.0, "2025-02-03": 0.0}


def test_there_is_a_line_for_each_of_several_columns() -> None:
    lines = Lines(ROWS[:2], "week", [*VALUES, ("closed", "Closed")]).lines
    assert [(line.caption, list(line.points.values())) for line in lines] == [
        ("Closed", [10.0, 10.0]),
        ("Days", [4.0, 2.0]),
    ]


def test_points_lie_where_their_moments_and_values_are() -> None:
    svg = draw(Lines(ROWS[:3], "week", VALUES, by="agency"))
    ((first, second, third),) = corners_of(svg)
    assert (second[0] - first[0]) * 4 == pytest.approx(third[0] - first[0], abs=0.5)
    assert [first[1], second[1], third[1]] == [0, HEIGHT / 2, HEIGHT]
    assert texts_of(svg) == ["A", "0", "1", "2", "3", "4", "2025-01-13", "2025-01-06", "2025-02-03"]


def test_the_lines_are_told_in_words_too() -> None:
    svg = draw(Lines(ROWS, "week", VALUES, by="agency"))
    assert (svg.get("role"), svg.findtext("title")) == ("img", "T & T")
    assert svg.findtext("desc") == (
        "<b>: from 1 (2025-01-06) to 1 (2025-01-06); A: from 4 (2025-01-06) to 0 (2025-02-03)"
    )
    assert [point.findtext("title") for point in svg.iter("circle")] == [
        "<b>, 2025-01-06: 1",
        "A, 2025-01-06: 4",
        "A, 2025-01-13: 2",
        "A, 2025-02-03: 0",
    ]


def test_of_many_lines_the_weightiest_are_drawn_and_the_others_counted() -> None:
    rows = [{"week": 1, "agency": f"A{n}", "days": 1, "closed": n} for n in range(9)]
    lines = Lines(rows, "week", VALUES, by="agency", weight="closed")
    assert [line.caption for line in lines.lines] == [f"A{n}" for n in range(9 - MAX_LINES, 9)]
    assert lines.left_out == 3
    assert "3 more in the table" in texts_of(draw(lines))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3.0, 87.5], ["0", "20", "40", "60", "80", "100"]),
        ([-3.0, 1.0], ["-3", "-2", "-1", "0", "1"]),
        ([0.0, 0.0], ["0", "0.2", "0.4", "0.6", "0.8", "1"][:2]),
    ],
)
def test_grid_lines_are_round_numbers_around_zero_and_every_value(
    values: list[float], expected: list[str]
) -> None:
    rows = [{"week": n, "days": value} for n, value in enumerate(values)]
    svg = draw(Lines(rows, "week", VALUES))
    labels = [str(text.text) for text in svg.iter("text") if text.get("dy")]
    assert labels == expected


def test_places_that_are_no_moments_stand_in_their_order() -> None:
    rows = [{"week": name, "days": 1} for name in ("spring", "summer", "autumn")]
    ((first, second, third),) = corners_of(draw(Lines(rows, "week", VALUES)))
    assert second[0] - first[0] == pytest.approx(third[0] - second[0], abs=0.1)


def test_rows_without_values_make_an_empty_chart() -> None:
    svg = draw(Lines([{"week": 1, "days": None}], "week", VALUES))
    assert corners_of(svg) == []


def test_nothing_is_styled_inside_the_page() -> None:
    text = draw_lines(Lines(ROWS, "week", VALUES, by="agency"), title="T")
    assert "style" not in text
    assert "<b>" not in text
