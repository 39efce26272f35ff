"""Many payments at once: a payroll file, a meeting. Each is what `act_carry_out` would do; the statements are shared.

Loans are taken in packs: planned before the lock, carried out under it in one transaction where nothing has changed in
between. What cannot go with the others (the loan moved on, the books refuse one of the pack) is done alone after it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import IntegrityError, OperationalError
from django.db.models import Count, Max

from apps.audit.services import record_many
from apps.balances.services import Book, in_database
from apps.core.errors import DomainError
from apps.core.trace import trace_id
from apps.ledger.selectors import business_date_current
from apps.lending import locks
from apps.lending.models import LoanEvent, LoanStanding
from apps.lending.selectors import loan_facts, servicings_of
from apps.lending.services._acts import Act, act_carry_out, act_plan
from apps.lending.services._asked import Asked
from apps.lending.services._carry import event_of, posting_of, trail_of
from apps.lending.services._plans import Plan, standing_stamp
from apps.lending.services._store import positions_store

if TYPE_CHECKING:
    from apps.identity.models import User

PACK_ACCOUNTS = 480
"""Ledger accounts that one transaction locks; the door takes 500."""
READ_SIZE = 500
"""Loans that are read at once."""


@dataclass(frozen=True, slots=True)
class Line:
    """An act on a loan, under a key of its own. All lines of a call are of one user."""

    asked: Asked
    loan_id: UUID
    act: Act


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a line: the event, or why not. `replayed`: it was done before under the same key."""

    event_id: UUID | None = None
    error: DomainError | None = None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class _Ready:
    """A line with its plan, and its place in the call."""

    place: int
    line: Line
    plan: Plan


def acts_carry_out(*, lines: Sequence[Line], user: User | None, at: dt.datetime) -> list[Result]:
    """Do many acts, each once under its key; a refusal is the result of its line. Results in the order of the lines.

    Lines of the same loan are done in their order. Cash goes through the till line by line.
    """
    results: list[Result | None] = [None] * len(lines)
    for places in _rounds(lines):
        for start in range(0, len(places), READ_SIZE):
            some = places[start : start + READ_SIZE]
            for pack in _packs(_planned(some, lines, user)):
                for place, event_id in _pack_carry_out(pack, user, at).items():
                    results[place] = Result(event_id)
            for place in some:
                results[place] = results[place] or _one(lines[place], at)
    return [one for one in results if one is not None]


def _one(line: Line, at: dt.datetime) -> Result:
    try:
        done = act_carry_out(asked=line.asked, loan_id=line.loan_id, act=line.act, at=at)
    except DomainError as error:
        return Result(error=error)
    return Result(done.event.pk, replayed=done.replayed)


def _rounds(lines: Sequence[Line]) -> list[list[int]]:
    """Places of lines, no loan twice in a round: the first line of each loan, then the second, and so on."""
    rounds: list[list[int]] = []
    seen: dict[UUID, int] = {}
    for place, line in enumerate(lines):
        number = seen[line.loan_id] = seen.get(line.loan_id, -1) + 1
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(place)
    return rounds


def _planned(places: Sequence[int], lines: Sequence[Line], user: User | None) -> Iterator[_Ready]:
    """The lines that may go together, with their plans by the loans as they are now."""
    known = _known(lines[place] for place in places)
    servicings = servicings_of([lines[place].loan_id for place in places])
    today = business_date_current()
    for place in places:
        line = lines[place]
        servicing = servicings.get(line.loan_id)
        if servicing is None or line.asked.transaction_id in known:
            continue
        try:
            plan = act_plan(servicing=servicing, today=today, user=user, act=line.act)
        except DomainError:
            continue
        if plan.event is not None and plan.event.till is None:
            yield _Ready(place, line, plan)


def _known(lines: Iterable[Line]) -> set[UUID]:
    """The ids of what was done already."""
    ids = [line.asked.transaction_id for line in lines]
    return set(LoanEvent.objects.filter(transaction_id__in=ids).values_list("transaction_id", flat=True))


def _packs(ready: Iterable[_Ready]) -> Iterator[list[_Ready]]:
    """Lines in the given order, in packs that one transaction may lock."""
    pack: list[_Ready] = []
    held: set[int] = set()
    for one in ready:
        if pack and len(held | one.plan.account_ids) > PACK_ACCOUNTS:
            yield pack
            pack, held = [], set()
        pack.append(one)
        held |= one.plan.account_ids
    if pack:
        yield pack


def _pack_carry_out(pack: Sequence[_Ready], user: User | None, at: dt.datetime) -> dict[int, UUID]:
    """Do what of a pack is still as it was planned; the new events by place. A refusal undoes the pack: none then."""
    accounts = set().union(*(one.plan.account_ids for one in pack))
    try:
        with in_database(accounts, actor_id=user.pk if user else None, correlation_id=trace_id()) as book:
            locks.loans_lock(ids=[one.line.loan_id for one in pack])
            known, stamps = _known(one.line for one in pack), _stamps([one.line.loan_id for one in pack])
            same = [
                one for one in pack
                if one.line.asked.transaction_id not in known and stamps.get(one.line.loan_id) == one.plan.stamp
            ]  # fmt: skip
            return _done(same, book, user, at) if same else {}
    except (DomainError, IntegrityError, OperationalError):
        return {}


def _stamps(ids: Sequence[UUID]) -> dict[UUID, tuple[Any, ...]]:
    """What plans depend on, as `stamp_of` says it, of the loans as they are under the lock."""
    counts = dict(
        LoanEvent.objects.filter(loan__in=ids, reversed_at__isnull=True)
        .order_by()
        .values_list("loan")
        .annotate(number=Count("pk"))
    )
    today = business_date_current()
    standings = LoanStanding.objects.select_related("loan").filter(loan__in=ids)
    return {one.loan_id: standing_stamp(one.loan, one, counts.get(one.loan_id, 0), today) for one in standings}


def _done(same: Sequence[_Ready], book: Book, user: User | None, at: dt.datetime) -> dict[int, UUID]:
    """Entries, events, schedules, standings and trail of the lines, each kind in few statements."""
    postings = [(one, posting_of(one.line.asked, one.plan)) for one in same]
    outcomes = book.post(*(posting for _, posting in postings if posting is not None))
    journals = {outcome_of.place: outcome.journal_id for (outcome_of, _), outcome in zip(
        [pair for pair in postings if pair[1] is not None], outcomes, strict=True
    )}  # fmt: skip
    ids = [one.line.loan_id for one in same]
    last = dict(LoanEvent.objects.filter(loan__in=ids).order_by().values_list("loan").annotate(last=Max("sequence")))
    events = [
        event_of(
            one.line.asked, one.plan, sequence=last.get(one.line.loan_id, 0) + 1, journal_id=journals.get(one.place)
        )
        for one in same
    ]
    LoanEvent.objects.bulk_create(events)
    before = [loan_facts(one.plan.servicing.loan) for one in same]
    positions_store([(one.plan, event) for one, event in zip(same, events, strict=True)], acting_user=user)
    record_many(
        [
            {**trail_of(one.plan, event, facts), "acting_user": user, "at": at}
            for one, event, facts in zip(same, events, before, strict=True)
        ]
    )
    return {one.place: event.pk for one, event in zip(same, events, strict=True)}
