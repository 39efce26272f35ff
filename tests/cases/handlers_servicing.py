"""Loans with their events: payments, charges, tranches, reversals; schedules recalculated or not.

What Apache Fineract does without saying so in a case is written here, once:

* All rounding is half even; a part of a period with its own balance is rounded by itself.
* The actual length of a year counts as 365 days; the level instalment takes a month as 30 days of them.
* Early money lowers the instalments unless the product's name says RESCHEDULE or REDUCE_NUMBER.
* Payments count for interest daily unless the product's name says SAME_AS_REPAYMENT.
* A cumulative loan is made anew when something is recorded; only its close of business does so every day.
* Kinds of credit are named as its transactions are; the accrual of what was not accrued comes when a loan is paid off.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from apps.calculations.loans import (
    COMPONENTS,
    Allocation,
    AllocationOrder,
    Charge,
    Fee,
    Frequency,
    LoanState,
    LoanTerms,
    Payment,
    Rounding,
    ServicingRules,
    due_dates,
    loan_replay,
    periods_of,
)
from tests.cases.growth_stories import growth_state, is_growth
from tests.cases.handlers_loans import UNITS, days_of, major, minor
from tests.cases.registry import Case, Unsupported, handles

WORDS = {"PENALTY": "penalties", "PENALTIES": "penalties", "FEE": "fees", "FEES": "fees", "INTEREST": "interest",
         "INT": "interest", "PRINCIPAL": "principal", "PRI": "principal"}  # fmt: skip
ADVANCED = AllocationOrder(
    ("penalties", "fees", "interest", "principal"), ("penalties", "fees", "principal", "interest")
)
PAYMENTS = ("repayment", "goodwill_credit", "payout_refund", "merchant_issued_refund", "interest_payment_waiver")
PENALTY_WORDS = ("NSF", "PENALTY", "OVERDUE", "LATE")
FEE_TEXT = re.compile(r"(fee|penalty) ([0-9.]+)% of (?:the )?(?:instal+ment )?([a-z+ ]+), on every instal+ment")
FEE_FLAT = re.compile(r"(fee|penalty) ([0-9.]+)(?: flat)?,? on every instal+ment")
FEE_BASES = {"principal": "principal", "interest": "interest", "principal+interest": "principal_and_interest",
             "principal and interest": "principal_and_interest"}  # fmt: skip


def order_of(name: str) -> AllocationOrder:
    """The order that a strategy's name spells: PENALTIES_FEES_INTEREST_PRINCIPAL_ORDER, DUE_…_IN_ADVANCE_…."""

    def read(words: str) -> tuple[str, ...]:
        found = tuple(WORDS[word] for word in words.split("_") if word in WORDS)
        if sorted(found) != sorted(COMPONENTS):
            raise Unsupported(f"the order {name} is not known")
        return found

    if name == "ADVANCED_PAYMENT_ALLOCATION":
        return ADVANCED
    if name.startswith("DUE_") and "_IN_ADVANCE_" in name:
        due, later = name.removeprefix("DUE_").split("_IN_ADVANCE_")
        return AllocationOrder(read(due), read(later))
    return AllocationOrder(read(name.removesuffix("_ORDER")))


def fees_of(case: Case) -> tuple[Fee, ...]:
    """Charges that the case puts in words."""
    text = case.inputs.get("charge")
    if text is None:
        return ()
    decimals = case.inputs.get("decimals", 2)
    if share := FEE_TEXT.fullmatch(text):
        kind, percentage, base = share.groups()
        if base in FEE_BASES:
            rate = Decimal(percentage) / 100
            return (Fee(text, "per_instalment", FEE_BASES[base], share=rate, penalty=kind == "penalty"),)
    if flat := FEE_FLAT.fullmatch(text):
        return (Fee(text, "per_instalment", amount=minor(flat[2], decimals), penalty=flat[1] == "penalty"),)
    raise Unsupported(f"the charge {text!r} is not understood")


@dataclass
class Story:
    """What has happened up to a snapshot."""

    start: dt.date
    as_of: dt.date
    tranches: list[tuple[dt.date, int]] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    """The transactions as they were last shown."""
    reverted: list[dict[str, Any]] = field(default_factory=list)
    closed: dt.date = dt.date.min
    """The last close of business."""
    charges: list[Charge] = field(default_factory=list)

    def tell(self, event: Mapping[str, Any], decimals: int) -> None:
        """Add an event of a case."""
        kind = event["type"]
        if kind == "run_close_of_business":
            self.closed = self.as_of
            return
        if kind == "business_date":
            self.as_of = dt.date.fromisoformat(event["date"])
            return
        date = dt.date.fromisoformat(event.get("date") or event["due"])
        amount = minor(event["amount"], decimals) if "amount" in event else 0
        if kind == "disburse":
            self.tranches.append((date, amount))
        elif kind in PAYMENTS:
            self.payments.append(Payment(date, amount))
            self.kinds.append(kind.replace("_", " ").title())
        elif kind == "charge":
            penalty = any(word in event.get("kind", "").upper() for word in PENALTY_WORDS)
            self.charges.append(Charge(date, amount, penalty))
        elif kind in ("reversal", "repayment_undo", "undo"):
            self.undo(date if "date" in event else None)
        else:
            raise Unsupported(f"the event {kind} is not known")

    def undo(self, date: dt.date | None = None) -> None:
        """The last payment, or the last of a date, never was."""
        for n in range(len(self.payments) - 1, -1, -1):
            if date is None or self.payments[n].date == date:
                gone = self.payments.pop(n)
                kind = self.kinds.pop(n)
                for line in self.lines:
                    if (line["date"], line["type"]) == (gone.date.isoformat(), kind):
                        self.reverted.append(line | {"reverted": True})
                        break
                return
        raise Unsupported("there is no payment to reverse")


def years_of(case: Case, frequency: Frequency) -> tuple[str, Fraction, Fraction]:
    """Interest convention, length of a period, length of a period for the level instalment."""
    product = case.inputs.get("product", {})
    year = days_of(product.get("days_in_year", "ACTUAL"), "DAYS_") or 365
    same = case.inputs.get("interest_period") == "SAME_AS_REPAYMENT_PERIOD"
    if same:
        years = Fraction(frequency.every, year) if frequency.unit == "days" else frequency.years
        return "per_period", years, years
    days = {"days": 1, "weeks": 7, "months": 30, "years": 360}[frequency.unit] * frequency.every
    level = Fraction(days, year)
    if days_of(product.get("days_in_month", "ACTUAL"), "DAYS_") == 30 and frequency.unit == "months":
        return "per_period", level, level
    name = {365: "ACT/365F", 360: "ACT/360", 364: "ACT/364"}[year]
    return name, level, level


def terms_of(case: Case, story: Story) -> LoanTerms:
    """The terms of the loan as it stands: its tranches so far, or the principal that was applied for."""
    inputs = case.inputs
    decimals = inputs.get("decimals", 2)
    product = inputs.get("product", {})
    frequency = Frequency(UNITS[inputs["repay_unit"]], inputs["repay_every"])
    approved = minor(inputs["principal"], decimals)
    start = min((date for date, _ in story.tranches), default=story.start)
    interest, years, level = years_of(case, frequency)
    multiple = product.get("instalment_multiple_of")
    methods = {"FLAT": "flat", "DECLINING_BALANCE": "declining"}
    amortizations = {
        "EQUAL_INSTALLMENTS": "equal_instalments",
        "EQUAL_PRINCIPAL": "equal_principal",
        "EQUAL_PRINCIPAL_PAYMENTS": "equal_principal",
    }
    even = Rounding(1, "half_even")
    return LoanTerms(
        principal=sum(amount for _, amount in story.tranches) or approved,
        rate=Decimal(inputs["annual_rate_percent"]) / 100,
        periods=periods_of(start, due_dates(start, inputs["number_of_repayments"], frequency)),
        method=methods[inputs["interest_method"]],
        amortization=amortizations[inputs["amortization"]],
        interest=interest,
        period_years=years,
        annuity_years=level,
        interest_rounding=even,
        round_parts=True,
        principal_rounding=even,
        instalment_rounding=Rounding(minor(multiple, decimals) if multiple else 1, "half_even"),
        grace_principal=inputs.get("grace_principal") or 0,
        grace_interest=inputs.get("grace_interest_payment_effective") or 0,
        interest_free=inputs.get("interest_free_effective") or 0,
        tranches=tuple(story.tranches),
        instalment_principal=approved if story.tranches else None,
        fees=fees_of(case),
    )


def rules_of(case: Case) -> ServicingRules:
    """Order, recalculation, rest and strategy."""
    product = case.inputs.get("product", {})
    name = product.get("source_product", "").upper()
    progressive = name.startswith("LP2") or case.inputs.get("payment_order") == "ADVANCED_PAYMENT_ALLOCATION"
    daily = progressive or any(event.get("type") == "run_close_of_business" for event in case.inputs["events"])
    strategy = "next_instalments" if "RESCH_NEXT" in name else "lower_instalment"
    if "REDUCE_NR" in name or "REDUCE_NUMBER" in name or "RDC_NR" in name or "REDUCE_TERM" in name:
        strategy = "shorten_term"
    return ServicingRules(
        order_of(case.inputs.get("payment_order", "PENALTIES_FEES_INTEREST_PRINCIPAL_ORDER")),
        recalculate=bool(product.get("interest_recalculation")),
        rest="due_date" if "SAME_AS_REPAYMENT" in name else "daily",
        prepayment=strategy,
        overdue="running" if daily else "recorded",
        compounding="INTEREST" in product.get("compounding", "NONE").upper() or "COMPOUNDING_MONTHLY" in name,
    )


@handles("loan_schedules")
def servicing(case: Case) -> dict[str, Any]:
    """Fineract's cumulative loans. A second snapshot after one event is after its reversal, where the note says so."""
    events, submitted, _ = case.need("events", "submitted_on", "interest_method")
    decimals = case.inputs.get("decimals", 2)
    start = dt.date.fromisoformat(submitted)
    story, rules = Story(start, start), rules_of(case)
    done, snapshots = 0, []
    for number, wanted in enumerate(case.expected["snapshots"]):
        if number and wanted["after_event"] == done:
            if not re.search(r"revers|undo", case.note):
                raise Unsupported("what happened between two snapshots is not said")
            story.undo()
        for event in events[done : wanted["after_event"]]:
            story.tell(event, decimals)
        done = wanted["after_event"]
        terms, today = terms_of(case, story), max(story.as_of, story.start)
        if is_growth(case, story):
            state = growth_state(case, story, terms)
        else:
            state = loan_replay(terms, story.payments, story.charges, rules=rules, as_of=today)
        shown = snapshot(done, story, state, decimals)
        story.lines = shown["transactions"]
        snapshots.append(shown | ({"total": None} if wanted.get("total") is None else {}))  # the source prints none
    return {"snapshots": snapshots}


def snapshot(done: int, story: Story, state: LoanState, decimals: int) -> dict[str, Any]:
    """The loan as the source prints it: tranches between the instalments, totals, transactions."""

    def shown(amount: int) -> Decimal:
        return major(amount, decimals)

    rows: list[dict[str, Any]] = []
    tranches = sorted(story.tranches) or [(story.start, sum(s.row.principal for s in state.rows))]
    for one in state.rows:
        row = one.row
        first = row.number == state.rows[0].row.number
        for date, amount in tranches:
            if row.start < date <= row.due or (first and date <= row.start):
                rows.append({"nr": 0, "kind": "disbursement", "date": date.isoformat(), "amount": shown(amount)})
        rows.append(
            {
                "nr": row.number,
                "days": row.days,
                "due_date": row.due.isoformat(),
                "paid_date": one.paid_date.isoformat() if one.paid_date else None,
                "balance_after": shown(row.closing),
                "principal": shown(row.principal),
                "interest": shown(row.interest),
                "fees": shown(row.fees),
                "penalties": shown(row.penalties),
                "due": shown(row.total),
                "paid": shown(one.paid_total),
                "in_advance": shown(one.in_advance),
                "late": shown(one.late),
                "outstanding": shown(one.outstanding),
            }
        )
    return {
        "after_event": done,
        "rows": rows,
        "total": {
            "principal_due": shown(sum(s.row.principal for s in state.rows)),
            **{name: shown(sum(getattr(s.row, name) for s in state.rows)) for name in COMPONENTS[:3]},
            "due": shown(sum(s.row.total for s in state.rows)),
            "paid": shown(sum(s.paid_total for s in state.rows)),
            "in_advance": shown(sum(s.in_advance for s in state.rows)),
            "late": shown(sum(s.late for s in state.rows)),
            "outstanding": shown(sum(s.outstanding for s in state.rows)),
        },
        "transactions": transactions(story, state, shown),
    }


def transactions(story: Story, state: LoanState, shown: Any) -> list[dict[str, Any]]:
    """Pay-outs and payments in order of their dates, with the principal that is owed after each."""
    found: list[tuple[dt.date, int, str, int, Allocation | None]] = [
        (date, 0, "Disbursement", amount, None) for date, amount in story.tranches
    ]
    order = sorted(range(len(story.payments)), key=lambda n: story.payments[n].date)
    found += [(one.date, 1, story.kinds[n], one.amount, one) for n, one in zip(order, state.allocations, strict=True)]
    owed, lines = 0, []
    for date, _, kind, amount, allocation in sorted(found, key=lambda entry: entry[:2]):
        parts = {name: allocation.total(name) if allocation else 0 for name in COMPONENTS}
        owed += amount if allocation is None else -parts["principal"]
        lines.append(
            {
                "date": date.isoformat(),
                "type": kind,
                "amount": shown(amount),
                **{name: shown(part) for name, part in parts.items()},
                "balance_after": shown(owed),
                "reverted": False,
            }
        )
    charged = {name: sum(getattr(one.row, name) for one in state.rows) for name in ("interest", "fees", "penalties")}
    if found and not any(one.outstanding for one in state.rows) and any(charged.values()):
        closed = max(one.paid_date for one in state.rows if one.paid_date)
        lines.append(
            {
                "date": closed.isoformat(),
                "type": "Accrual",
                "amount": shown(sum(charged.values())),
                "principal": shown(0),
            }
            | {name: shown(part) for name, part in charged.items()}
            | {"principal": shown(0), "balance_after": shown(0), "reverted": False}
        )
    return sorted([*lines, *story.reverted], key=lambda line: line["date"])
