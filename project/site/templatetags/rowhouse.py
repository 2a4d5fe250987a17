"""Filters of the pages: numbers and moments as people read them."""

from datetime import UTC, datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from reports.chart import format_number

register = template.Library()


@register.filter
def number(value: float | None) -> str:
    """Return 1234567 as 1 234 567, None as a dash."""
    return "–" if value is None else format_number(value)


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
