"""Filters of the staff site's pages: one way to show amounts, days, moments and states."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import template
from django.http import QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core import display

register = template.Library()


@register.filter
def money(minor: int | None, currency: str) -> str:
    """Minor units as 1,250.00."""
    return display.money_text(minor, currency)


@register.filter
def money_with(minor: int | None, currency: str) -> str:
    """Minor units as KES 1,250.00."""
    return display.money_text(minor, currency, with_currency=True)


@register.filter
def money_unless_zero(minor: int | None, currency: str) -> str:
    """Minor units, or nothing for zero: debit and credit columns stay readable."""
    return display.money_text(minor, currency) if minor else ""


@register.filter
def count(value: int) -> str:
    """A whole number with separators."""
    return display.count_text(value)


@register.filter
def day(value: dt.date | None) -> str:
    """21 Nov 2026."""
    return display.day_text(value)


@register.filter
def moment(value: dt.datetime | None) -> str:
    """21 Nov 2026 09:05:30 UTC. A dash for what is not there, an attribute of nothing among it, which comes as ""."""
    return display.moment_text(value or None)


@register.filter
def every(seconds: int) -> str:
    """How often: 30 s, 15 min, 1 d."""
    return display.every_text(seconds)


@register.filter
def words(value: str) -> str:
    """A code in words."""
    return display.kind_text(value)


@register.simple_tag
def chip(text: object, kind: str = "plain") -> SafeString:
    """A small coloured label."""
    return display.chip(text, kind)


@register.simple_tag
def icon(name: str) -> SafeString:
    """A symbol of the font that Unfold ships; decoration only, hidden from screen readers."""
    return format_html('<span class="material-symbols-outlined" aria-hidden="true">{}</span>', name)


@register.simple_tag(takes_context=True)
def query(context: dict[str, Any], **changes: object) -> str:
    """The page's query string with some parameters changed; None takes one out."""
    params: QueryDict = context["request"].GET.copy()
    for name, value in changes.items():
        if value is None:
            params.pop(name, None)
        else:
            params[name] = str(value)
    return f"?{params.urlencode()}"


@register.filter(is_safe=True)
def main_landmark(page: str) -> str:
    """Unfold's frame with its main part named as such, so that screen readers can jump to it."""
    return page.replace('<div id="main" ', '<div id="main" role="main" ', 1)
