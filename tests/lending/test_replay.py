"""What holds for every loan, whatever happens to it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from apps.calculations.errors import CalculationError
from apps.calculations.loans import loan_schedule
from apps.core.errors import DomainError
from apps.lending.conventions import conventions_read
from apps.lending.servicing import Books, Happening, Loaned, Position, books_due, moves_between, replay

START = dt.date(2025, 1, 31)
CONVENTIONS = [
    {},
    {"method": "flat"},
    {"amortization": "equal_principal", "interest": "ACT/365F"},
    {"grace_principal": 2, "grace_interest": 2},
    {"instalment_rounding": {"unit": 100, "mode": "up"}, "remainder": "spread"},
    {"frequency": {"unit": "weeks", "every": 2}},
]
FEES = [{"name": "Account", "kind": "per_instalment", "base": "flat", "amount": "1.50"}]
SERVICING: list[dict[str, Any]] = [
    {},
    {"prepayment": "lower_instalment", "rest": "daily"},
    {"prepayment": "shorten_term", "order": {"due": ["interest", "principal", "fees", "penalties"]}},
    {"rebate": "rule_of_78", "closing_fee": {"share": "0.01"}},
]
KINDS: list[tuple[str, dict[str, Any]]] = [
    ("repayment", {}), ("repayment", {}), ("repayment", {"strategy": "lower_instalment"}),
    ("repayment", {"strategy": "shorten_term"}), ("charge", {"penalty": True}), ("charge", {}),
    ("waiver", {"component": "interest"}), ("rate_change", {"rate": "0.2"}), ("reschedule", {"extra_instalments": 2}),
    ("reschedule", {"first_due": "2025-11-30", "instalments": 3}), ("moratorium", {"periods": 1}), ("top_up", {}),
]  # fmt: skip


@st.composite
def lives(draw: st.DrawFn) -> tuple[Loaned, list[Happening]]:
    """A loan and what happened to it."""
    conventions = conventions_read(
        conventions=draw(st.sampled_from(CONVENTIONS)), servicing=draw(st.sampled_from(SERVICING)),
        fees=draw(st.sampled_from([[], FEES])), exponent=2,
    )  # fmt: skip
    principal = draw(st.integers(50_000, 5_000_000))
    loaned = Loaned(conventions, principal, draw(st.sampled_from([Decimal(0), Decimal("0.12"), Decimal("0.305")])), 8)
    second = draw(st.sampled_from([0, principal // 2]))
    events = [Happening(0, "disbursement", START, principal - second)]
    if second:
        day = START + dt.timedelta(days=draw(st.integers(1, 120)))
        events.append(Happening("second", "disbursement", day, second))
    for n in range(1, draw(st.integers(1, 6)) + 1):
        kind, details = draw(st.sampled_from(KINDS))
        amount = draw(st.integers(1, principal // 2))
        moves_no_money = kind in ("rate_change", "reschedule", "moratorium")
        day = START + dt.timedelta(days=draw(st.integers(0, 250)))
        events.append(Happening(n, kind, day, 0 if moves_no_money else amount, details))
    return loaned, events


def lived(loaned: Loaned, events: list[Happening]) -> tuple[Position, list[Happening]]:
    """The position after the events that are possible, one after the other by date."""
    stood: list[Happening] = []
    position = replay(loaned, events[:1])
    for event in sorted(events, key=lambda one: one.date):
        try:
            position = replay(loaned, [*stood, event])
        except CalculationError:
            continue
        stood.append(event)
    return position, stood


def life_of(how: dict[str, Any], *events: tuple[int, str, int, dict[str, Any]]) -> tuple[Loaned, list[Happening]]:
    """A loan of what is paid out, in eight instalments, and its events: days since it began, kind, amount, details."""
    conventions = conventions_read(conventions=how, servicing={}, fees=[], exponent=2)
    out = sum(amount for _, kind, amount, _ in events if kind == "disbursement")
    made = [
        Happening(n, kind, START + dt.timedelta(days=days), amount, details)
        for n, (days, kind, amount, details) in enumerate(events)
    ]
    return Loaned(conventions, out, Decimal("0.12"), 8), made


PAID_OFF_IN_A_PERIOD_WITH_A_TRANCHE = life_of(
    {}, (0, "disbursement", 2_500_000, {}), (34, "disbursement", 2_500_000, {}),
    (50, "repayment", 2_700_000, {"strategy": "shorten_term"}),
)  # fmt: skip
CHARGED_AFTER_IT_WAS_PAID_OFF = life_of(
    {}, (0, "disbursement", 100_000, {}), (10, "repayment", 101_000, {"strategy": "shorten_term"}),
    (100, "charge", 500, {"penalty": True}), (101, "repayment", 500, {}),
)  # fmt: skip
CHARGED_AND_GIVEN_NEW_DATES_AFTER_THE_LAST = life_of(
    {"frequency": {"unit": "weeks", "every": 2}}, (0, "disbursement", 100_000, {}), (120, "charge", 500, {}),
    (130, "reschedule", 0, {"first_due": "2025-11-30", "instalments": 3}),
)  # fmt: skip


@settings(max_examples=60, deadline=None, derandomize=True)
@given(lives())
@example(PAID_OFF_IN_A_PERIOD_WITH_A_TRANCHE)
@example(CHARGED_AFTER_IT_WAS_PAID_OFF)
@example(CHARGED_AND_GIVEN_NEW_DATES_AFTER_THE_LAST)
def test_a_loan_adds_up_whatever_happens(life: tuple[Loaned, list[Happening]]) -> None:
    loaned, events = life
    position, stood = lived(loaned, events)
    out = sum(event.amount for event in stood if event.kind in ("disbursement", "top_up"))
    rows = position.rows
    capitalised = sum(one.row.principal for one in rows) - out
    assert capitalised >= 0
    assert all(min(one.row.principal, one.row.interest, one.accrues) >= 0 for one in rows)
    assert rows[-1].row.closing == 0
    assert all(0 <= one.paid[name] <= getattr(one.row, name) for one in rows for name in one.paid)
    assert sum(one.charged for one in rows) == position.made_charges, "a charge falls due once"
    # Interest is earned once, and all of it: what falls due is what the periods earn.
    end = rows[-1].row.due
    assert position.earned(end) == sum(one.row.interest for one in rows)
    days = [rows[0].row.start + dt.timedelta(days=n) for n in range(0, (end - rows[0].row.start).days, 7)]
    earned = [position.earned(day) for day in days]
    assert earned == sorted(earned)
    # Money that came in is money that went somewhere.
    for event in stood:
        if event.kind in ("repayment", "waiver"):
            found = position.portions[event.id]
            total = found.principal + found.interest + found.charges + found.overpaid
            assert total == event.amount
            assert min(found.principal, found.interest, found.charges) >= 0
    # The books follow: income and receivables balance the money, on any day and from any day to the next.
    paid = sum(event.amount for event in stood if event.kind in ("repayment", "waiver"))
    overpaid = sum(one.overpaid for one in position.portions.values())
    held = Books()
    for day in (days[-1], end):
        books = books_due(position, day, suspends=day == days[-1])
        moves = moves_between(held, books)
        held = books
        assert sum(moves.values()) == (paid - overpaid - out if day == days[-1] else 0)
    closed = replay(loaned, [*stood, Happening("close", "payoff", max(event.date for event in stood))])
    assert closed.closing is not None
    assert closed.principal == sum(one.row.principal - one.paid["principal"] for one in closed.rows)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.sampled_from(CONVENTIONS), st.integers(10_000, 10_000_000), st.integers(3, 40))
def test_a_new_loan_has_the_schedule_of_the_calculation(how: dict[str, Any], principal: int, count: int) -> None:
    conventions = conventions_read(conventions=how, servicing={}, fees=FEES, exponent=2)
    loaned = Loaned(conventions, principal, Decimal("0.18"), count)
    terms = conventions.terms(principal=principal, rate=Decimal("0.18"), instalments=count, start=START)
    rows = loan_schedule(terms).rows
    position = replay(loaned, [Happening(0, "disbursement", START, principal)])
    assert [(one.row.due, one.row.principal, one.row.interest, one.row.fees) for one in position.rows] == [
        (row.due, row.principal, row.interest, row.fees) for row in rows
    ]
    # Whoever pays each instalment on its day owes nothing at the end, and the schedule never changes.
    paying = [Happening(n, "repayment", row.due, row.total) for n, row in enumerate(rows, 1) if row.total]
    paid = replay(loaned, [Happening(0, "disbursement", START, principal), *paying])
    assert paid.is_settled
    assert [one.row.total for one in paid.rows] == [row.total for row in rows]


@pytest.mark.parametrize(
    ("documents", "pointer"),
    [
        ({"conventions": {"metod": "flat"}}, "/conventions/metod"),
        ({"conventions": {"method": "bullet"}}, "/conventions/method"),
        ({"conventions": {"interest": "ACT/367"}}, "/conventions/interest"),
        ({"conventions": {"remainder": "first"}}, "/conventions/remainder"),
        ({"conventions": {"frequency": {"unit": "fortnights"}}}, "/conventions/frequency/unit"),
        ({"servicing": {"prepayment": "none"}}, "/prepayment"),
        ({"servicing": {"order": {"due": ["interest"]}}}, "/order/due"),
        ({"fees": [{"name": "F", "kind": "upfront", "amount": 5}]}, "/fees/0/amount"),
        ({"fees": [{"name": "F", "kind": "monthly"}]}, "/fees/0/kind"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_documents_of_terms_are_read_strictly(documents: dict[str, Any], pointer: str) -> None:
    whole = {"conventions": {}, "servicing": {}, "fees": []} | documents
    with pytest.raises(DomainError) as found:
        conventions_read(**whole, exponent=2)
    assert found.value.pointer == pointer
