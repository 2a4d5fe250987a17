"""The chart of a report's page: horizontal bars, drawn as SVG on the server.

Widths are in percent and heights in pixels, so that a phone shows the same bars, narrower, and
text of the same size. No script, and no style inside: the page's stylesheet colours the classes.
"""

from collections.abc import Callable, Sequence
from xml.etree.ElementTree import Element, tostring

from reports.charts.svg import (
    LEGEND,
    Row,
    Series,
    add,
    as_number,
    as_text,
    format_number,
    start_chart,
)

BAR = 16
GAP = 3
LABEL = 20
SPACE = 14

WIDEST = 78.0  # percent of the width that the longest bar takes; its value stands behind it
MAX_CATEGORIES = 40

Link = Callable[[str], str]  # where a category leads


class Bars:
    """The chart's data: for each category the sum of each series, in the report's order."""

    def __init__(self, rows: Sequence[Row], category: str, series: Sequence[Series]) -> None:
        self.series = series
        sums: dict[str, list[float]] = {}
        for row in rows:
            values = sums.setdefault(as_text(row[category]), [0.0] * len(series))
            for number, (column, _) in enumerate(series):
                values[number] += as_number(row[column])
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
    svg = start_chart(title, height, {"role": "group" if link else "img", "aria-label": title})
    if len(bars.series) > 1:
        _draw_legend(svg, bars.series)
    for number, (category, values) in enumerate(bars.categories):
        group = add(svg, "a", {"href": link(category)}) if link else svg
        _draw_category(group, top + number * block, category, values, bars.series, highest)
    if line:
        _draw_line(svg, line, highest, top, height)
    return tostring(svg, encoding="unicode")


def _draw_legend(svg: Element, series: Sequence[Series]) -> None:
    share = 100 / max(len(series), 4)
    for number, (_, caption) in enumerate(series):
        left = f"{number * share:g}%"
        add(svg, "rect", {"class": f"s{number}", "x": left, "y": 3, "width": 12, "height": 12})
        add(svg, "text", {"x": left, "dx": 17, "y": 14}, text=caption)


def _draw_category(
    svg: Element,
    top: int,
    category: str,
    values: Sequence[float],
    series: Sequence[Series],
    highest: float,
) -> None:
    add(svg, "text", {"class": "category", "x": 0, "y": top + 14}, text=category)
    for number, value in enumerate(values):
        y, width = top + LABEL + number * (BAR + GAP), _width_of(value, highest)
        box: dict[str, str | int] = {"x": 0, "y": y, "width": width, "height": BAR}
        title = f"{category}, {series[number][1]}: {format_number(value)}"
        add(svg, "rect", {"class": f"s{number}", **box}, title=title)
        label: dict[str, str | int] = {"class": "value", "x": width, "dx": 5, "y": y + BAR - 4}
        add(svg, "text", label, text=format_number(value))


def _draw_line(
    svg: Element, line: tuple[str, float], highest: float, top: int, height: int
) -> None:
    caption, value = line
    x = _width_of(value, highest)
    add(svg, "line", {"class": "line", "x1": x, "x2": x, "y1": top - 4, "y2": height})
    # Its name stands in the legend: beside the line it would not fit on a phone.
    y = top - LEGEND + 9
    add(svg, "line", {"class": "line", "x1": 0, "x2": 12, "y1": y, "y2": y})
    label = f"{caption}: {format_number(value)}"
    add(svg, "text", {"class": "line-label", "x": 0, "dx": 17, "y": y + 5}, text=label)


def _width_of(value: float, highest: float) -> str:
    return f"{max(value, 0.0) / highest * WIDEST:.4g}%"
