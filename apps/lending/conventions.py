"""The documents of a product's terms, read into what the calculations understand. Pure: nothing of Django.

The documents are JSON as the API takes and shows it: amounts are decimal strings in the product's currency, shares and
rates decimal strings (0.12 is 12 %). docs/reference/loan-products.md lists every member.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
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
from apps.core.money import amount_parse
from apps.lending.errors import LoanTermsInvalid

Reader = Callable[[Any, str], Any]
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


@dataclass(frozen=True, slots=True)
class Requirements:
    """What an application needs. `instalment_share_max`: of what is left of the income; None for no limit."""

    documents: tuple[Mapping[str, Any], ...]
    instalment_share_max: Decimal | None
    collateral_share_min: Decimal
    guarantors_min: int
    offer_days: int


def _bad(message: str, pointer: str) -> LoanTermsInvalid:
    return LoanTermsInvalid(message, pointer=pointer)


def _members(document: Any, pointer: str, readers: Mapping[str, tuple[Reader, Any]]) -> dict[str, Any]:
    """The members of an object by their readers, or their defaults. Raises LoanTermsInvalid for others."""
    if not isinstance(document, Mapping):
        raise _bad("An object of members.", pointer)
    for name in document:
        if name not in readers:
            raise _bad(f"No member is called {str(name)[:40]}.", f"{pointer}/{str(name)[:40]}")
    return {
        name: read(document[name], f"{pointer}/{name}") if name in document else default
        for name, (read, default) in readers.items()
    }


def _whole(most: int, least: int = 0) -> Reader:
    def read(value: Any, pointer: str) -> int:
        if type(value) is not int or not least <= value <= most:
            raise _bad(f"A whole number from {least} to {most:,}.", pointer)
        return value

    return read


def _flag(value: Any, pointer: str) -> bool:
    if not isinstance(value, bool):
        raise _bad("true or false.", pointer)
    return value


def _text(most: int = 80) -> Reader:
    def read(value: Any, pointer: str) -> str:
        if not isinstance(value, str) or not 0 < len(value) <= most or not value.isprintable():
            raise _bad(f"A text of 1 to {most} characters.", pointer)
        return value

    return read


def _share(most: int) -> Reader:
    def read(value: Any, pointer: str) -> Decimal:
        try:
            found = Decimal(value) if isinstance(value, str) and len(value) <= 20 else None
        except InvalidOperation:
            found = None
        if found is None or not found.is_finite() or not 0 <= found <= most:
            raise _bad(f'A decimal string from 0 to {most}, such as "0.12".', pointer)
        return found

    return read


def _amount(exponent: int) -> Reader:
    def read(value: Any, pointer: str) -> int:
        return amount_parse(value, exponent, pointer=pointer)

    return read


def _one_of(*names: str) -> Reader:
    def read(value: Any, pointer: str) -> str:
        if value not in names:
            raise _bad("One of " + ", ".join(names) + ".", pointer)
        return str(value)

    return read


def _maybe(reader: Reader) -> Reader:
    return lambda value, pointer: None if value is None else reader(value, pointer)


def _many(reader: Reader, most: int) -> Reader:
    def read(value: Any, pointer: str) -> tuple[Any, ...]:
        if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > most:
            raise _bad(f"A list of at most {most}.", pointer)
        return tuple(reader(one, f"{pointer}/{n}") for n, one in enumerate(value))

    return read


def _rounding(value: Any, pointer: str) -> Rounding:
    return Rounding(**_members(value, pointer, {"unit": (_whole(10**9, 1), 1), "mode": (_text(20), "half_up")}))


def _frequency(value: Any, pointer: str) -> Frequency:
    found = _members(
        value, pointer,
        {"unit": (_text(20), "months"), "every": (_whole(366, 1), 1), "days": (_many(_whole(31, 1), 2), (1, 16))},
    )  # fmt: skip
    if len(found["days"]) != 2:
        raise _bad("Two days of the month.", f"{pointer}/days")
    return Frequency(**found)


def _order(value: Any, pointer: str) -> AllocationOrder:
    names = _many(_text(20), 4)
    return AllocationOrder(
        **_members(
            value, pointer,
            {
                "due": (names, COMPONENTS), "in_advance": (_maybe(names), None),
                "sweep": (_text(20), "instalment"),
            },
        )
    )  # fmt: skip


def conventions_read(
    *, conventions: Mapping[str, Any], servicing: Mapping[str, Any], fees: Sequence[Any], exponent: int
) -> Conventions:
    """The conventions of a product's terms. `exponent` is the number of decimals of its currency.

    Raises LoanTermsInvalid with the pointer of the member at fault, and CalculationErrors for options without a name.
    """
    how = _members(conventions, "/conventions", _CONVENTIONS)
    service = _members(servicing, "/servicing", _servicing_readers(exponent))
    if how["method"] == "declining" and how["remainder"] not in STRAIGHT_REMAINDERS:
        raise _bad("What rounding leaves goes to the last instalment, or is spread.", "/conventions/remainder")
    frequency, level, balloon = how.pop("frequency"), how.pop("level"), how.pop("balloon_share")
    found = [_fee(fee, f"/fees/{n}", exponent) for n, fee in enumerate(_many(lambda v, _: v, 20)(fees, "/fees"))]
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
_CONVENTIONS: dict[str, tuple[Reader, Any]] = {
    "frequency": (_frequency, Frequency()),
    "method": (_one_of("declining", "flat"), "declining"),
    "amortization": (_one_of("equal_instalments", "equal_principal", "interest_only"), "equal_instalments"),
    "interest": (_text(40), "per_period"),
    "level": (_one_of(*LEVELS), "periods"),
    "first_interest": (_text(20), "period"),
    "interest_rounding": (_rounding, CENT),
    "principal_rounding": (_rounding, CENT),
    "instalment_rounding": (_rounding, CENT),
    "round_parts": (_flag, False),
    "remainder": (_text(10), "last"),
    "grace_principal": (_whole(600), 0),
    "grace_interest": (_whole(600), 0),
    "interest_free": (_whole(600), 0),
    "interest_in_grace": (_flag, True),
    "balloon_share": (_share(1), Decimal(0)),
}


def _servicing_readers(exponent: int) -> dict[str, tuple[Reader, Any]]:
    fee: dict[str, tuple[Reader, Any]] = {
        "amount": (_amount(exponent), 0), "share": (_share(1), Decimal(0)), "base": (_text(20), "principal"),
    }  # fmt: skip
    return {
        "order": (_order, AllocationOrder()),
        "rest": (_text(10), "due_date"),
        "prepayment": (_text(20), "next_instalments"),
        "rebate": (_one_of("actuarial", "rule_of_78", "pro_rata_days", "none"), "actuarial"),
        "closing_fee": (lambda value, pointer: ClosingFee(**_members(value, pointer, fee)), ClosingFee()),
        "tranches_max": (_whole(50, 1), 1),
    }


def _fee(value: Any, pointer: str, exponent: int) -> Fee:
    bases = ("flat", "principal", "interest", "principal_and_interest", "outstanding")
    found = _members(
        value, pointer,
        {
            "name": (_text(), "Fee"), "kind": (_one_of(*FEE_KINDS), "upfront"), "base": (_one_of(*bases), "flat"),
            "amount": (_amount(exponent), 0), "share": (_share(1), Decimal(0)),
        },
    )  # fmt: skip
    if found["kind"] != "per_instalment" and found["base"] not in ("flat", "principal"):
        raise _bad("A fee at the beginning is flat or of the principal.", f"{pointer}/base")
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
    found = _members(
        document, "/arrears",
        {
            "grace_days": (_whole(366), 0), "non_accrual_days": (_whole(10_000, 1), 90),
            "buckets": (_many(_bucket, 20), ()), "on_time": (_share(1), Decimal(0)),
        },
    )  # fmt: skip
    pairs = found["buckets"] or tuple((replace(bucket), share) for bucket, share in DEFAULT_BUCKETS)
    buckets = tuple(bucket for bucket, _ in pairs)
    try:
        buckets_check(buckets)
    except DomainError as error:
        raise _bad(error.detail or "The buckets follow one another.", "/arrears/buckets") from error
    provisions = {"none": found["on_time"], **{bucket.name: share for bucket, share in pairs}}
    return ArrearsTerms(found["grace_days"], buckets, provisions, found["non_accrual_days"])


def _bucket(value: Any, pointer: str) -> tuple[Bucket, Decimal]:
    found = _members(
        value, pointer,
        {
            "name": (_text(30), ""), "first_day": (_whole(10_000, 1), 1), "last_day": (_maybe(_whole(10_000, 1)), None),
            "provision": (_share(1), Decimal(0)),
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
    readers: dict[str, tuple[Reader, Any]] = {
        "base": (_text(30), "overdue_principal"), "kind": (_text(20), "per_day"), "rate": (_share(1), Decimal(0)),
        "amount": (_amount(exponent), 0), "grace_days": (_whole(366), 0), "grace": (_text(20), "from_due_date"),
        "cap": (_maybe(_amount(exponent)), None), "cap_share": (_maybe(_share(10)), None),
        "rounding": (_rounding, CENT),
    }  # fmt: skip
    rules = []
    for n, one in enumerate(_many(lambda v, _: v, 10)(document, "/penalties")):
        rule = PenaltyRule(**_members(one, f"/penalties/{n}", readers))
        try:
            rule.check()
        except CalculationError as error:
            raise type(error)(error.detail, pointer=f"/penalties/{n}{error.pointer}") from error
        rules.append(rule)
    return tuple(rules)


def requirements_read(document: Mapping[str, Any]) -> Requirements:
    """What an application needs. Raises LoanTermsInvalid."""
    paper: dict[str, tuple[Reader, Any]] = {
        "code": (_text(30), ""), "name": (_text(), ""), "required": (_flag, True),
    }  # fmt: skip
    found = _members(
        document, "/requirements",
        {
            "documents": (_many(lambda value, pointer: _members(value, pointer, paper), 30), ()),
            "instalment_share_max": (_maybe(_share(1)), None), "collateral_share_min": (_share(10), Decimal(0)),
            "guarantors_min": (_whole(20), 0), "offer_days": (_whole(366, 1), 30),
        },
    )  # fmt: skip
    for n, one in enumerate(found["documents"]):
        if not one["code"] or not one["name"]:
            raise _bad("A document has a code and a name.", f"/requirements/documents/{n}")
    return Requirements(**found)
