"""Reads of product terms and fees."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.accounts.models import Account, ProductFee, ProductTerms
from apps.core.errors import NotFound


def terms_of_product(*, product_id: UUID) -> QuerySet[ProductTerms]:
    """The versions of a product's terms, the newest first."""
    return ProductTerms.objects.filter(product=product_id).order_by("-effective_from")


def terms_on(*, product_id: UUID, day: dt.date) -> ProductTerms | None:
    """The version that holds on a day; None when none does yet."""
    return terms_of_product(product_id=product_id).filter(effective_from__lte=day).first()


def terms_of_account(*, account: Account, day: dt.date) -> ProductTerms | None:
    """What was agreed with the account, else the product's terms of the day."""
    if account.fixed_terms_id is not None:
        return account.fixed_terms
    return terms_on(product_id=account.product_id, day=day)


def terms_get(*, product_id: UUID, pk: UUID) -> ProductTerms:
    """One version of a product's terms. Raises `NotFound`."""
    found = ProductTerms.objects.filter(pk=pk, product=product_id).first()
    if found is None:
        raise NotFound("The product has no such terms.")
    return found


def fees_of_product(*, product_id: UUID) -> QuerySet[ProductFee]:
    """All fees of a product, those of the past too."""
    return ProductFee.objects.filter(product=product_id)


def fees_on(*, day: dt.date, kinds: Iterable[str], product_id: UUID | None = None) -> QuerySet[ProductFee]:
    """Fees of these kinds that are charged on a day."""
    fees = ProductFee.objects.filter(
        Q(effective_to__isnull=True) | Q(effective_to__gte=day), kind__in=list(kinds), effective_from__lte=day
    )
    return fees if product_id is None else fees.filter(product=product_id)


def terms_facts(terms: ProductTerms) -> dict[str, Any]:
    """What the audit trail keeps of terms; amounts in minor units."""
    return {
        field.attname: getattr(terms, field.attname)
        for field in ProductTerms._meta.concrete_fields
        if field.attname not in {"id", "created_at", "updated_at", "version"}
    }


def fee_facts(fee: ProductFee) -> dict[str, Any]:
    """What the audit trail keeps of a fee; amounts in minor units."""
    return {
        field.attname: getattr(fee, field.attname)
        for field in ProductFee._meta.concrete_fields
        if field.attname not in {"id", "created_at", "updated_at", "version"}
    }
