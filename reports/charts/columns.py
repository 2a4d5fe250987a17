"""A chart of a number over time: columns, drawn as SVG on the server like bars."""

from collections.abc import Sequence
from xml.etree.ElementTree import tostring

from reports.charts.svg import add, add_rule, format_number, start_chart

TOP = 20  # pixels for the highest value
HEIGHT = 96  # of the highest column
BOTTOM = 20  # for the times
LEAST = 2  # a column that is not zero can be seen

LABELLED = 6  # every so many columns have their time below
FILLED = 0.8  # of a column's share of the width

Column = tuple[str, float]  # when, and how many


def draw_columns(columns: Sequence[Column], *, title: str, series: int) -> str:
    """Return the chart as an <svg> element; `series` chooses the colour."""
    svg = start_chart(title, TOP + HEIGHT + BOTTOM, {"role": "img", "aria-label": title})
    highest = max((value for _, value in columns), default=0.0)
    share = 100 / max(len(columns), 1)
    for number, (label, value) in enumerate(columns):
        left = f"{number * share:.4g}%"
        height = max(value / highest * HEIGHT, LEAST) if value > 0 else 0
        size = {"width": f"{share * FILLED:.4g}%", "height": f"{height:.4g}"}
        bar = {"class": f"s{series}", "x": left, "y": f"{TOP + HEIGHT - height:.4g}", **size}
        add(svg, "rect", bar, title=f"{label}: {format_number(value)}")
        if number % LABELLED == 0:
            y = TOP + HEIGHT + BOTTOM - 4
            add(svg, "text", {"class": "value", "x": left, "y": y}, text=label)
    add_rule(svg, "axis", TOP + HEIGHT)
    most = f"at most {format_number(highest)}"
    add(svg, "text", {"class": "value", "x": 0, "y": TOP - 6}, text=most)
    return tostring(svg, encoding="unicode")
