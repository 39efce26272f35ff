"""Terms and fees of products: new versions from a date on. What has begun stays as it was."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, Max

from apps.accounts.errors import FeeInvalid, TermsBegun, TermsDateTaken, TermsInvalid
from apps.accounts.interest_terms import DAY_COUNTS, boundary_at, engine_terms
from apps.accounts.models import Account, AccountProduct, CloseMark, ProductFee, ProductTerms
from apps.accounts.selectors import fee_facts, terms_facts, terms_get
from apps.audit.services import record
from apps.core.errors import DomainError, NotFound
from apps.core.text import text_clean

if TYPE_CHECKING:
    from apps.identity.models import User

CHANNELS_MAX = 20
GRACE_MAX = 90
RATE_PLACES = 10


def terms_earliest(*, today: dt.date) -> dt.date:
    """The first date that new terms may hold from: today, or the day after the last one that interest accrued for."""
    accrued = CloseMark.objects.aggregate(latest=Max("accrued_through"))["latest"]
    return max(today, accrued + dt.timedelta(days=1)) if accrued else today


@transaction.atomic
def terms_set(
    *, acting_user: User | None, product_id: UUID, effective_from: dt.date, today: dt.date | None, **values: Any
) -> ProductTerms:
    """Add a version of a product's terms that holds from a date on; fields as on `ProductTerms`.

    `today` is the open business date: terms cannot begin before it, nor before what has accrued; None for the terms
    that a product starts with. Raises `NotFound`, `TermsInvalid` with a pointer, `TermsBegun`, `TermsDateTaken`.
    """
    product = AccountProduct.objects.filter(pk=product_id).first()
    if product is None:
        raise NotFound("No such product.")
    if today is not None and effective_from < (earliest := terms_earliest(today=today)):
        raise TermsBegun(f"The first date that is still open is {earliest}.", pointer="/effective_from")
    terms = ProductTerms(product=product, effective_from=effective_from, **values)
    _rates_clean(terms)
    _terms_check(terms)
    try:
        with transaction.atomic():
            terms.save(force_insert=True)
    except IntegrityError as error:
        raise TermsDateTaken(f"There are terms from {effective_from}.", pointer="/effective_from") from error
    record(action="accounts.terms.set", acting_user=acting_user, target=product, after=terms_facts(terms))
    return terms


@transaction.atomic
def terms_withdraw(*, acting_user: User | None, product_id: UUID, terms_id: UUID, today: dt.date) -> None:
    """Take back terms that have not begun. Raises `NotFound`, `TermsBegun` for others and for those agreed with an
    account."""
    terms = terms_get(product_id=product_id, pk=terms_id)
    begun = terms.effective_from < terms_earliest(today=today) or terms.effective_from <= today
    if begun or Account.objects.filter(fixed_terms=terms).exists():
        raise TermsBegun("Terms that have begun stay; set new ones from a later date.")
    before = terms_facts(terms)
    product = terms.product
    terms.delete()
    record(action="accounts.terms.withdrawn", acting_user=acting_user, target=product, before=before)


def _rates_clean(terms: ProductTerms) -> None:
    for name in ("rates", "overdraft_rates"):
        setattr(terms, name, [[start, _rate_text(rate, f"/{name}")] for start, rate in getattr(terms, name)])


def _rate_text(rate: object, pointer: str) -> str:
    """A rate as it is kept: a plain decimal of at most ten places."""
    try:
        value = Decimal(str(rate))
    except InvalidOperation as error:
        raise TermsInvalid("A rate is a decimal fraction: 0.055 is 5.5 %.", pointer=pointer) from error
    if not value.is_finite() or value < 0 or value > 1_000 or value != round(value, RATE_PLACES):
        raise TermsInvalid("A rate is a fraction of at most ten places, not below zero.", pointer=pointer)
    return f"{value.normalize():f}"


def _terms_check(terms: ProductTerms) -> None:
    """Raises `TermsInvalid`: what the calculation engine refuses, or what cannot be accrued day by day."""
    if terms.day_count not in DAY_COUNTS:
        raise TermsInvalid("One of " + ", ".join(DAY_COUNTS), pointer="/day_count")
    try:
        engine_terms(terms).check()
    except DomainError as error:
        raise TermsInvalid(error.detail, pointer=error.pointer) from error
    if not 0 <= terms.accrual_decimals <= 10:
        raise TermsInvalid("From 0 to 10 decimals.", pointer="/accrual_decimals")
    if not 0 <= terms.tax_rate < 1:
        raise TermsInvalid("A fraction below 1.", pointer="/tax_rate")
    if terms.overdraft_rates and not terms.product.overdraft_limit_max:
        raise TermsInvalid("The product has no overdraft.", pointer="/overdraft_rates")
    if terms.balance_method != ProductTerms.Method.DAILY:
        _period_method_check(terms)
    if terms.maximum_balance is not None and terms.maximum_balance < terms.minimum_balance:
        raise TermsInvalid("Not below the minimum.", pointer="/maximum_balance")
    if terms.minimum_kept and not terms.minimum_balance:
        raise TermsInvalid("There is no minimum to keep.", pointer="/minimum_kept")
    _bounds_check(terms)
    if terms.grace_days > GRACE_MAX:
        raise TermsInvalid(f"At most {GRACE_MAX} days.", pointer="/grace_days")
    if len(terms.channels) > CHANNELS_MAX:
        raise TermsInvalid(f"At most {CHANNELS_MAX} channels.", pointer="/channels")
    terms.note = text_clean(terms.note, max_length=200, pointer="/note")


def _bounds_check(terms: ProductTerms) -> None:
    """Bounds are measured under the lock of a balance, which accounts of the balance engine do not have."""
    if terms.product.engine != AccountProduct.Engine.REALTIME:
        return
    for name, bound in (("maximum_balance", terms.maximum_balance is not None), ("minimum_kept", terms.minimum_kept)):
        if bound:
            raise TermsInvalid("A real-time product has no bounds: take the database's engine.", pointer=f"/{name}")


def _period_method_check(terms: ProductTerms) -> None:
    """Lowest and average balances are of whole periods, so these terms begin with one and say nothing of days."""
    if terms.overdraft_rates:
        raise TermsInvalid("What is owed on an overdraft is owed by the day.", pointer="/overdraft_rates")
    if terms.compounding != ProductTerms.Compounding.NONE:
        raise TermsInvalid("Only interest by the day compounds before it is paid.", pointer="/compounding")
    begins = boundary_at(terms.posting, terms.effective_from)
    if begins is None:
        raise TermsInvalid("Interest on periods is posted by a calendar.", pointer="/posting")
    if begins != terms.effective_from:
        raise TermsInvalid("They begin with a period of the posting calendar.", pointer="/effective_from")


@transaction.atomic
def fee_add(
    *, acting_user: User | None, product_id: UUID, today: dt.date | None, name: str, kind: str, **values: Any
) -> ProductFee:
    """Charge a fee from a date on; fields as on `ProductFee`, amounts in minor units.

    It cannot begin before `today`, the open business date; None for the fees that a product starts with. Raises
    `NotFound`, `FeeInvalid` with a pointer, `TermsBegun`.
    """
    product = AccountProduct.objects.filter(pk=product_id).first()
    if product is None:
        raise NotFound("No such product.")
    fee = ProductFee(product=product, name=text_clean(name, max_length=80, min_length=1), kind=kind, **values)
    if today is not None and fee.effective_from < today:
        raise TermsBegun(f"The open business date is {today}.", pointer="/effective_from")
    _fee_check(fee)
    fee.save(force_insert=True)
    record(action="accounts.fee.added", acting_user=acting_user, target=product, after=fee_facts(fee))
    return fee


@transaction.atomic
def fee_end(
    *, acting_user: User | None, product_id: UUID, fee_id: UUID, effective_to: dt.date, today: dt.date
) -> ProductFee:
    """Charge a fee for the last time on a date, today or later. Raises `NotFound`, `TermsBegun`, `FeeInvalid`."""
    fee = ProductFee.objects.select_related("product").filter(pk=fee_id, product=product_id).first()
    if fee is None:
        raise NotFound("The product has no such fee.")
    if effective_to < today or (fee.effective_to is not None and fee.effective_to < today):
        raise TermsBegun(f"The open business date is {today}.", pointer="/effective_to")
    if effective_to < fee.effective_from:
        raise FeeInvalid("It would end before it begins.", pointer="/effective_to")
    before = fee.effective_to
    ProductFee.objects.filter(pk=fee.pk).update(effective_to=effective_to, version=F("version") + 1)
    record(
        action="accounts.fee.ended",
        acting_user=acting_user,
        target=fee.product,
        before={"fee": fee.name, "effective_to": before},
        after={"fee": fee.name, "effective_to": effective_to},
    )
    fee.refresh_from_db()
    return fee


def _fee_check(fee: ProductFee) -> None:
    def refuse(detail: str, field: str) -> None:
        raise FeeInvalid(detail, pointer=f"/{field}")

    for name in ("amount", "percent", "fee_min"):
        if getattr(fee, name) < 0:
            refuse("Not below zero.", name)
    if not (fee.amount or fee.percent):
        refuse("An amount or a percentage.", "amount")
    if fee.percent > 1:
        refuse("A fraction: 0.01 is 1 %.", "percent")
    if fee.fee_max is not None and fee.fee_max < fee.fee_min:
        refuse("Not below the minimum.", "fee_max")
    if fee.effective_to is not None and fee.effective_to < fee.effective_from:
        refuse("Not before its first day.", "effective_to")
    if fee.kind != ProductFee.Kind.TRANSACTION and (fee.channels or fee.free_quota):
        refuse("Only of fees on movements.", "channels" if fee.channels else "free_quota")
    if len(fee.channels) > CHANNELS_MAX:
        refuse(f"At most {CHANNELS_MAX} channels.", "channels")
