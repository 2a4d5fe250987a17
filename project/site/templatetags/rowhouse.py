"""Template filters: numbers, points in time, links to open rejections."""

from datetime import UTC, datetime
from urllib.parse import urlencode

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from reports.charts.svg import format_number
from reports.engine.definition import Definition

register = template.Library()


@register.filter
def number(value: float | str | None) -> str:
    """Return 1234567 as 1 234 567; a dash for None, and for "", which Django gives where it is."""
    return "–" if value is None or isinstance(value, str) else format_number(value)


@register.filter
def moment(value: datetime | str | None) -> SafeString | str:
    """Return a <time> in UTC; the page's script turns it into an age.

    Django gives "" where the value of which this is an attribute is None.
    """
    if not isinstance(value, datetime):
        return "never"
    shown = value.astimezone(UTC)
    return format_html(
        '<time datetime="{}">{} UTC</time>', shown.isoformat(), shown.strftime("%Y-%m-%d %H:%M")
    )


@register.filter
def desk(definition: Definition) -> str:
    """Return the address of the open rejections of a report's only source, or of all tables."""
    sources = definition.header.sources
    table = {"table": sources[0]} if len(sources) == 1 else {}
    return f"/rejections/?{urlencode({'state': 'open', **table})}"
