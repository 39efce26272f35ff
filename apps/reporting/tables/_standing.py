"""Dates of standing instructions as money to come and to go: their rules are worked out, SQL cannot."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import cache
from itertools import takewhile
from uuid import UUID

from django.db.models import F

from apps.payments.models import StandingInstruction
from apps.payments.standing_dates import bank_days, dates_of

Flow = tuple[dt.date, str, int, UUID, UUID]
"""A day, a currency, minor units, the branch that they leave and the one that they reach."""


def standing_flows(*, after: dt.date, until: dt.date) -> Iterator[Flow]:
    """What fixed standing instructions move from one branch's accounts to another's, `after` excluded.

    Within a branch nothing changes hands as far as its liquidity goes; sweeps and shares of balances are not known
    before their day.
    """
    calendars = cache(lambda branch_id: bank_days(branch_id=branch_id))
    rows = StandingInstruction.objects.filter(
        status=StandingInstruction.Status.ACTIVE, kind=StandingInstruction.Kind.FIXED, next_on__lte=until
    ).exclude(source__branch=F("destination__branch"))
    for one in rows.select_related("source", "destination").iterator():
        dates = takewhile(lambda date: date.date <= until, dates_of(one, calendars(one.source.branch_id)))
        for date in dates:
            if date.date > after and (one.next_nominal is None or date.nominal >= one.next_nominal):
                yield date.date, one.currency, one.amount or 0, one.source.branch_id, one.destination.branch_id
