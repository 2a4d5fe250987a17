"""The chart of figures over time: lines, drawn as SVG on the server.

Horizontal positions are in percent of the width and heights in pixels, as in bars. The lines
themselves are in a nested <svg> that is stretched to the width; strokes keep their thickness.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, tostring

from reports.charts.svg import (
    LEGEND,
    Row,
    Series,
    add,
    add_rule,
    as_number,
    as_text,
    format_number,
    percent,
    start_chart,
)

HEIGHT = 260  # between the lowest and the highest grid line
HEAD = 20  # above the highest one, for its label
FOOT = 24  # below the lowest one, for the labels of the time
UNITS = 1000  # width of the nested <svg>
STEPS = 5  # grid lines, about
MARGIN = 0.015  # of the width left and right of the points
MAX_LINES = 6
LEGEND_COLUMNS = 3


@dataclass(frozen=True)
class Line:
    """One line: its caption, and its value for each category that has one."""

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
                name, point = as_text(row[by]) if by else caption, as_text(row[category])
                points = found.setdefault(name, {})
                points[point] = points.get(point, 0.0) + as_number(row[column])
                weights[name] = weights.get(name, 0.0) + (as_number(row[weight]) if weight else 1)
        heaviest = sorted(found, key=lambda name: -weights[name])[:MAX_LINES]
        self.lines = [Line(name, found[name]) for name in sorted(heaviest)]
        self.left_out = len(found) - len(heaviest)
        self.positions = _spread(dict.fromkeys(name for line in self.lines for name in line.points))


def draw_lines(lines: Lines, *, title: str) -> str:
    """Return the chart as an <svg> element."""
    values = [value for line in lines.lines for value in line.points.values()]
    ticks = _choose_ticks(min(values, default=0.0), max(values, default=0.0))
    rows = -(-len(lines.lines) // LEGEND_COLUMNS) + (lines.left_out > 0)
    top = rows * LEGEND + HEAD
    svg = start_chart(title, top + HEIGHT + FOOT, {"role": "img"})
    add(svg, "desc", text="; ".join(_describe(line, lines.positions) for line in lines.lines))
    _draw_legend(svg, lines)
    _draw_grid(svg, ticks, top)
    _draw_labels(svg, lines.positions, top + HEIGHT + FOOT - 6)
    frame: dict[str, str | int] = {"x": 0, "y": top, "width": "100%", "height": HEIGHT}
    stretch = {"viewBox": f"0 0 {UNITS} {HEIGHT}", "preserveAspectRatio": "none"}
    inner = add(svg, "svg", frame | {"class": "lines"} | stretch)
    for number, line in enumerate(lines.lines):
        _draw_line(svg, inner, number, line, lines.positions, ticks, top)
    return tostring(svg, encoding="unicode")


def _draw_legend(svg: Element, lines: Lines) -> None:
    for number, line in enumerate(lines.lines):
        row, column = divmod(number, LEGEND_COLUMNS)
        left, y = f"{column * 100 / LEGEND_COLUMNS:.4g}%", row * LEGEND + 12
        # A line can begin at a share of the width, but not end a few pixels further.
        sample = add(svg, "svg", {"x": left, "y": 0, "class": "lines"})
        add(sample, "line", {"class": f"trend t{number}", "x1": 0, "x2": 26, "y1": y, "y2": y})
        add(svg, "text", {"x": left, "dx": 33, "y": y + 5}, text=line.caption)
    if lines.left_out:
        y = -(-len(lines.lines) // LEGEND_COLUMNS) * LEGEND + 17
        note = f"{lines.left_out} more in the table"
        add(svg, "text", {"class": "value", "x": 0, "y": y}, text=note)


def _draw_grid(svg: Element, ticks: Sequence[float], top: int) -> None:
    for tick in ticks:
        y = f"{top + _height_of(tick, ticks):.1f}"
        add_rule(svg, "grid", y)
        add(svg, "text", {"class": "value", "x": 0, "y": y, "dy": -4}, text=format_number(tick))


def _draw_labels(svg: Element, positions: Mapping[str, float], y: int) -> None:
    """Name the first and the last category, and the one nearest to the middle."""
    if not positions:
        return
    names = sorted(positions, key=lambda name: positions[name])
    middle = min(names, key=lambda name: abs(positions[name] - 0.5))
    for name, anchor in {middle: "middle", names[0]: "start", names[-1]: "end"}.items():
        label = {"class": "value", "x": percent(positions[name]), "y": str(y)}
        add(svg, "text", label | {"text-anchor": anchor}, text=_short(name))


def _draw_line(
    svg: Element,
    inner: Element,
    number: int,
    line: Line,
    positions: Mapping[str, float],
    ticks: Sequence[float],
    top: int,
) -> None:
    points = [
        (name, line.points[name], _height_of(line.points[name], ticks))
        for name in sorted(line.points, key=lambda name: positions[name])
    ]
    corners = " ".join(f"{positions[name] * UNITS:.1f},{height:.1f}" for name, _, height in points)
    stroke = {"class": f"trend t{number}", "vector-effect": "non-scaling-stroke"}
    add(inner, "polyline", {**stroke, "points": corners})
    for name, value, height in points:
        centre = {"cx": percent(positions[name]), "cy": f"{top + height:.1f}"}
        title = f"{line.caption}, {_short(name)}: {format_number(value)}"
        add(svg, "circle", {"class": f"s{number}", **centre, "r": 3}, title=title)


def _describe(line: Line, positions: Mapping[str, float]) -> str:
    first = min(line.points, key=lambda name: positions[name])
    last = max(line.points, key=lambda name: positions[name])
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
    """Return categories' positions, from 0 to 1: by their time or number, or else evenly."""
    given = list(names)
    found = [_measure(name) for name in given]
    known = [measure for measure in found if measure is not None]
    measures = known if len(known) == len(given) else [float(n) for n in range(len(given))]
    low, high = min(measures, default=0.0), max(measures, default=0.0)
    within = 1 - 2 * MARGIN
    return {
        name: MARGIN + within * ((measure - low) / (high - low) if high > low else 0.5)
        for name, measure in zip(given, measures, strict=True)
    }


def _measure(name: str) -> float | None:
    """Return a time in seconds, or a number as it is; None for any other text."""
    with suppress(ValueError):
        number = float(name)
        return number if math.isfinite(number) else None
    try:
        time = datetime.fromisoformat(name)
    except ValueError:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _short(name: str) -> str:
    """Return a category's name without a time of day that is midnight."""
    return name.partition("T00:00:00")[0]
