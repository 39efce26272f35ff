"""Collateral: what is pledged for a loan, what it is worth, and how much of the loan it covers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction

from apps.audit.services import record
from apps.balances.selectors import balance_read
from apps.calculations.rounding import whole_round
from apps.core.currencies import currency_get
from apps.core.display import money_text
from apps.core.errors import InvalidAmount, NotFound
from apps.core.text import text_clean
from apps.lending import locks
from apps.lending.errors import LoanStateWrong, SecurityMissing
from apps.lending.models import Collateral, CollateralValuation, Guarantor, Loan
from apps.lending.requirements import Requirements, requirements_read

if TYPE_CHECKING:
    from apps.identity.models import User

OPEN = (Loan.Status.APPROVED, Loan.Status.ACTIVE)


def loan_open_lock(*, loan_id: UUID) -> Loan:
    """The loan, locked, if it is to be paid out or active. Raises NotFound, LoanStateWrong."""
    loan = locks.loan_lock(pk=loan_id)
    if loan is None:
        raise NotFound("No such loan.")
    if loan.status not in OPEN:
        raise LoanStateWrong(f"The loan is {loan.get_status_display().lower()}.")
    return loan


@transaction.atomic
def collateral_add(
    *,
    acting_user: User | None,
    loan_id: UUID,
    kind: str,
    description: str,
    share: Decimal = Decimal(1),
    owner: str = "",
    reference: str = "",
    at: dt.datetime,
) -> Collateral:
    """Pledge a thing for a loan; `share` is the part of its value that counts, a fraction. It has no value yet.

    Raises NotFound, LoanStateWrong, InvalidText, InvalidAmount.
    """
    loan = loan_open_lock(loan_id=loan_id)
    if not 0 <= share <= 1:
        raise InvalidAmount("The share that counts is between 0 and 100 %.", pointer="/share_percent")
    thing = Collateral.objects.create(
        loan=loan,
        kind=Collateral.Kind(kind).value,
        description=text_clean(description, max_length=200, min_length=3, pointer="/description"),
        owner=text_clean(owner, max_length=160, pointer="/owner"),
        reference=text_clean(reference, max_length=64, pointer="/reference"),
        share=share,
    )
    after = {"loan": loan.number, "kind": thing.kind, "description": thing.description, "share": f"{share:f}"}
    record(action="lending.collateral.added", acting_user=acting_user, target=thing, after=after, at=at)
    return thing


@transaction.atomic
def valuation_add(
    *, acting_user: User | None, collateral_id: UUID, valued_on: dt.date, amount: int, valuer: str, today: dt.date,
    at: dt.datetime,
) -> Collateral:  # fmt: skip
    """Note what a thing was found to be worth, minor units. The newest by date is its value.

    Raises NotFound, LoanStateWrong for one that was released, InvalidAmount, InvalidText.
    """
    thing = _pledged(collateral_id)
    if amount < 0 or valued_on > today:
        raise InvalidAmount("A value is not below zero, and not of a day to come.", pointer="/amount")
    CollateralValuation.objects.create(
        collateral=thing, valued_on=valued_on, amount=amount, entered_by=acting_user,
        valuer=text_clean(valuer, max_length=160, min_length=2, pointer="/valuer"),
    )  # fmt: skip
    newest = thing.valuations.first()
    before = {"value": thing.value}
    if newest is not None:
        thing.value, thing.valued_on = newest.amount, newest.valued_on
    _save(thing, acting_user, "valued", before, {"value": thing.value, "valued_on": str(thing.valued_on)}, at)
    return thing


@transaction.atomic
def collateral_release(*, acting_user: User | None, collateral_id: UUID, today: dt.date, at: dt.datetime) -> Collateral:
    """Give a pledged thing back.

    Raises NotFound, LoanStateWrong for one that was released, SecurityMissing where the rest is less than the product
    asks for what is still owed; a thing without value may go, such as one that was sold.
    """
    thing = _pledged(collateral_id)
    thing.released_on = today
    _save(thing, acting_user, "released", {}, {"released_on": str(today)}, at)
    if thing.value:
        collateral_check(loan=thing.loan, principal=owed_of_active(loan=thing.loan))
    return thing


def _pledged(collateral_id: UUID) -> Collateral:
    found = Collateral.objects.filter(pk=collateral_id).first()
    if found is None:
        raise NotFound("No such collateral.")
    locks.loan_lock(pk=found.loan_id)
    thing = Collateral.objects.get(pk=collateral_id)
    if thing.released_on is not None:
        raise LoanStateWrong("It was released.")
    return thing


def _save(
    thing: Collateral,
    user: User | None,
    verb: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    at: dt.datetime,
) -> None:
    thing.version += 1
    thing.save()
    record(
        action=f"lending.collateral.{verb}",
        acting_user=user,
        target=thing,
        before=dict(before),
        after=dict(after),
        at=at,
    )


def security_check(*, loan: Loan) -> None:
    """What the product asks to stand behind a loan that is paid out now is there. Raises SecurityMissing."""
    guarantors_check(loan=loan)
    collateral_check(loan=loan, principal=loan.principal)


def guarantors_check(*, loan: Loan) -> None:
    """As many vouch for the loan as the product asks. Raises SecurityMissing."""
    needed = _needs(loan).guarantors_min
    if needed:
        there = Guarantor.objects.filter(loan=loan, released_on__isnull=True).count()
        if there < needed:
            raise SecurityMissing(f"{needed} guarantors are needed, {there} are there.")


def collateral_check(*, loan: Loan, principal: int) -> None:
    """Collateral counts for so much principal as the product asks. Raises SecurityMissing."""
    least = _needs(loan).collateral_share_min * principal
    if least:
        counted = coverage_read(loan=loan)["collateral"]
        if counted < least:
            there, needed = (money_text(one, loan.currency, with_currency=True) for one in (counted, least))
            raise SecurityMissing(f"Collateral of {needed} is needed, {there} is there.", counted_minor=counted)


def owed_of_active(*, loan: Loan) -> int:
    """Principal owed of an active loan, minor units: what security that is given back leaves uncovered."""
    return int(coverage_read(loan=loan)["owed"]) if loan.status == Loan.Status.ACTIVE else 0


def _needs(loan: Loan) -> Requirements:
    return requirements_read(loan.terms.requirements, exponent=currency_get(loan.currency).exponent)


def coverage_read(*, loan: Loan) -> dict[str, Any]:
    """What covers a loan: counted collateral, guarantees, principal owed, minor units; `share` covered or None."""
    things = list(Collateral.objects.filter(loan=loan, released_on__isnull=True))
    counted = sum(whole_round(thing.value * thing.share, "down") for thing in things)
    guaranteed = sum(Guarantor.objects.filter(loan=loan, released_on__isnull=True).values_list("amount", flat=True))
    owed = -balance_read(account_id=loan.principal_account_id).booked
    base = owed or loan.principal
    return {
        "collateral": counted,
        "guarantees": guaranteed,
        "owed": owed,
        "share": (Decimal(counted + guaranteed) / base).quantize(Decimal("0.0001")) if base else None,
        "formula": f"({counted} + {guaranteed}) / {base}",
    }
