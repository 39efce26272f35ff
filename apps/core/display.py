"""How figures, dates and states are shown to people. Programs get the forms of the API instead."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from functools import cache
from typing import Any

from babel import Locale
from babel.numbers import format_decimal
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from apps.core.currencies import currency_get

EMPTY = "\u2013"
MINUS = "\N{MINUS SIGN}"
ACRONYMS = frozenset({"atm", "pos", "ussd"})
CHIP_KINDS = frozenset({"good", "warn", "bad", "info", "plain"})


@cache
def _locale(language: str) -> Locale:
    """Babel's locale of a language of Django, English of the United Kingdom for those that Babel does not know."""
    try:
        return Locale.parse(language, sep="-")
    except ValueError:
        return Locale.parse("en_GB")


def _decimal(value: Decimal | int, pattern: str) -> str:
    text = format_decimal(value, format=pattern, locale=_locale(get_language() or "en-gb"))
    return text.replace("-", MINUS)


def money_text(minor: int | Decimal | None, currency: str, *, with_currency: bool = False) -> str:
    """Minor units with separators and all decimals of the currency: 1,250.00; KES 1,250.00 `with_currency`."""
    if minor is None:
        return EMPTY
    exponent = currency_get(currency).exponent
    pattern = "#,##0" + ("." + "0" * exponent if exponent else "")
    text = _decimal(Decimal(minor).scaleb(-exponent), pattern)
    return f"{currency} {text}" if with_currency else text


def money_short(minor: int | Decimal, currency: str) -> str:
    """Minor units in whole units with separators, for tiles where decimals are noise: 1,250."""
    units = round(Decimal(minor).scaleb(-currency_get(currency).exponent))
    return _decimal(units, "#,##0")


def count_text(value: int) -> str:
    """A whole number with separators."""
    return _decimal(value, "#,##0")


def day_text(day: dt.date | None) -> str:
    """21 Nov 2026."""
    return f"{day.day} {day:%b %Y}" if day else EMPTY


def moment_text(moment: dt.datetime | None) -> str:
    """21 Nov 2026 09:05:30 UTC: the books keep one clock."""
    if moment is None:
        return EMPTY
    utc = moment.astimezone(dt.UTC)
    return f"{day_text(utc.date())} {utc:%H:%M:%S} UTC"


def every_text(seconds: int) -> str:
    """How often: 30 s, 15 min, 1 d, in the largest unit that it is a whole number of."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def country_text(code: str) -> str:
    """A country of ISO 3166-1 by its name: Kenya."""
    return _locale(get_language() or "en-gb").territories.get(code, code) or EMPTY


def chip(text: object, kind: str = "plain") -> SafeString:
    """A small label: kind is good, warn, bad, info or plain."""
    if kind not in CHIP_KINDS:
        raise ValueError(f"unknown kind of chip {kind!r}")
    return format_html('<span class="nm-chip nm-chip-{}">{}</span>', kind, text)


def person(user: Any, known_as: str = "") -> SafeString:
    """A user by name, the address as a hint; `known_as` (the address of the time) when the user is not at hand."""
    if user is None:
        return format_html("{}", known_as or "System")
    return format_html('<span title="{}">{}</span>', known_as or user.get_username(), user)


def kind_text(code: str) -> str:
    """A code such as cash_deposit in words: Cash deposit. A span such as 31-60 stays one."""
    words = re.sub(r"(?<!\d)-|-(?!\d)", " ", code.replace("_", " "))
    return words.upper() if words in ACRONYMS else words.capitalize()
