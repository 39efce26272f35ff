"""Reading the forms of the counter: amounts, notes and coins, as people type them."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from apps.core.errors import InvalidRequest
from apps.core.money import Money
from apps.core.text import text_clean, ungrouped
from apps.payments.denominations import PIECES_MAX, pieces_of

PIECE = "piece_"


def text_read(request: HttpRequest, name: str, *, max_length: int = 100, identifier: bool = False) -> str:
    """A field of the form as text is kept; empty when it was not sent. Raises InvalidText."""
    return text_clean(request.POST.get(name, "").strip(), max_length=max_length, identifier=identifier)


def amount_read(request: HttpRequest, currency: str, name: str = "amount") -> Money:
    """An amount above zero, with or without separators. Raises InvalidAmount."""
    raw = ungrouped(request.POST.get(name, ""))
    return Money.parse(raw, currency, positive=True)


def count_read(request: HttpRequest, currency: str) -> dict[str, int]:
    """The notes and coins of the form. Raises InvalidRequest for what is no number of pieces."""
    count = {}
    for value in pieces_of(currency):
        raw = request.POST.get(f"{PIECE}{value}", "").strip()
        if not raw:
            continue
        if not (raw.isascii() and raw.isdigit() and len(raw) < 7 and int(raw) <= PIECES_MAX):
            raise InvalidRequest(f"{Money(value, currency)}: a number of pieces.")
        if int(raw):
            count[str(value)] = int(raw)
    return count


def version_read(request: HttpRequest) -> int:
    """The version that the page was drawn from. Raises InvalidRequest."""
    raw = request.POST.get("version", "")
    if not (raw.isascii() and raw.isdigit() and len(raw) < 10):
        raise InvalidRequest("The form has no version.")
    return int(raw)


def pieces_shown(currency: str, sent: Any = None) -> list[dict[str, Any]]:
    """The fields of a count, with what was sent in them."""
    return [
        {"name": f"{PIECE}{value}", "minor": value, "sent": (sent or {}).get(f"{PIECE}{value}", "")}
        for value in pieces_of(currency)
    ]
