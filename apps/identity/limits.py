"""Limits as they are in force, read from PostgreSQL and kept for some seconds in each process."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from apps.core.cache_stats import CacheStats
from apps.core.currencies import currency_get
from apps.core.errors import ValidationFailed
from apps.identity.models import AmountLimit, RateLimit

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AmountRule:
    """What one role may move at once, in minor units; None where there is no limit."""

    amount_max: int | None
    step_up_above: int | None


@dataclass(frozen=True, slots=True)
class RateRule:
    """A token bucket: `rate` tokens a second, `burst` at most. `name` is how answers call it."""

    name: str
    requests: int
    per_seconds: int
    burst: int

    @property
    def rate(self) -> float:
        return self.requests / self.per_seconds


_AMOUNT = re.compile(r"([0-9]{1,13})(?:\.([0-9]{1,4}))?")


def amount_read(text: str, *, currency: str, pointer: str) -> int:
    """A limit as people write it ("100000.00") in minor units. Raises InvalidCurrency, ValidationFailed at `pointer`.

    Identity knows no money: a limit is a number of a currency that is compared, and never moves.
    """
    exponent = currency_get(currency).exponent
    found = _AMOUNT.fullmatch(text)
    whole, part = (found[1], found[2] or "") if found else ("", "")
    if not found or len(part) > exponent:
        detail = f"Must be a number such as 100000 with at most {exponent} decimals."
        raise ValidationFailed([{"pointer": pointer, "code": "invalid-amount", "detail": detail}])
    return int(whole) * 10**exponent + int(part.ljust(exponent, "0") or 0)


def amount_plain(minor: int | None, *, currency: str) -> str | None:
    """A limit as programs read it: "100000.00"; None where there is none."""
    if minor is None:
        return None
    exponent = currency_get(currency).exponent
    digits = f"{minor:0{exponent + 1}d}"
    return f"{digits[:-exponent]}.{digits[-exponent:]}" if exponent else digits


class _Kept(Generic[T]):
    """A value that is read again after some seconds, by one thread while the others use the old one."""

    def __init__(self, name: str, load: Callable[[datetime], T]) -> None:
        self.stats = CacheStats(name)
        self._load = load
        self._lock = threading.Lock()
        self._value: T | None = None
        self._until = 0.0

    def get(self, at: datetime) -> T:
        value = self._value
        if value is not None and time.monotonic() < self._until:
            self.stats.hits += 1
            return value
        self.stats.misses += 1
        with self._lock:
            if self._value is None or time.monotonic() >= self._until:
                self._value = self._load(at)
                self._until = time.monotonic() + settings.NUMINA.get("LIMITS_CACHE_SECONDS", 10)
            return self._value

    def forget(self) -> None:
        self._until = 0.0


def _in_force(at: datetime) -> Q:
    return Q(starts_at__lte=at) & (Q(ends_at=None) | Q(ends_at__gt=at))


def _amounts_load(at: datetime) -> Mapping[tuple[str, str, str], AmountRule]:
    rows = AmountLimit.objects.filter(_in_force(at)).select_related("role").order_by("starts_at")
    # Of two in force the one that began later counts.
    return {
        (row.role.code, row.permission, row.currency): AmountRule(row.amount_max, row.step_up_above) for row in rows
    }


class _Rates:
    """Rules in force by (operation, role code, plan), and which of them fit whom, once it was asked."""

    def __init__(self, rules: Mapping[tuple[str, str, str], RateRule]) -> None:
        self._rules = rules
        self._found: dict[tuple[str, tuple[str, ...], str, bool], RateRule | None] = {}

    def find(self, operation: str, roles: tuple[str, ...], plan: str, named_only: bool) -> RateRule | None:
        asked = (operation, roles, plan, named_only)
        if asked not in self._found:  # at most operations times sets of roles times plans
            self._found[asked] = self._search(*asked)
        return self._found[asked]

    def _search(self, operation: str, roles: tuple[str, ...], plan: str, named_only: bool) -> RateRule | None:
        codes = ("", *roles)
        for name in (operation,) if named_only else (operation, "*"):
            fitting = [
                rule
                for code in codes
                for of_plan in {plan, ""}
                if (code or of_plan) and (rule := self._rules.get((name, code, of_plan))) is not None
            ]
            if fitting:
                return max(fitting, key=lambda rule: (rule.rate, rule.burst))
            rule = self._rules.get((name, "", ""))
            if rule is not None:
                return rule
        return None


def _rates_load(at: datetime) -> _Rates:
    rows = RateLimit.objects.filter(_in_force(at)).select_related("role").order_by("starts_at")
    return _Rates(
        {
            (row.operation, row.role.code if row.role else "", row.plan): RateRule(
                row.operation if row.operation != "*" else "default", row.requests, row.per_seconds, row.burst
            )
            for row in rows
        }
    )


_amounts = _Kept("limits by amount", _amounts_load)
_rates = _Kept("rate limits", _rates_load)


def amount_rules(at: datetime) -> Mapping[tuple[str, str, str], AmountRule]:
    """Rules in force by (role code, permission, currency)."""
    return _amounts.get(at) if settings.NUMINA["LIMITS"] else {}


def rate_rule(
    operation: str, roles: Iterable[str], plan: str, *, at: datetime, named_only: bool = False
) -> RateRule | None:
    """The rule for one operation asked for by holders of `roles` on `plan`; None when nothing limits it.

    Rules that name the operation come before those for all (`named_only`: those for all are left out). Of the rules
    for a role or plan that fit, the one that lets through most; the rule for everybody where none fits.
    """
    if not settings.NUMINA["LIMITS"]:
        return None
    return _rates.get(at).find(operation, tuple(roles), plan, named_only)


def limits_forget() -> None:
    """Read all limits anew at their next use, in this process: now, and after the running transaction commits."""
    _amounts.forget()
    _rates.forget()
    transaction.on_commit(_amounts.forget)
    transaction.on_commit(_rates.forget)


def limits_clear() -> None:
    """Read all limits anew at their next use, whatever transaction is open: for tests."""
    _amounts.forget()
    _rates.forget()
