"""Closing a year: income and expense into retained earnings, by entries like any other; and opening it again."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction

from apps.audit.services import record
from apps.balances.errors import AmountOutOfRange, refusal_of
from apps.balances.services import AMOUNT_MAX, Leg, Posting, internal_account_id, postings_post
from apps.core.idempotency import transaction_id_for
from apps.ledger.errors import GLAccountNotFound, GLAccountNotPostable
from apps.ledger.selectors import business_date_current
from apps.ledger.totals import CLOSING, NominalBalance, closing_entries, closing_reference, nominal_balances
from apps.reporting.errors import RetainedEarningsMissing, YearCloseBusy, YearNotClosed, YearNotOver
from apps.reporting.locks import year_lock
from apps.reporting.models import YearClose

if TYPE_CHECKING:
    from apps.identity.models import User

RETAINED_EARNINGS = "3310"
ACCOUNTS_MAX = 150
"""Income and expense accounts in one entry; a posting takes 200 legs."""

CLIENT = UUID("0b6c2f5e-6e6d-4c0b-9a53-0f9e6c7f2a31")
"""In whose name closing entries are keyed, whoever asks for them: the same entry is posted once."""


def year_close(*, acting_user: User, year: int, at: dt.datetime, correlation_id: str = "") -> YearClose:
    """Move what income and expense accounts hold at the end of a year into retained earnings, in each branch.

    What holds nothing any more is not moved again: asking twice is once, and after a late posting into the year only
    that is moved. Raises `YearNotOver`, `PeriodClosed` when the period of the year's last day is closed,
    `RetainedEarningsMissing`, `AmountOutOfRange`, and `YearCloseBusy` while somebody else closes or opens a year.
    """
    last = dt.date(year, 12, 31)
    if business_date_current() <= last:
        raise YearNotOver(f"The open business day is {business_date_current().isoformat()}.")
    # What is open and how many entries there are is one question: without the lock another one might move the result
    # between its halves, and it would be moved twice under two keys.
    with year_lock():
        postings = _closing_postings(nominal_balances(as_of=last), year, last, len(closing_entries(year=year)))
        _post(postings, acting_user, correlation_id)
        return _state_keep(acting_user=acting_user, year=year, status=YearClose.Status.CLOSED, reason="", at=at)


def year_reopen(*, acting_user: User, year: int, reason: str, at: dt.datetime, correlation_id: str = "") -> YearClose:
    """Undo the closing entries of a year by their mirror images, on its last day. Asking twice is once.

    Raises `YearNotClosed`, `PeriodClosed`, and `YearCloseBusy`.
    """
    with year_lock():
        return _reopened(acting_user, year, reason, at, correlation_id)


def _reopened(acting_user: User, year: int, reason: str, at: dt.datetime, correlation_id: str) -> YearClose:
    state = YearClose.objects.filter(year=year).first()
    if state is None:
        raise YearNotClosed(f"{year} was never closed.")
    if state.status == YearClose.Status.REOPENED:
        return state
    open_entries = [
        entry for entry in closing_entries(year=year) if entry.reverses_id is None and not entry.reversals.all()
    ]
    postings = [
        _posting(
            f"year-reopen {entry.pk}",
            tuple(Leg(line.account_id, -line.signed_amount, line.currency) for line in entry.lines.all()),
            year,
            f"Year {year} opened again",
            reverses=entry.pk,
        )
        for entry in open_entries
    ]
    _post(postings, acting_user, correlation_id)
    return _state_keep(acting_user=acting_user, year=year, status=YearClose.Status.REOPENED, reason=reason, at=at)


def _closing_postings(balances: Sequence[NominalBalance], year: int, last: dt.date, round_: int) -> list[Posting]:
    groups: dict[tuple[UUID, str, str], list[NominalBalance]] = defaultdict(list)
    for balance in balances:
        groups[balance.branch_id, balance.branch_code, balance.currency].append(balance)
    postings = []
    for (branch_id, branch_code, currency), group in groups.items():
        for place in range(0, len(group), ACCOUNTS_MAX):
            part = group[place : place + ACCOUNTS_MAX]
            legs = [
                Leg(_account(one.code, branch_id, branch_code, currency), -one.net, currency)
                for one in sorted(part, key=lambda one: -one.net)
            ]
            result = sum(one.net for one in part)
            if max(abs(amount) for amount in (result, *(one.net for one in part))) > AMOUNT_MAX:
                raise AmountOutOfRange(f"The result of {branch_code} in {currency} is beyond one entry.")
            if result:
                legs.append(Leg(_account(RETAINED_EARNINGS, branch_id, branch_code, currency), result, currency))
            key = f"year-close {year} {branch_code} {currency} {round_} {place}"
            postings.append(_posting(key, tuple(legs), year, f"Result of {year} into retained earnings"))
    return postings


def _account(code: str, branch_id: UUID, branch_code: str, currency: str) -> int:
    try:
        return internal_account_id(gl_code=code, branch_id=branch_id, branch_code=branch_code, currency=currency)
    except (GLAccountNotFound, GLAccountNotPostable) as error:
        if code != RETAINED_EARNINGS:
            raise
        raise RetainedEarningsMissing(f"The result goes to {RETAINED_EARNINGS}: {error.detail}") from error


def _posting(key: str, legs: tuple[Leg, ...], year: int, description: str, *, reverses: int | None = None) -> Posting:
    return Posting(
        transaction_id=transaction_id_for(CLIENT, key),
        client_id=str(CLIENT),
        key=key,
        fingerprint=hashlib.sha256(repr(legs).encode()).digest(),
        kind=CLOSING,
        legs=legs,
        business_date=dt.date(year, 12, 31),
        channel="back-office",
        description=description,
        reference=closing_reference(year),
        reverses=reverses,
    )


def _post(postings: Sequence[Posting], acting_user: User, correlation_id: str) -> None:
    if not postings:
        return
    result = postings_post(postings, actor_id=acting_user.pk, correlation_id=correlation_id, atomic=True)
    # All are refused when one is: the one that was meant is said, not the others that went with it.
    for outcome in sorted(result.outcomes, key=lambda outcome: outcome.code == "BATCH"):
        if outcome.code in ("REUSED", "REVERSED"):  # another one saw the same state a moment before
            raise YearCloseBusy("Try again in a moment.")
        if not outcome.ok:
            raise refusal_of(outcome.code)


@transaction.atomic
def _state_keep(*, acting_user: User, year: int, status: str, reason: str, at: dt.datetime) -> YearClose:
    """What the journal holds of a year's close, as a row that lists show; the audit trail has who did it."""
    entries = closing_entries(year=year)
    results: dict[str, int] = defaultdict(int)
    for entry in entries:
        if entry.reverses_id is None and not entry.reversals.all():
            for line in entry.lines.all():
                if line.account.gl_account.code == RETAINED_EARNINGS:
                    results[line.currency] += line.signed_amount
    before = YearClose.objects.filter(year=year).first()
    facts = {"status": status, "results": dict(results), "entry_count": len(entries), "reason": reason}
    if before is not None and before.status == status and before.entry_count == len(entries):
        return before
    state, _ = YearClose.objects.update_or_create(
        year=year,
        defaults={
            **facts,
            "changed_by": acting_user,
            "changed_at": at,
            "version": (before.version if before else 0) + 1,
        },
    )
    record(
        action="reporting.year.closed" if status == YearClose.Status.CLOSED else "reporting.year.reopened",
        acting_user=acting_user,
        target=state,
        after={**facts, "results": {code: str(minor) for code, minor in results.items()}},
        at=at,
    )
    return state
