"""The chart of figures over time: lines, drawn as SVG on the server.

Places across are in percent of the width and heights in pixels, as in bars. The lines
themselves are in a drawing inside that is stretched to the width; strokes keep their thickness.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, tostring

from reports.charts.bars import LEGEND, Row, Series, as_number, as_text, format_number

HEIGHT = 260  # between the lowest and the highest grid line
HEAD = 20  # above the highest one, for its label
FOOT = 24  # below the lowest one, for the labels of the time
UNITS = 1000  # width of the drawing inside
STEPS = 5  # grid lines, about
MARGIN = 0.015  # of the width left and right of the points
MAX_LINES = 6
LEGEND_COLUMNS = 3


@dataclass(frozen=True)
class Line:
    """One line: its caption, and its value at each of its places."""

    caption: str
    points: Mapping[str, float]


class Lines:
    """The chart's data: a line for each value column, or for each value of the column `by`.

    Of more lines than fit, those with the greatest sum of the column `weight` are drawn, or those
    with the most points where none is named.
    """

    def __init__(
        self,
        rows: Iterable[Row],
        category: str,
        values: Sequence[Series],
        *,
        by: str | None = None,
        weight: str | None = None,
    ) -> None:
        found: dict[str, dict[str, float]] = {}
        weights: dict[str, float] = {}
        for row in rows:
            for column, caption in values:
                if row[column] is None:
                    continue
                name, place = as_text(row[by]) if by else caption, as_text(row[category])
                points = found.setdefault(name, {})
                points[place] = points.get(place, 0.0) + as_number(row[column])
                weights[name] = weights.get(name, 0.0) + (as_number(row[weight]) if weight else 1)
        heaviest = sorted(found, key=lambda name: -weights[name])[:MAX_LINES]
        self.lines = [Line(name, found[name]) for name in sorted(heaviest)]
        self.left_out = len(found) - len(heaviest)
        self.places = _spread(dict.fromkeys(place for line in self.lines for place in line.points))


def draw_lines(lines: Lines, *, title: str) -> str:
    """Return the chart as an <svg> element."""
    values = [value for line in lines.lines for value in line.points.values()]
    ticks = _choose_ticks(min(values, default=0.0), max(values, default=0.0))
    rows = -(-len(lines.lines) // LEGEND_COLUMNS) + (lines.left_out > 0)
    top = rows * LEGEND + HEAD
    height = str(top + HEIGHT + FOOT)
    svg = Element("svg", {"class": "chart", "width": "100%", "height": height, "role": "img"})
    SubElement(svg, "title").text = title
    SubElement(svg, "desc").text = "; ".join(_describe(line, lines.places) for line in lines.lines)
    _draw_legend(svg, lines)
    _draw_grid(svg, ticks, top)
    _draw_places(svg, lines.places, top + HEIGHT + FOOT - 6)
    frame = {"x": "0", "y": str(top), "width": "100%", "height": str(HEIGHT), "class": "lines"}
    stretch = {"viewBox": f"0 0 {UNITS} {HEIGHT}", "preserveAspectRatio": "none"}
    inner = SubElement(svg, "svg", frame | stretch)
    for number, line in enumerate(lines.lines):
        _draw_line(svg, inner, number, line, lines.places, ticks, top)
    return tostring(svg, encoding="unicode")


def _draw_legend(svg: Element, lines: Lines) -> None:
    for number, line in enumerate(lines.lines):
        row, column = divmod(number, LEGEND_COLUMNS)
        left, y = f"{column * 100 / LEGEND_COLUMNS:.4g}%", row * LEGEND + 12
        # A line can begin at a share of the width, but not end a few pixels further.
        sample = SubElement(svg, "svg", {"x": left, "y": "0", "class": "lines"})
        place = {"x1": "0", "x2": "26", "y1": str(y), "y2": str(y)}
        SubElement(sample, "line", {"class": f"trend t{number}", **place})
        SubElement(svg, "text", {"x": left, "dx": "33", "y": str(y + 5)}).text = line.caption
    if lines.left_out:
        y = -(-len(lines.lines) // LEGEND_COLUMNS) * LEGEND + 17
        note = SubElement(svg, "text", {"class": "value", "x": "0", "y": str(y)})
        note.text = f"{lines.left_out} more in the table"


def _draw_grid(svg: Element, ticks: Sequence[float], top: int) -> None:
    for tick in ticks:
        y = f"{top + _height_of(tick, ticks):.1f}"
        SubElement(svg, "line", {"class": "grid", "x1": "0", "x2": "100%", "y1": y, "y2": y})
        label = {"class": "value", "x": "0", "y": y, "dy": "-4"}
        SubElement(svg, "text", label).text = format_number(tick)


def _draw_places(svg: Element, places: Mapping[str, float], y: int) -> None:
    """Name the first and the last place, and the one nearest to the middle."""
    if not places:
        return
    names = sorted(places, key=lambda name: places[name])
    middle = min(names, key=lambda name: abs(places[name] - 0.5))
    anchors = {middle: "middle", names[0]: "start", names[-1]: "end"}
    for name, anchor in anchors.items():
        label = {"class": "value", "x": _percent(places[name]), "y": str(y), "text-anchor": anchor}
        SubElement(svg, "text", label).text = _short(name)


def _draw_line(
    svg: Element,
    inner: Element,
    number: int,
    line: Line,
    places: Mapping[str, float],
    ticks: Sequence[float],
    top: int,
) -> None:
    ordered = sorted(line.points, key=lambda name: places[name])
    heights = [_height_of(line.points[name], ticks) for name in ordered]
    corners = [
        f"{places[name] * UNITS:.1f},{height:.1f}"
        for name, height in zip(ordered, heights, strict=True)
    ]
    stroke = {"class": f"trend t{number}", "vector-effect": "non-scaling-stroke"}
    SubElement(inner, "polyline", {**stroke, "points": " ".join(corners)})
    for name, height in zip(ordered, heights, strict=True):
        circle = {"class": f"s{number}", "cx": _percent(places[name]), "cy": f"{top + height:.1f}"}
        point = SubElement(svg, "circle", {**circle, "r": "3"})
        text = f"{line.caption}, {_short(name)}: {format_number(line.points[name])}"
        SubElement(point, "title").text = text


def _describe(line: Line, places: Mapping[str, float]) -> str:
    first = min(line.points, key=lambda name: places[name])
    last = max(line.points, key=lambda name: places[name])
    begin, end = format_number(line.points[first]), format_number(line.points[last])
    return f"{line.caption}: from {begin} ({_short(first)}) to {end} ({_short(last)})"


def _height_of(value: float, ticks: Sequence[float]) -> float:
    """Return how many pixels below the highest grid line the value lies."""
    return (ticks[-1] - value) / (ticks[-1] - ticks[0]) * HEIGHT


def _choose_ticks(lowest: float, highest: float) -> list[float]:
    """Return the values of the grid lines: round ones, zero and every value between them."""
    lowest, highest = min(lowest, 0.0), max(highest, 0.0)
    span = (highest - lowest) or 1.0
    power = 10.0 ** math.floor(math.log10(span / STEPS))
    step = next(power * size for size in (1, 2, 5, 10) if power * size * STEPS >= span)
    first, last = math.floor(lowest / step), math.ceil(highest / step)
    return [number * step for number in range(first, max(last, first + 1) + 1)]


def _spread(names: Iterable[str]) -> dict[str, float]:
    """Return how far across each place is, from 0 to 1: by its moment or number, or in turn."""
    given = list(names)
    found = [_measure(name) for name in given]
    known = [place for place in found if place is not None]
    measures = known if len(known) == len(given) else [float(n) for n in range(len(given))]
    low, high = min(measures, default=0.0), max(measures, default=0.0)
    within = 1 - 2 * MARGIN
    return {
        name: MARGIN + within * ((place - low) / (high - low) if high > low else 0.5)
        for name, place in zip(given, measures, strict=True)
    }


def _measure(name: str) -> float | None:
    """Return a moment in seconds, or a number as it is; None for any other text."""
    try:
        number = float(name)
    except ValueError:
        pass
    else:
        return number if math.isfinite(number) else None
    try:
        moment = datetime.fromisoformat(name)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _short(name: str) -> str:
    """Return a place's name without a time of day that is midnight."""
    return name.partition("T00:00:00")[0]


def _percent(share: float) -> str:
    return f"{share * 100:.4g}%"
