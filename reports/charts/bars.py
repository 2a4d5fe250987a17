"""The chart of a report's page: horizontal bars, drawn as SVG on the server.

Widths are in percent and heights in pixels, so that a phone shows the same bars, narrower, and
text of the same size. No script, and no style inside: the page's stylesheet colours the classes.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from xml.etree.ElementTree import Element, SubElement, tostring

BAR = 16
GAP = 3
LABEL = 20
SPACE = 14
LEGEND = 26

WIDEST = 78.0  # percent of the width that the longest bar takes; its value stands behind it
MAX_CATEGORIES = 40

Row = Mapping[str, object]
Series = tuple[str, str]  # a column and its caption
Link = Callable[[str], str]  # where a category leads


class Bars:
    """The chart's data: for each category the sum of each series, in the report's order."""

    def __init__(self, rows: Sequence[Row], category: str, series: Sequence[Series]) -> None:
        self.series = series
        sums: dict[str, list[float]] = {}
        for row in rows:
            values = sums.setdefault(as_text(row[category]), [0.0] * len(series))
            for place, (column, _) in enumerate(series):
                values[place] += as_number(row[column])
        self.categories = list(sums.items())[:MAX_CATEGORIES]
        self.left_out = len(sums) - len(self.categories)


def draw_bars(
    bars: Bars, *, title: str, line: tuple[str, float] | None = None, link: Link | None = None
) -> str:
    """Return the chart as an <svg> element; `line` is the caption and the value of a line."""
    highest = max((value for _, values in bars.categories for value in values), default=0.0)
    highest = max(highest, line[1] if line else 0.0, 1e-9)
    block = LABEL + len(bars.series) * (BAR + GAP) + SPACE
    top = LEGEND * ((len(bars.series) > 1) + (line is not None))
    height = top + len(bars.categories) * block
    svg = start_chart(title, height, role="group" if link else "img")
    if len(bars.series) > 1:
        _draw_legend(svg, bars.series)
    for place, (category, values) in enumerate(bars.categories):
        group = SubElement(svg, "a", {"href": link(category)}) if link else svg
        _draw_category(group, top + place * block, category, values, bars.series, highest)
    if line:
        _draw_line(svg, line, highest, top, height)
    return tostring(svg, encoding="unicode")


def start_chart(title: str, height: int, *, role: str = "img") -> Element:
    """Return an empty chart of the full width."""
    svg = Element("svg", {"class": "chart", "width": "100%", "height": str(height), "role": role})
    svg.set("aria-label", title)
    SubElement(svg, "title").text = title
    return svg


def _draw_legend(svg: Element, series: Sequence[Series]) -> None:
    share = 100 / max(len(series), 4)
    for place, (_, caption) in enumerate(series):
        left = f"{place * share:g}%"
        SubElement(
            svg,
            "rect",
            {"class": f"s{place}", "x": left, "y": "3", "width": "12", "height": "12"},
        )
        SubElement(svg, "text", {"x": left, "dx": "17", "y": "14"}).text = caption


def _draw_category(
    svg: Element,
    top: int,
    category: str,
    values: Sequence[float],
    series: Sequence[Series],
    highest: float,
) -> None:
    SubElement(svg, "text", {"class": "category", "x": "0", "y": str(top + 14)}).text = category
    for place, value in enumerate(values):
        y = top + LABEL + place * (BAR + GAP)
        width = f"{max(value, 0.0) / highest * WIDEST:.4g}%"
        bar = SubElement(
            svg,
            "rect",
            {"class": f"s{place}", "x": "0", "y": str(y), "width": width, "height": str(BAR)},
        )
        SubElement(bar, "title").text = f"{category}, {series[place][1]}: {format_number(value)}"
        label = {"class": "value", "x": width, "dx": "5", "y": str(y + BAR - 4)}
        SubElement(svg, "text", label).text = format_number(value)


def _draw_line(
    svg: Element, line: tuple[str, float], highest: float, top: int, height: int
) -> None:
    caption, value = line
    x = f"{max(value, 0.0) / highest * WIDEST:.4g}%"
    place = {"class": "line", "x1": x, "x2": x, "y1": str(top - 4), "y2": str(height)}
    SubElement(svg, "line", place)
    # Its name stands in the legend: beside the line it would not fit on a phone.
    y = top - LEGEND + 9
    sample = {"class": "line", "x1": "0", "x2": "12", "y1": str(y), "y2": str(y)}
    SubElement(svg, "line", sample)
    text = {"class": "line-label", "x": "0", "dx": "17", "y": str(y + 5)}
    SubElement(svg, "text", text).text = f"{caption}: {format_number(value)}"


def format_number(value: float) -> str:
    """Return a number as people read it: 1 234 567.8, without a fraction that is zero."""
    return f"{value:,.2f}".rstrip("0").rstrip(".").replace(",", "\u202f")


def as_number(value: object) -> float:
    """Return a value of a row as a number, 0 for what is none."""
    return float(value) if isinstance(value, int | float | Decimal) else 0.0


def as_text(value: object) -> str:
    """Return a value of a row as a label."""
    return "–" if value is None else str(value)
