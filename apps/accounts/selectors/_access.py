"""Who sees which account: the gate of every view."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from apps.accounts.models import Account, AccountHolder, AccountProduct, TermDeposit
from apps.core.errors import NotFound
from apps.core.kept_statement import KeptStatement
from apps.ledger.account_lines import lines_of

if TYPE_CHECKING:
    from apps.identity.models import User


def accounts_visible_to(user: User) -> QuerySet[Account]:
    """Accounts by the user's scope: the whole bank, the user's branch, or those the user owns or is a holder of."""
    accounts = Account.objects.select_related("product", "member", "branch")
    if not user.has_permission("accounts.view"):
        return accounts.none()
    if user.scope == "all":
        return accounts
    if user.scope == "branch":
        return accounts.filter(branch_id__in=user.branch_ids)
    held = AccountHolder.objects.in_force().filter(account=OuterRef("pk"), member__user=user.pk)
    return accounts.filter(Q(member__user=user.pk) | Exists(held))


def account_get_for(*, user: User, pk: UUID) -> Account:
    """The account, if the user may see it. Raises `NotFound`: not there and not yours look the same."""
    account = accounts_visible_to(user).filter(pk=pk).first()
    if account is None:
        raise NotFound("No such account.")
    return account


def with_holders(accounts: QuerySet[Account]) -> QuerySet[Account]:
    """Accounts with their holders of today, read in one statement for all of them."""
    holders = AccountHolder.objects.in_force().select_related("member").order_by("pk")
    return accounts.prefetch_related(Prefetch("holders", holders, to_attr="holders_now"))  # type: ignore[no-redef]


class AccountBrief(NamedTuple):
    """What reading a balance needs of an account."""

    id: UUID
    number: str
    ledger_account_id: int


def account_brief_for(*, user: User, pk: UUID) -> AccountBrief:
    """The account's ids and number, through the same gate as `account_get_for`, without the rows around it.

    They never change: for who may see the whole bank they are kept in the process, unless read inside a transaction,
    which may still undo them.
    """
    sees_all = user.scope == "all" and user.has_permission("accounts.view")
    if sees_all and (kept := _briefs.get(pk)) is not None:
        return kept
    if sees_all:
        row = _brief_row.row(pk)
    else:
        found = accounts_visible_to(user).select_related(None).filter(pk=pk).order_by()
        row = found.values_list("number", "ledger_account_id").first()
    if row is None:
        raise NotFound("No such account.")
    brief = AccountBrief(pk, *row)
    if sees_all and not connection.in_atomic_block and len(_briefs) < BRIEFS_MAX:
        _briefs[pk] = brief
    return brief


# Half a million accounts do not fit: a brief that is not kept must be cheap as well.
_brief_row = KeptStatement(
    "account_brief", "SELECT number, ledger_account_id FROM accounts_account WHERE id = %s", (bytes.decode, int)
)
BRIEFS_MAX = 100_000
_briefs: dict[UUID, AccountBrief] = {}


def accounts_of_member(accounts: QuerySet[Account], *, member_id: UUID) -> QuerySet[Account]:
    """Those of `accounts` that the member owns or is a holder of."""
    held = AccountHolder.objects.in_force().filter(account=OuterRef("pk"), member=member_id)
    return accounts.filter(Q(member=member_id) | Exists(held))


def account_is_of(*, account_id: UUID, member_id: UUID) -> bool:
    """Does the member own the account, alone or with others?"""
    return accounts_of_member(Account.objects.filter(pk=account_id), member_id=member_id).exists()


def account_by_number(*, number: str) -> Account | None:
    """The account with this number, whoever asks: for services, not for views."""
    return Account.objects.select_related("product").filter(number=number).first()


def transactions_of(
    *,
    account: Account,
    since: dt.date | None = None,
    until: dt.date | None = None,
    direction: str | None = None,
    kind: str | None = None,
    amount_min: int | None = None,
    amount_max: int | None = None,
    text: str | None = None,
) -> QuerySet[Any]:
    """Lines on the account with their entries; amounts in minor units, `direction` is in or out; None does not filter.

    `text` is looked for in description, counterparty and reference, in any case.
    """
    lines = lines_of(account_id=account.ledger_account_id)
    conditions = {
        "business_date__gte": since,
        "business_date__lte": until,
        "side": {"in": "C", "out": "D", None: None}[direction],
        "journal__kind": kind,
        "amount__gte": amount_min,
        "amount__lte": amount_max,
    }
    lines = lines.filter(**{name: value for name, value in conditions.items() if value is not None})
    if text:
        places = ("description", "counterparty", "reference")
        wanted = [Q(**{f"journal__{place}__icontains": text}) for place in places]
        lines = lines.filter(wanted[0] | wanted[1] | wanted[2])
    return lines


def products_visible_to(user: User) -> QuerySet[AccountProduct]:
    """Products: all of them for those who manage them, the ones open for new accounts for everybody else."""
    products = AccountProduct.objects.select_related("gl_account")
    if not user.has_permission("products.view"):
        return products.none()
    return (
        products if user.has_permission("products.manage") or user.scope != "own" else products.filter(is_active=True)
    )


def product_get_for(*, user: User, pk: UUID) -> AccountProduct:
    """The product, if the user may see it. Raises `NotFound`."""
    product = products_visible_to(user).filter(pk=pk).first()
    if product is None:
        raise NotFound("No such product.")
    return product


def account_facts(account: Account) -> dict[str, Any]:
    """What the audit trail keeps of an account; amounts in minor units."""
    names = "number name currency status status_reason status_until overdraft_limit opened_on closed_on"
    return {
        **{name: getattr(account, name) for name in names.split()},
        "fixed_terms": str(account.fixed_terms_id or ""),
        "product": str(account.product_id),
        "member": str(account.member_id),
        "branch": str(account.branch_id),
    }


def term_deposits_visible_to(user: User) -> QuerySet[TermDeposit]:
    """Terms of the accounts that the user may see."""
    accounts = accounts_visible_to(user).select_related(None).values("pk")
    return TermDeposit.objects.filter(account__in=accounts).select_related("account", "payout_account")


def term_deposit_get_for(*, user: User, pk: UUID) -> TermDeposit:
    """The term, if the user may see its account. Raises `NotFound`."""
    found = term_deposits_visible_to(user).filter(pk=pk).first()
    if found is None:
        raise NotFound("No such term deposit.")
    return found


def product_facts(product: AccountProduct) -> dict[str, Any]:
    """What the audit trail keeps of a product; amounts in minor units."""
    names = "code name kind number_prefix overdraft_limit_max transaction_limit engine description is_active"
    return {
        **{name: getattr(product, name) for name in names.split()},
        "currency": product.currency_id,
        "gl_account": product.gl_account.code,
    }
