"""Reading the query strings of the staff site's own pages: what cannot be understood is ignored and said."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from django.http import HttpRequest

from apps.core.errors import InvalidAmount
from apps.core.money import amount_parse
from apps.core.text import ungrouped

YEAR_MIN, YEAR_MAX = 1900, 2200


def day_typed(text: str) -> dt.date:
    """A date that somebody typed, of the years that the API takes too. Raises ValueError."""
    day = dt.date.fromisoformat(text)
    if not YEAR_MIN <= day.year <= YEAR_MAX:
        raise ValueError(f"the year must be from {YEAR_MIN} to {YEAR_MAX}")
    return day


@dataclass
class QueryForm:
    """The parameters of a page's filter. `faults` holds a sentence for each value that was not used."""

    request: HttpRequest
    faults: list[str] = field(default_factory=list)

    def text(self, name: str, *, characters: int = 100) -> str:
        return self.request.GET.get(name, "").replace("\x00", "").strip()[:characters]

    def day(self, name: str, label: str) -> dt.date | None:
        raw = self.text(name)
        if not raw:
            return None
        try:
            return day_typed(raw)
        except ValueError:
            self.faults.append(f"{label}: not a date such as 2026-11-21.")
            return None

    def choice(self, name: str, allowed: object) -> str:
        raw = self.text(name)
        return raw if raw in allowed else ""  # type: ignore[operator]

    def amount(self, name: str, label: str, exponent: int) -> int | None:
        raw = ungrouped(self.text(name))
        if not raw:
            return None
        try:
            return amount_parse(raw, exponent)
        except InvalidAmount as error:
            self.faults.append(f"{label}: {error.detail}")
            return None
