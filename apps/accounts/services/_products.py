"""Products: the terms that accounts share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypedDict, Unpack
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.accounts import locks
from apps.accounts.errors import ProductCodeTaken, ProductTermsInvalid
from apps.accounts.models import AccountProduct
from apps.accounts.selectors import product_facts
from apps.audit.services import record
from apps.core.api.etag import version_check
from apps.core.currencies import currency_get
from apps.core.errors import InvalidText, NotFound
from apps.core.text import text_clean
from apps.core.trail import history_stamp
from apps.ledger.errors import GLAccountNotFound
from apps.ledger.selectors import currency_is_kept, gl_account_get

if TYPE_CHECKING:
    from apps.identity.models import User

_CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{1,19}")
_PREFIX = re.compile(r"[0-9]{1,4}")


class ProductTerms(TypedDict, total=False):
    """What may change in a product's life; amounts in minor units. New terms hold for what happens from then on."""

    name: str
    description: str
    overdraft_limit_max: int
    transaction_limit: int | None
    engine: str
    is_active: bool


@transaction.atomic
def product_create(
    *,
    acting_user: User | None,
    code: str,
    kind: str,
    currency: str,
    gl_account: str,
    number_prefix: str,
    **terms: Unpack[ProductTerms],
) -> AccountProduct:
    """Add a product. `gl_account` is the code of a control account for deposits; amounts in minor units.

    Raises `ProductCodeTaken`, `ProductTermsInvalid`, `InvalidText`, `InvalidCurrency`.
    """
    code = text_clean(code, max_length=20, identifier=True, pointer="/code")
    if not _CODE.fullmatch(code):
        raise InvalidText("2 to 20 capital letters, digits and hyphens.", pointer="/code")
    if not _PREFIX.fullmatch(number_prefix):
        raise InvalidText("1 to 4 digits.", pointer="/number_prefix")
    if not currency_is_kept(code=currency_get(currency, pointer="/currency").code):
        raise ProductTermsInvalid("The bank keeps no books in this currency.", pointer="/currency")
    product = AccountProduct(
        code=code,
        kind=AccountProduct.Kind(kind).value,
        currency_id=currency,
        gl_account=_control_account(gl_account, kind),
        number_prefix=number_prefix,
        **_terms_check(terms),
    )
    history_stamp(product, acting_user=acting_user, reason="created")
    try:
        with transaction.atomic():
            product.save(force_insert=True)
    except IntegrityError as error:
        raise ProductCodeTaken(pointer="/code") from error
    record(action="accounts.product.created", acting_user=acting_user, target=product, after=product_facts(product))
    return product


@transaction.atomic
def product_update(
    *, acting_user: User | None, product_id: UUID, expected_version: int, **terms: Unpack[ProductTerms]
) -> AccountProduct:
    """Change terms of a product. Accounts keep the overdraft limits agreed with them.

    Raises `NotFound`, `PreconditionFailed` for another version, `ProductTermsInvalid`, `InvalidText`.
    """
    product = locks.product_lock(pk=product_id)
    if product is None:
        raise NotFound("No such product.")
    version_check(current=product.version, expected=expected_version)
    before = product_facts(product)
    for name, value in _terms_check(terms).items():
        setattr(product, name, value)
    after = product_facts(product)
    changed = [name for name in after if after[name] != before[name]]
    if not changed:
        return product
    product.version += 1
    history_stamp(product, acting_user=acting_user, reason="updated")
    product.save()
    record(
        action="accounts.product.updated",
        acting_user=acting_user,
        target=product,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
    )
    return product


def _control_account(code: str, kind: str) -> Any:
    try:
        gl_account = gl_account_get(code=code)
    except GLAccountNotFound as error:
        raise ProductTermsInvalid(error.detail, pointer="/account_code") from error
    types = ("equity", "liability") if kind == AccountProduct.Kind.SHARE else ("liability",)
    if gl_account.usage != "control" or gl_account.type not in types or not gl_account.is_active:
        raise ProductTermsInvalid(
            f"Its accounts are kept under an active control account of {' or '.join(types)}.", pointer="/account_code"
        )
    return gl_account


def _terms_check(terms: ProductTerms) -> dict[str, Any]:
    clean: dict[str, Any] = dict(terms)
    if "name" in clean:
        clean["name"] = text_clean(clean["name"], max_length=80, min_length=1, pointer="/name")
    if "description" in clean:
        clean["description"] = text_clean(clean["description"], max_length=400, pointer="/description")
    if clean.get("overdraft_limit_max", 0) < 0:
        raise ProductTermsInvalid("Not below zero.", pointer="/overdraft_limit_max")
    limit = clean.get("transaction_limit")
    if limit is not None and limit <= 0:
        raise ProductTermsInvalid("Above zero, or null for none.", pointer="/transaction_limit")
    return clean
