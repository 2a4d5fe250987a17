"""What the charts share: elements of SVG, and values of rows as numbers and labels."""

from collections.abc import Mapping
from decimal import Decimal
from xml.etree.ElementTree import Element, SubElement

LEGEND = 26  # height in pixels of a line of the legend

Row = Mapping[str, object]
Series = tuple[str, str]  # a column and its caption
Attributes = Mapping[str, str | int]


def start_chart(title: str, height: int, attributes: Mapping[str, str]) -> Element:
    """Return an empty chart of the full width."""
    svg = Element("svg", {"class": "chart", "width": "100%", "height": str(height), **attributes})
    add(svg, "title", text=title)
    return svg


def add(
    parent: Element,
    tag: str,
    attributes: Attributes | None = None,
    *,
    text: str | None = None,
    title: str | None = None,
) -> Element:
    """Add an element; browsers show `title` where the pointer is on it."""
    element = SubElement(parent, tag, {name: str(v) for name, v in (attributes or {}).items()})
    element.text = text
    if title is not None:
        add(element, "title", text=title)
    return element


def add_rule(parent: Element, style: str, y: str | int) -> None:
    """Add a horizontal line across the whole chart."""
    add(parent, "line", {"class": style, "x1": 0, "x2": "100%", "y1": y, "y2": y})


def percent(share: float) -> str:
    """Return a share of the width as SVG writes it."""
    return f"{share * 100:.4g}%"


def format_number(value: float) -> str:
    """Return a number as people read it: 1 234 567.8, without a fraction that is zero."""
    return f"{value:,.2f}".rstrip("0").rstrip(".").replace(",", "\u202f")


def as_number(value: object) -> float:
    """Return a value of a row as a number, 0 for what is none."""
    return float(value) if isinstance(value, int | float | Decimal) else 0.0


def as_text(value: object) -> str:
    """Return a value of a row as a label."""
    return "–" if value is None else str(value)
