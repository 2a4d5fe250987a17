"""reports.charts.columns: columns as SVG."""

from xml.etree.ElementTree import fromstring

from reports.charts.columns import HEIGHT, LEAST, draw_columns

HOURS = [(f"{hour:02}:00", value) for hour, value in enumerate([0.0, 4.0, 8.0, 0.001])]


def test_the_highest_value_has_the_full_height_and_the_least_can_be_seen() -> None:
    root = fromstring(draw_columns(HOURS, title="T", series=1))
    heights = [float(str(bar.get("height"))) for bar in root.iter("rect")]
    assert heights == [0, HEIGHT / 2, HEIGHT, LEAST]
    assert {bar.get("class") for bar in root.iter("rect")} == {"s1"}


def test_each_column_says_when_and_how_many() -> None:
    root = fromstring(draw_columns([("<b>", 1234.0)], title="T", series=0))
    assert [title.text for title in root.iter("title")] == ["T", "<b>: 1\u202f234"]


def test_nothing_is_drawn_of_hours_without_rows() -> None:
    root = fromstring(draw_columns([("00:00", 0.0)], title="T", series=0))
    assert [bar.get("height") for bar in root.iter("rect")] == ["0"]


def test_nothing_is_styled_inside_the_page() -> None:
    assert "style" not in draw_columns(HOURS, title="T", series=1)
