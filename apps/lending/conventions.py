"""The documents of a product's terms, read into what the calculations understand. Pure: nothing of Django.

The documents are JSON as the API takes and shows it: amounts are decimal strings in the product's currency, shares and
rates decimal strings (0.12 is 12 %). docs/reference/loan-products.md lists every member.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from apps.calculations.arrears import Bucket, PenaltyRule, buckets_check
from apps.calculations.errors import CalculationError
from apps.calculations.loans import (
    CENT,
    COMPONENTS,
    AllocationOrder,
    ClosingFee,
    Fee,
    Frequency,
    LoanTerms,
    Rounding,
    ServicingRules,
    due_dates,
    periods_of,
)
from apps.calculations.loans.options import LEVELS, level_years
from apps.core.errors import DomainError
from apps.lending import documents as doc

STRAIGHT_REMAINDERS = ("last", "spread")
"""Who takes what rounding leaves; `first` cannot be kept up when payments change the schedule."""


@dataclass(frozen=True, slots=True)
class Conventions:
    """How loans of a product are worked out and serviced."""

    frequency: Frequency
    options: Mapping[str, Any]
    """Members of LoanTerms as they are."""
    level: str
    balloon_share: Decimal
    upfront: tuple[Fee, ...]
    financed: tuple[Fee, ...]
    per_instalment: tuple[Fee, ...]
    rules: ServicingRules
    rebate: str
    closing_fee: ClosingFee
    tranches_max: int

    @property
    def follows_payments(self) -> bool:
        """Whether early money changes interest; flat interest is what it was."""
        return self.options["method"] == "declining"

    def terms(
        self,
        *,
        principal: int,
        rate: Decimal,
        instalments: int,
        start: dt.date,
        first_due: dt.date | None = None,
        agreed: int | None = None,
    ) -> LoanTerms:
        """The terms of a loan of `principal` minor units that begins on `start`. `agreed` is more, if more is to come.

        Raises a CalculationError for what gives no schedule.
        """
        dues = due_dates(start, instalments, self.frequency, first_due=first_due)
        whole = agreed or principal
        terms = LoanTerms(
            principal=principal,
            rate=rate,
            periods=periods_of(start, dues),
            period_years=self.frequency.years,
            annuity_years=level_years(self.level, self.frequency),
            balloon=int(principal * self.balloon_share),
            instalment_principal=whole if whole != principal else None,
            tranches=((start, principal),) if whole != principal else (),
            fees=self.per_instalment,
            **self.options,
        )
        terms.check()
        return terms


@dataclass(frozen=True, slots=True)
class ArrearsTerms:
    """What happens to late loans: grace, buckets with the share provided for, and when interest stops being income."""

    grace_days: int
    buckets: tuple[Bucket, ...]
    provisions: Mapping[str, Decimal]
    """Share of the principal by bucket; `none` for those on time."""
    non_accrual_days: int


def _rounding(value: Any, pointer: str) -> Rounding:
    return Rounding(
        **doc.members(value, pointer, {"unit": (doc.whole(10**9, 1), 1), "mode": (doc.text(20), "half_up")})
    )


def _frequency(value: Any, pointer: str) -> Frequency:
    found = doc.members(
        value, pointer,
        {"unit": (doc.text(20), "months"), "every": (doc.whole(366, 1), 1),
         "days": (doc.many(doc.whole(31, 1), 2), (1, 16))},
    )  # fmt: skip
    if len(found["days"]) != 2:
        raise doc.refused("Two days of the month.", f"{pointer}/days")
    return Frequency(**found)


def _order(value: Any, pointer: str) -> AllocationOrder:
    names = doc.many(doc.text(20), 4)
    return AllocationOrder(
        **doc.members(
            value, pointer,
            {
                "due": (names, COMPONENTS), "in_advance": (doc.maybe(names), None),
                "sweep": (doc.text(20), "instalment"),
            },
        )
    )  # fmt: skip


def conventions_read(
    *, conventions: Mapping[str, Any], servicing: Mapping[str, Any], fees: Sequence[Any], exponent: int
) -> Conventions:
    """The conventions of a product's terms. `exponent` is the number of decimals of its currency.

    Raises LoanTermsInvalid with the pointer of the member at fault, and CalculationErrors for options without a name.
    """
    how = doc.members(conventions, "/conventions", _CONVENTIONS)
    service = doc.members(servicing, "/servicing", _servicing_readers(exponent))
    if how["method"] == "declining" and how["remainder"] not in STRAIGHT_REMAINDERS:
        raise doc.refused("What rounding leaves goes to the last instalment, or is spread.", "/conventions/remainder")
    frequency, level, balloon = how.pop("frequency"), how.pop("level"), how.pop("balloon_share")
    found = [_fee(fee, f"/fees/{n}", exponent) for n, fee in enumerate(doc.many(lambda v, _: v, 20)(fees, "/fees"))]
    kinds = {kind: tuple(fee for fee in found if fee.kind == kind) for kind in FEE_KINDS}
    rules = ServicingRules(
        order=service["order"],
        recalculate=how["method"] == "declining",
        rest=service["rest"],
        prepayment=service["prepayment"],
        overdue="none",
    )
    result = Conventions(
        frequency, how, level, balloon, kinds["upfront"], kinds["financed"], kinds["per_instalment"], rules,
        service["rebate"], service["closing_fee"], service["tranches_max"],
    )  # fmt: skip
    _try(result)
    return result


FEE_KINDS = ("upfront", "financed", "per_instalment")
_CONVENTIONS: dict[str, tuple[doc.Reader, Any]] = {
    "frequency": (_frequency, Frequency()),
    "method": (doc.one_of("declining", "flat"), "declining"),
    "amortization": (doc.one_of("equal_instalments", "equal_principal", "interest_only"), "equal_instalments"),
    "interest": (doc.text(40), "per_period"),
    "level": (doc.one_of(*LEVELS), "periods"),
    "first_interest": (doc.text(20), "period"),
    "interest_rounding": (_rounding, CENT),
    "principal_rounding": (_rounding, CENT),
    "instalment_rounding": (_rounding, CENT),
    "round_parts": (doc.flag, False),
    "remainder": (doc.text(10), "last"),
    "grace_principal": (doc.whole(600), 0),
    "grace_interest": (doc.whole(600), 0),
    "interest_free": (doc.whole(600), 0),
    "interest_in_grace": (doc.flag, True),
    "balloon_share": (doc.share(1), Decimal(0)),
}


def _servicing_readers(exponent: int) -> dict[str, tuple[doc.Reader, Any]]:
    fee: dict[str, tuple[doc.Reader, Any]] = {
        "amount": (doc.amount(exponent), 0), "share": (doc.share(1), Decimal(0)), "base": (doc.text(20), "principal"),
    }  # fmt: skip
    return {
        "order": (_order, AllocationOrder()),
        "rest": (doc.text(10), "due_date"),
        "prepayment": (doc.text(20), "next_instalments"),
        "rebate": (doc.one_of("actuarial", "rule_of_78", "pro_rata_days", "none"), "actuarial"),
        "closing_fee": (lambda value, pointer: ClosingFee(**doc.members(value, pointer, fee)), ClosingFee()),
        "tranches_max": (doc.whole(50, 1), 1),
    }


def _fee(value: Any, pointer: str, exponent: int) -> Fee:
    bases = ("flat", "principal", "interest", "principal_and_interest", "outstanding")
    found = doc.members(
        value, pointer,
        {
            "name": (doc.text(), "Fee"), "kind": (doc.one_of(*FEE_KINDS), "upfront"),
            "base": (doc.one_of(*bases), "flat"),
            "amount": (doc.amount(exponent), 0), "share": (doc.share(1), Decimal(0)),
        },
    )  # fmt: skip
    if found["kind"] != "per_instalment" and found["base"] not in ("flat", "principal"):
        raise doc.refused("A fee at the beginning is flat or of the principal.", f"{pointer}/base")
    return Fee(**found)


def _try(conventions: Conventions) -> None:
    """A small loan by these conventions, so that what cannot work is refused with its pointer when it is written."""
    conventions.rules.check()
    conventions.closing_fee.check()
    how = conventions.options
    least = 1 + max(how["grace_principal"], how["grace_interest"], how["interest_free"])
    try:
        conventions.terms(principal=100_000, rate=Decimal("0.12"), instalments=least + 5, start=dt.date(2024, 1, 31))
    except CalculationError as error:
        pointer = error.pointer or ""
        if pointer.startswith("/conventions"):
            raise
        raise type(error)(error.detail, pointer=f"/conventions{pointer}") from error


def arrears_read(document: Mapping[str, Any]) -> ArrearsTerms:
    """What happens to late loans. Raises LoanTermsInvalid, and PeriodNotValid for buckets with holes."""
    found = doc.members(
        document, "/arrears",
        {
            "grace_days": (doc.whole(366), 0), "non_accrual_days": (doc.whole(10_000, 1), 90),
            "buckets": (doc.many(_bucket, 20), ()), "on_time": (doc.share(1), Decimal(0)),
        },
    )  # fmt: skip
    pairs = found["buckets"] or tuple((replace(bucket), share) for bucket, share in DEFAULT_BUCKETS)
    buckets = tuple(bucket for bucket, _ in pairs)
    try:
        buckets_check(buckets)
    except DomainError as error:
        raise doc.refused(error.detail or "The buckets follow one another.", "/arrears/buckets") from error
    provisions = {"none": found["on_time"], **{bucket.name: share for bucket, share in pairs}}
    return ArrearsTerms(found["grace_days"], buckets, provisions, found["non_accrual_days"])


def _bucket(value: Any, pointer: str) -> tuple[Bucket, Decimal]:
    found = doc.members(
        value, pointer,
        {
            "name": (doc.text(30), ""), "first_day": (doc.whole(10_000, 1), 1),
            "last_day": (doc.maybe(doc.whole(10_000, 1)), None),
            "provision": (doc.share(1), Decimal(0)),
        },
    )  # fmt: skip
    return Bucket(found["name"], found["first_day"], found["last_day"]), found["provision"]


DEFAULT_BUCKETS = (
    (Bucket("1 to 30 days", 1, 30), Decimal("0.05")),
    (Bucket("31 to 60 days", 31, 60), Decimal("0.25")),
    (Bucket("61 to 90 days", 61, 90), Decimal("0.50")),
    (Bucket("above 90 days", 91, None), Decimal(1)),
)


def penalties_read(document: Sequence[Any], *, exponent: int) -> tuple[PenaltyRule, ...]:
    """The rules of penalties, in order. Raises LoanTermsInvalid and CalculationErrors."""
    readers: dict[str, tuple[doc.Reader, Any]] = {
        "base": (doc.text(30), "overdue_principal"), "kind": (doc.text(20), "per_day"),
        "rate": (doc.share(1), Decimal(0)),
        "amount": (doc.amount(exponent), 0), "grace_days": (doc.whole(366), 0),
        "grace": (doc.text(20), "from_due_date"),
        "cap": (doc.maybe(doc.amount(exponent)), None), "cap_share": (doc.maybe(doc.share(10)), None),
        "rounding": (_rounding, CENT),
    }  # fmt: skip
    rules = []
    for n, one in enumerate(doc.many(lambda v, _: v, 10)(document, "/penalties")):
        rule = PenaltyRule(**doc.members(one, f"/penalties/{n}", readers))
        try:
            rule.check()
        except CalculationError as error:
            raise type(error)(error.detail, pointer=f"/penalties/{n}{error.pointer}") from error
        rules.append(rule)
    return tuple(rules)
