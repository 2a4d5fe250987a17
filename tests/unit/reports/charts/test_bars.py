"""reports.charts.bars: bars as SVG."""

from xml.etree.ElementTree import Element, fromstring

from reports.charts.bars import MAX_CATEGORIES, Bars, draw_bars
from reports.charts.svg import format_number

ROWS = [
    {"dep": "A", "q1": 1, "q2": 0},
    {"dep": "A", "q1": 2, "q2": 4},
    {"dep": "<b>", "q1": 0, "q2": None},
]
SERIES = [("q1", "Q1"), ("q2", "Q2")]


def bars_of(svg: Element) -> list[str]:
    return [str(bar.get("width")) for bar in svg.iter("rect") if bar.get("height") == "16"]


def test_the_values_of_a_category_are_added_up() -> None:
    assert Bars(ROWS, "dep", SERIES).categories == [("A", [3.0, 4.0]), ("<b>", [0.0, 0.0])]


def test_the_longest_bar_has_the_full_width_and_text_is_escaped() -> None:
    svg = draw_bars(Bars(ROWS, "dep", SERIES), title="T & T")
    assert bars_of(fromstring(svg)) == ["58.5%", "78%", "0%", "0%"]
    assert "<b>" not in svg


def test_a_line_beyond_every_bar_sets_the_scale() -> None:
    svg = draw_bars(Bars(ROWS, "dep", SERIES[:1]), title="T", line=("Mean", 6.0))
    root = fromstring(svg)
    assert bars_of(root) == ["39%", "0%"]
    line = root.find("line")
    assert line is not None
    assert line.get("x1") == "78%"
    assert "Mean: 6" in [text.text for text in root.iter("text")]


def test_nothing_is_styled_inside_the_page() -> None:
    svg = draw_bars(Bars(ROWS, "dep", SERIES), title="T", line=("Mean", 1.0))
    assert "style" not in svg
    assert "<script" not in svg


def test_only_so_many_categories_are_drawn() -> None:
    rows = [{"dep": str(n), "q1": n} for n in range(50)]
    bars = Bars(rows, "dep", SERIES[:1])
    assert (len(bars.categories), bars.left_out) == (MAX_CATEGORIES, 10)


def test_numbers_are_written_for_people() -> None:
    assert [format_number(n) for n in (0, 1234567, 2.5, 136.416667, -3)] == [
        "0",
        "1\u202f234\u202f567",
        "2.5",
        "136.42",
        "-3",
    ]


def test_a_category_leads_where_it_is_told() -> None:
    chart = Bars(ROWS, "dep", SERIES[:1])
    root = fromstring(draw_bars(chart, title="T", link=lambda category: f"/?q={category}"))
    assert [anchor.get("href") for anchor in root.iter("a")] == ["/?q=A", "/?q=<b>"]
    assert root.get("role") == "group"
