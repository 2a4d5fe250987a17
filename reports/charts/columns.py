"""A chart of a number over time: columns, drawn as SVG on the server like bars."""

from collections.abc import Sequence
from xml.etree.ElementTree import SubElement, tostring

from reports.charts.bars import format_number, start_chart

TOP = 20  # pixels for the highest value
HEIGHT = 96  # of the highest column
BOTTOM = 20  # for the times
LEAST = 2  # a column that is not zero can be seen

LABELLED = 6  # every so many columns have their time below
FILLED = 0.8  # of a column's place

Column = tuple[str, float]  # when, and how many


def draw_columns(columns: Sequence[Column], *, title: str, series: int) -> str:
    """Return the chart as an <svg> element; `series` chooses the colour."""
    svg = start_chart(title, TOP + HEIGHT + BOTTOM)
    highest = max((value for _, value in columns), default=0.0)
    share = 100 / max(len(columns), 1)
    for place, (label, value) in enumerate(columns):
        left = f"{place * share:.4g}%"
        height = max(value / highest * HEIGHT, LEAST) if value > 0 else 0
        size = {"width": f"{share * FILLED:.4g}%", "height": f"{height:.4g}"}
        y = f"{TOP + HEIGHT - height:.4g}"
        bar = SubElement(svg, "rect", {"class": f"s{series}", "x": left, "y": y, **size})
        SubElement(bar, "title").text = f"{label}: {format_number(value)}"
        if place % LABELLED == 0:
            at = {"class": "value", "x": left, "y": str(TOP + HEIGHT + BOTTOM - 4)}
            SubElement(svg, "text", at).text = label
    base = str(TOP + HEIGHT)
    SubElement(svg, "line", {"class": "axis", "x1": "0", "x2": "100%", "y1": base, "y2": base})
    most = {"class": "value", "x": "0", "y": str(TOP - 6)}
    SubElement(svg, "text", most).text = f"at most {format_number(highest)}"
    return tostring(svg, encoding="unicode")
