"""Reading the forms of accounts as people type them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from decimal import Decimal
from typing import Any

from django.http import HttpRequest

from apps.accounts.models import Account
from apps.accounts.selectors import accounts_visible_to
from apps.core.errors import InvalidRequest
from apps.core.money import Money
from apps.core.query_forms import day_typed
from apps.core.text import ungrouped


def text_read(request: HttpRequest, name: str) -> str:
    """A field as it was sent, without spaces around it."""
    return request.POST.get(name, "").replace("\x00", "").strip()


def number_read(request: HttpRequest, name: str) -> int:
    """A whole number. Raises InvalidRequest."""
    raw = text_read(request, name)
    if not (raw.isascii() and raw.isdigit() and len(raw) < 10):
        raise InvalidRequest(f"{name.capitalize()}: a whole number.", pointer=f"/{name}")
    return int(raw)


def version_read(request: HttpRequest) -> int:
    """The version that the page was drawn from. Raises InvalidRequest."""
    return number_read(request, "version")


def amount_read(request: HttpRequest, name: str, currency: str) -> int:
    """An amount above zero in minor units, with or without separators. Raises InvalidAmount."""
    return Money.parse(ungrouped(text_read(request, name)), currency, positive=True).minor


def percent_read(request: HttpRequest, name: str) -> Decimal:
    """A percentage as a fraction; nothing is zero. Raises InvalidRequest."""
    try:
        value = Decimal(text_read(request, name).replace("%", "").strip() or "0") / 100
    except ArithmeticError as error:
        raise InvalidRequest(f"{name.capitalize()}: not a percentage.", pointer=f"/{name}") from error
    if not value.is_finite() or not 0 <= value <= 1 or value != round(value, 6):
        raise InvalidRequest(f"{name.capitalize()}: from 0 to 100 %, to four decimals.", pointer=f"/{name}")
    return value


def day_read(request: HttpRequest, name: str, default: dt.date | None = None) -> dt.date:
    """A date; `default` where nothing was typed. Raises InvalidRequest."""
    raw = text_read(request, name)
    if not raw and default is not None:
        return default
    try:
        return day_typed(raw)
    except ValueError as error:
        raise InvalidRequest(f"{name.capitalize()}: not a date.", pointer=f"/{name}") from error


def choice_read(request: HttpRequest, name: str, choices: Collection[Any]) -> str:
    """One of the choices. Raises InvalidRequest."""
    raw = text_read(request, name)
    if raw not in choices:
        raise InvalidRequest("Choose from the list.", pointer=f"/{name}")
    return raw


def account_read(request: HttpRequest, name: str) -> Account:
    """An account in reach by its number, spaces and all. Raises InvalidRequest."""
    user: Any = request.user
    number = text_read(request, name).replace(" ", "").upper()
    found = accounts_visible_to(user).filter(number=number).first()
    if found is None:
        raise InvalidRequest("There is no such account.", pointer=f"/{name}")
    return found
