"""Arrears: Fineract's delinquency buckets with pauses, OpenCBS's late fees.

Fineract's ranges are those of its end-to-end tests. A loan with a down payment owes it on the day of the
disbursement; the rest falls due in equal parts. Payments go to the oldest instalment first.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

from apps.calculations.arrears import (
    NONE,
    Bucket,
    Due,
    Pause,
    PenaltyRule,
    instalment_arrears,
    loan_arrears,
    penalty_for,
)
from apps.calculations.calendars import Calendar
from apps.calculations.loans import (
    COMPONENTS,
    Charge,
    Frequency,
    LoanTerms,
    Payment,
    ServicingRules,
    due_dates,
    loan_replay,
    periods_of,
)
from tests.cases.handlers_loans import UNITS, WEEKDAYS, major, minor
from tests.cases.handlers_servicing import PAYMENTS
from tests.cases.registry import Case, Unsupported, handles

STARTS = (1, 4, 31, 61, 91, 121, 151, 181, 241)
NAMES = (1, 3, 30, 60, 90, 120, 150, 180, 240)
FINERACT = [
    Bucket(f"RANGE_{name}", start, following - 1 if following else None)
    for name, start, following in zip(NAMES, STARTS, [*STARTS[1:], None], strict=True)
]
BASES = (
    (r"initial|loan amount|amount of the loan", "initial_principal", ("initial_amount", "principal")),
    (r"\bolb\b|outstanding", "outstanding_principal", ("olb", "outstanding_balance", "outstanding")),
    (r"total|and interest|\+ ?interest", "overdue", ("overdue_total", "overdue_amount")),
    (r"interest", "overdue_interest", ()),
    (r"principal", "overdue_principal", ()),
    (r"overdue amount|instal+ment", "overdue", ("overdue_amount", "overdue_total")),
)
"""Words that name the base of a fee, our name of it, and the inputs that may hold it besides one of that name."""


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


class Loan:
    """What a case tells, as far as a day."""

    def __init__(self, case: Case) -> None:
        self.inputs = case.inputs
        self.events = case.inputs["events"]
        if Decimal(case.inputs.get("annual_rate_percent", 0)):
            raise Unsupported("arrears of loans with interest need their schedule")

    def pauses(self) -> list[Pause]:
        """Pauses; one that is resumed ends on that day, for those who know of it."""
        found: list[Pause] = []
        for event in self.events:
            if event["type"] == "pause":
                entered = day(event["entered"]) if "entered" in event else None
                found.append(Pause(day(event["start"]), day(event["end"]), entered))
            elif event["type"] == "resume" and found:
                last = found[-1]
                found[-1] = Pause(last.start, min(last.end, day(event["date"])), last.entered)
            elif event["type"] not in ("disburse", "charge", *PAYMENTS):
                raise Unsupported(f"the event {event['type']} is not known")
        return found

    def dues(self, as_of: dt.date) -> list[Due]:
        """Every instalment and what of it is unpaid on a day."""
        paid_out = [e for e in self.events if e["type"] == "disburse" and day(e["date"]) <= as_of]
        if not paid_out:
            return []
        if len(paid_out) > 1:
            raise Unsupported("one disbursement")
        start, amount = day(paid_out[0]["date"]), minor(paid_out[0]["amount"], 2)
        down = amount * int(self.inputs.get("down_payment_percent", 0)) // 100
        count = self.inputs["number_of_repayments"]
        frequency = Frequency(UNITS[self.inputs["repay_unit"]], self.inputs["repay_every"])
        terms = LoanTerms(
            principal=amount - down,
            rate=Decimal(0),
            periods=periods_of(start, due_dates(start, count, frequency)),
        )
        payments = [
            Payment(day(e["date"]), minor(e["amount"], 2))
            for e in self.events
            if e["type"] in PAYMENTS and day(e["date"]) <= as_of
        ]
        charges = [
            Charge(day(e.get("due") or e["date"]), minor(e["amount"], 2)) for e in self.events if e["type"] == "charge"
        ]
        left, rest = down, []
        for payment in sorted(payments, key=lambda one: one.date):  # the down payment is the oldest
            used = min(left, payment.amount)
            left -= used
            if payment.amount > used:
                rest.append(Payment(payment.date, payment.amount - used))
        state = loan_replay(terms, rest, charges, rules=ServicingRules(), as_of=max(as_of, start))
        return [Due(start, left), *(Due(one.row.due, one.outstanding, one.row.number) for one in state.rows)]


@handles("arrears_penalties")
def delinquency(case: Case) -> dict[str, Any]:
    buckets, _, _ = case.need("buckets", "events", "repay_unit")
    if buckets != "fineract-ranges":
        raise Unsupported(f"the buckets {buckets} are not known")
    loan, checks, grace = Loan(case), [], case.inputs.get("grace_on_arrears_days", 0)
    for wanted in case.expected["checks"]:
        as_of = day(wanted["as_of"])
        check: dict[str, Any] = {"as_of": wanted["as_of"], "level": wanted["level"]}
        if wanted["level"] == "instalment":
            found = instalment_arrears(
                loan.dues(as_of), as_of, FINERACT, pauses=loan.pauses(), grace_days=grace, pause_rule="whole"
            )
            check["rows"] = [{"bucket": name, "amount": major(amount, 2)} for name, amount in found.items()]
        else:
            state = loan_arrears(
                loan.dues(as_of), as_of, FINERACT, pauses=loan.pauses(), grace_days=grace, pause_rule="whole"
            )
            check |= {
                "bucket": "NO_DELINQUENCY" if state.bucket == NONE else state.bucket,
                "amount": major(state.amount, 2),
                "delinquent_since": state.since.isoformat() if state.since else None,
                "delinquent_days": state.delinquent_days,
                "past_due_days": state.past_due_days,
            }
        checks.append(check)
    return {"checks": checks}


def base_of(case: Case, words: str) -> tuple[str, Any]:
    """Our name of the base of a fee, and its amount; the total is the sum of its parts where only they are given."""

    def first(*names: str) -> Any:
        return next((case.inputs[key] for key in names if key in case.inputs), None)

    for pattern, name, sources in BASES:
        if not re.search(pattern, words.lower()):
            continue
        given = first(name, *sources, "amount", "base_amount")
        if given is None and name == "overdue":
            given = sum(Decimal(first(f"overdue_{part}") or 0) for part in COMPONENTS) or None
        if given is not None:
            return name, given
    raise Unsupported(f"the base {words} is not known, or has no amount")


@handles("arrears_penalties")
def late_fee(case: Case) -> dict[str, Any]:
    """A fee by the day on a base; days off count unless the case says that they do not.

    OpenCBS leaves out the days off between the due date and the payment; its settings begin with Sundays off.
    """
    base, rate, due, paid = case.need("base", "fee_per_day", "due", "paid")
    name, given = base_of(case, base)
    counts = case.inputs.get("count_days_off", True)
    calendar = None
    if not counts:
        calendar = Calendar.of_dates(
            "the case's",
            [day(text) for text in case.inputs.get("holidays", [])],
            weekend=[WEEKDAYS.index(word) for word in case.inputs.get("weekend", ["SUN"])],
        )
    graces = [case.inputs[key] for key in ("grace_days", "grace_period_days", "grace_period") if key in case.inputs]
    rule = PenaltyRule(
        name, "per_day", Decimal(rate), grace_days=int(graces[0]) if graces else 0, count_days_off=counts,
        day_paid_counts=not counts,
    )  # fmt: skip
    penalty = penalty_for(rule, {name: minor(given, 2)}, day(due), day(paid), calendar=calendar)
    return {"late_days": penalty.days, "fee": major(penalty.amount, 2)}
