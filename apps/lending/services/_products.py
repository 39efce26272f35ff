"""Loan products and their terms."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.audit.services import record
from apps.calculations.loans.options import INSTALMENTS_MAX
from apps.core.api.etag import version_check
from apps.core.currencies import currency_get
from apps.core.errors import InvalidText, NotFound
from apps.core.money import MAX_MINOR
from apps.core.text import text_clean
from apps.core.trail import history_stamp
from apps.ledger.selectors import currency_is_kept, gl_accounts_by_code
from apps.lending import locks
from apps.lending.conventions import arrears_read, conventions_read, penalties_read
from apps.lending.errors import LoanProductCodeTaken, LoanTermsInvalid, LoanTermsPast
from apps.lending.mapping import LOAN_ACCOUNTS, mapping_of
from apps.lending.models import BorrowerKind, LoanProduct, LoanProductTerms
from apps.lending.requirements import requirements_read
from apps.lending.selectors import product_facts, terms_facts

if TYPE_CHECKING:
    from apps.identity.models import User

_CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{1,19}")
_PREFIX = re.compile(r"[0-9]{1,4}")
RATE_MAX = Decimal(100)

_TYPES = {
    **dict.fromkeys((*LOAN_ACCOUNTS, "suspense", "allowance_1", "allowance_2", "allowance_3"), "asset"),
    **dict.fromkeys(("interest_income", "fee_income", "penalty_income", "recovery"), "income"),
    **dict.fromkeys(("waivers", "write_off", "impairment"), "expense"),
}


@dataclass(frozen=True, slots=True)
class TermsAsked:
    """A version of terms to be written: amounts in minor units, rates annual fractions, documents as they come."""

    effective_from: dt.date
    principal_min: int
    principal_max: int
    instalments_min: int
    instalments_max: int
    rate: Decimal
    rate_min: Decimal
    rate_max: Decimal
    conventions: Mapping[str, Any] = field(default_factory=dict)
    servicing: Mapping[str, Any] = field(default_factory=dict)
    fees: Sequence[Any] = ()
    penalties: Sequence[Any] = ()
    requirements: Mapping[str, Any] = field(default_factory=dict)
    arrears: Mapping[str, Any] = field(default_factory=dict)


@transaction.atomic
def product_create(
    *,
    acting_user: User | None,
    code: str,
    name: str,
    kind: str,
    currency: str,
    borrowers: Sequence[str],
    number_prefix: str,
    terms: TermsAsked,
    accounting: str = LoanProduct.Accounting.ACCRUAL,
    mapping: Mapping[str, str] | None = None,
    description: str = "",
) -> LoanProduct:
    """Add a product with its first terms. `mapping` has codes of the chart by role, where they are not the usual ones.

    Raises `LoanProductCodeTaken`, `LoanTermsInvalid`, `InvalidText`, `InvalidCurrency`, and CalculationErrors for
    conventions without a name.
    """
    code = text_clean(code, max_length=20, identifier=True, pointer="/code")
    if not _CODE.fullmatch(code):
        raise InvalidText("2 to 20 capital letters, digits and hyphens.", pointer="/code")
    if not _PREFIX.fullmatch(number_prefix):
        raise InvalidText("1 to 4 digits.", pointer="/number_prefix")
    if not currency_is_kept(code=currency_get(currency, pointer="/currency").code):
        raise LoanTermsInvalid("The bank keeps no books in this currency.", pointer="/currency")
    who = list(dict.fromkeys(borrowers))
    if not who or not set(who) <= set(BorrowerKind.values):
        raise LoanTermsInvalid("At least one of " + ", ".join(BorrowerKind.values) + ".", pointer="/borrowers")
    product = LoanProduct(
        code=code,
        name=text_clean(name, max_length=80, min_length=1, pointer="/name"),
        kind=LoanProduct.Kind(kind).value,
        currency_id=currency,
        borrowers=who,
        accounting=LoanProduct.Accounting(accounting).value,
        mapping=_mapping_check(mapping or {}),
        number_prefix=number_prefix,
        description=text_clean(description, max_length=400, pointer="/description"),
    )
    history_stamp(product, acting_user=acting_user, reason="created")
    try:
        with transaction.atomic():
            product.save(force_insert=True)
    except IntegrityError as error:
        raise LoanProductCodeTaken(pointer="/code") from error
    record(action="lending.product.created", acting_user=acting_user, target=product, after=product_facts(product))
    _terms_write(product, terms, number=1, acting_user=acting_user)
    return product


@transaction.atomic
def product_update(
    *,
    acting_user: User | None,
    product_id: UUID,
    expected_version: int,
    name: str | None = None,
    description: str | None = None,
    is_active: bool | None = None,
) -> LoanProduct:
    """Change what is said of a product, or open and close it for applications; None leaves it.

    Raises `NotFound`, `PreconditionFailed`, `InvalidText`.
    """
    product = _locked(product_id)
    version_check(current=product.version, expected=expected_version)
    before = product_facts(product)
    if name is not None:
        product.name = text_clean(name, max_length=80, min_length=1, pointer="/name")
    if description is not None:
        product.description = text_clean(description, max_length=400, pointer="/description")
    if is_active is not None:
        product.is_active = is_active
    after = product_facts(product)
    if after == before:
        return product
    product.version += 1
    history_stamp(product, acting_user=acting_user, reason="updated")
    product.save()
    record(action="lending.product.updated", acting_user=acting_user, target=product, before=before, after=after)
    return product


@transaction.atomic
def terms_add(
    *, acting_user: User | None, product_id: UUID, terms: TermsAsked, business_date: dt.date
) -> LoanProductTerms:
    """Add terms that hold from a day on, not before `business_date`. Loans keep the terms they began with.

    Raises `NotFound`, `LoanTermsPast`, `LoanTermsInvalid`, CalculationErrors.
    """
    product = _locked(product_id)
    newest = product.terms.order_by("-effective_from").first()
    if newest is not None and terms.effective_from <= newest.effective_from:
        raise LoanTermsPast(f"Later than {newest.effective_from}.", pointer="/effective_from")
    if terms.effective_from < business_date:
        raise LoanTermsPast(f"Not before {business_date}.", pointer="/effective_from")
    product.version += 1
    history_stamp(product, acting_user=acting_user, reason="terms added")
    product.save(update_fields=["version", "updated_at"])
    return _terms_write(product, terms, number=newest.number + 1 if newest else 1, acting_user=acting_user)


def _locked(product_id: UUID) -> LoanProduct:
    product = locks.product_lock(pk=product_id)
    if product is None:
        raise NotFound("No such loan product.")
    return product


def terms_check(*, product: LoanProduct, terms: TermsAsked) -> None:
    """Raises `LoanTermsInvalid`, and CalculationErrors for conventions without a name."""
    _limits_check(terms)
    exponent = currency_get(product.currency_id).exponent
    conventions_read(conventions=terms.conventions, servicing=terms.servicing, fees=terms.fees, exponent=exponent)
    penalties_read(terms.penalties, exponent=exponent)
    requirements_read(terms.requirements, exponent=exponent)
    arrears_read(terms.arrears)


def _terms_write(product: LoanProduct, asked: TermsAsked, *, number: int, acting_user: User | None) -> LoanProductTerms:
    terms_check(product=product, terms=asked)
    terms = LoanProductTerms.objects.create(
        product=product,
        number=number,
        effective_from=asked.effective_from,
        principal_min=asked.principal_min,
        principal_max=asked.principal_max,
        instalments_min=asked.instalments_min,
        instalments_max=asked.instalments_max,
        rate=asked.rate,
        rate_min=asked.rate_min,
        rate_max=asked.rate_max,
        conventions=dict(asked.conventions),
        servicing=dict(asked.servicing),
        fees=list(asked.fees),
        penalties=list(asked.penalties),
        requirements=dict(asked.requirements),
        arrears=dict(asked.arrears),
    )
    record(action="lending.terms.added", acting_user=acting_user, target=product, after=terms_facts(terms))
    return terms


def _limits_check(asked: TermsAsked) -> None:
    if not 0 < asked.principal_min <= asked.principal_max <= MAX_MINOR:
        raise LoanTermsInvalid("Above zero, and the least not above the most.", pointer="/principal_min")
    if not 0 < asked.instalments_min <= asked.instalments_max <= INSTALMENTS_MAX:
        raise LoanTermsInvalid(f"1 to {INSTALMENTS_MAX:,}, the least not above the most.", pointer="/instalments_min")
    if not 0 <= asked.rate_min <= asked.rate <= asked.rate_max <= RATE_MAX:
        raise LoanTermsInvalid("Not below zero, and in order: least, usual, most.", pointer="/rate")


def _mapping_check(chosen: Mapping[str, str]) -> dict[str, str]:
    """The mapping as it is kept. Raises LoanTermsInvalid for roles and accounts that cannot be."""
    roles = mapping_of({})
    for role in chosen:
        if role not in roles:
            raise LoanTermsInvalid(f"No account plays the role {str(role)[:40]}.", pointer=f"/mapping/{str(role)[:40]}")
    whole = mapping_of(chosen)
    nodes = gl_accounts_by_code(codes=set(whole.values()))
    for role, code in whole.items():
        node, usage = nodes.get(code), "control" if role in LOAN_ACCOUNTS else "detail"
        if node is None or node.usage != usage or node.type != _TYPES[role] or not node.is_active:
            raise LoanTermsInvalid(
                f"{str(code)[:20]} is not an active {usage} account of type {_TYPES[role]}.", pointer=f"/mapping/{role}"
            )
    return dict(chosen)
