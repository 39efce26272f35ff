"""The rules that look for unusual activity. Each reads one window of time and yields what it saw.

A rule decides nothing: somebody clears or confirms its flags. Thresholds are in NUMINA["UNUSUAL"].
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Exists, OuterRef

from apps.accounts.models import Account
from apps.audit.models import AuditEvent
from apps.core.currencies import currency_get
from apps.core.display import money_text
from apps.identity.models import Session, User
from apps.ledger.activity import Outflow, actors_between, outflows


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a rule saw of a subject."""

    rule: str
    subject_type: str
    subject_id: str
    summary: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch of time that is looked at, and the thresholds."""

    since: dt.datetime
    until: dt.datetime
    limits: dict[str, int]


Rule = Callable[[Window], Iterator[Sighting]]


def money_rules(window: Window) -> Iterator[Sighting]:
    """Velocity: many outflows of one account. Amount: one far above what is usual for it."""
    limits = window.limits
    for flow in outflows(since=window.since, until=window.until, days=limits["usual_days"]):
        if flow.count >= limits["velocity_count"]:
            yield _of_account(flow, "velocity", f"{flow.count} payments out, {_money(flow.total, flow)}")
        usual = flow.usual_count >= limits["usual_count_min"]
        least = limits["amount_min"] * 10 ** currency_get(flow.currency).exponent
        if usual and flow.largest > limits["amount_factor"] * flow.usual and flow.largest >= least:
            text = f"{_money(flow.largest, flow)} out, {_money(flow.usual, flow)} is usual"
            yield _of_account(flow, "amount", text)


def off_hours(window: Window) -> Iterator[Sighting]:
    """Staff who post while the bank is closed, by the bank's own clock."""
    zone = ZoneInfo(settings.NUMINA["TIME_ZONE"])
    seen = {actor: (count, first) for actor, count, first in actors_between(since=window.since, until=window.until)}
    staff = set(User.objects.filter(pk__in=seen, is_staff=True).values_list("pk", flat=True))
    for actor, (count, first) in seen.items():
        local = first.astimezone(zone)
        closed = local.hour < window.limits["opens_hour"] or local.hour >= window.limits["closes_hour"]
        if actor in staff and closed:
            yield Sighting("off_hours", "identity.user", str(actor), f"{count} postings, the first at {local:%H:%M}")


def new_device(window: Window) -> Iterator[Sighting]:
    """Staff who sign in on a device, or from an address where that says nothing, that they never used before."""
    earlier = Session.objects.filter(user=OuterRef("user"), created_at__lt=window.since)
    sessions = (
        Session.objects.filter(created_at__gte=window.since, created_at__lt=window.until, user__is_staff=True)
        .filter(Exists(earlier))
        .exclude(Exists(earlier.filter(device=OuterRef("device")).exclude(device="")))
        .exclude(Exists(earlier.filter(ip=OuterRef("ip"), user_agent=OuterRef("user_agent"))))
    )
    for session in sessions:
        facts = {"ip": session.ip, "user_agent": session.user_agent}
        yield Sighting("new_device", "identity.user", str(session.user_id), f"Sign-in from {session.ip}", facts)


def many_denials(window: Window) -> Iterator[Sighting]:
    """Users who are refused again and again, or whose sign-in fails again and again."""
    events = AuditEvent.objects.filter(at__gte=window.since, at__lt=window.until, kind="security")
    refused: dict[Any, int] = {}
    denials = events.filter(action="core.access.denied", actor__isnull=False).values_list("actor_id", "after")
    for actor, after in denials:
        refused[actor] = refused.get(actor, 0) + 1 + int((after or {}).get("held_back_before") or 0)
    for actor, count in refused.items():
        if count >= window.limits["denials_count"]:
            yield Sighting("denials", "identity.user", str(actor), f"{count} refused attempts")
    failed = events.filter(action="identity.login.failed").exclude(object_id="").values_list("object_id")
    for subject, count in failed.annotate(times=Count("id")).filter(times__gte=window.limits["failures_count"]):
        yield Sighting("sign_in_failures", "identity.user", subject, f"{count} failed sign-ins")


def mass_reading(window: Window) -> Iterator[Sighting]:
    """Staff who look at more records than their work explains."""
    looks = AuditEvent.objects.filter(
        at__gte=window.since, at__lt=window.until, kind="access", actor__isnull=False
    ).values_list("actor_id")
    many = looks.annotate(records=Count("object_id", distinct=True)).filter(records__gte=window.limits["reads_count"])
    for actor, count in many:
        yield Sighting("mass_reading", "identity.user", str(actor), f"{count} records looked at")


RULES: tuple[Rule, ...] = (money_rules, off_hours, new_device, many_denials, mass_reading)


def subjects_of(sightings: list[Sighting]) -> dict[str, tuple[str, Any]]:
    """Label and branch of each subject, by id."""
    ids: dict[str, list[str]] = {"identity.user": [], "accounts.account": []}
    for sighting in sightings:
        ids[sighting.subject_type].append(sighting.subject_id)
    found: dict[str, tuple[str, Any]] = {}
    for user in User.objects.filter(pk__in=ids["identity.user"]):
        label = f"{user.full_name} ({user.email})" if user.full_name else user.email
        found[str(user.pk)] = (label[:254], user.branch_id)
    accounts = Account.objects.filter(ledger_account__public_id__in=ids["accounts.account"])
    for account in accounts.select_related("member", "ledger_account"):
        label = f"{account.number} {account.member.display_name}"
        found[str(account.ledger_account.public_id)] = (label, account.branch_id)
    return found


def _of_account(flow: Outflow, rule: str, summary: str) -> Sighting:
    facts = {"number": flow.number, "count": flow.count, "total": flow.total, "largest": flow.largest}
    facts |= {"usual": flow.usual, "currency": flow.currency}
    return Sighting(rule, "accounts.account", str(flow.account_id), summary, facts)


def _money(minor: int, flow: Outflow) -> str:
    return f"{money_text(minor, flow.currency)} {flow.currency}"
