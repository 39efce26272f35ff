"""Opening many accounts at once, set-based: for imports, where one by one would take longer than the file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import IntegrityError, transaction
from simple_history.utils import bulk_create_with_history

from apps.accounts.errors import AccountNumberTaken, ProductNotUsable
from apps.accounts.models import Account, AccountProduct
from apps.accounts.numbers import number_check
from apps.accounts.selectors import account_facts
from apps.audit.services import record_many
from apps.balances import services as balances
from apps.members.facts import branch_require
from apps.members.services import member_require_active

if TYPE_CHECKING:
    from apps.identity.models import User

BATCH_SIZE = 1_000


@transaction.atomic
def accounts_open(
    *,
    acting_user: User | None,
    product_id: UUID,
    member_id: UUID,
    branch_id: UUID,
    rows: Sequence[tuple[str, str, dt.date]],
) -> list[Account]:
    """Open many accounts of one product for one member; a row is number, name, day of opening.

    All of them or none. Balances are zero, without overdraft. Raises `ProductNotUsable`, `NotFound` or
    `MemberNotActive` for the member, `BranchNotUsable`, `AccountNumberInvalid`, `AccountNumberTaken` when one of the
    numbers is.
    """
    product = AccountProduct.objects.select_related("gl_account").filter(pk=product_id).first()
    if product is None or not product.is_active:
        raise ProductNotUsable("No such product, or not open for new accounts.")
    member = member_require_active(member_id=member_id)
    branch = branch_require(acting_user=acting_user, branch_id=branch_id)
    accounts = [
        Account(
            number=number_check(number),
            name=name[:120],
            product=product,
            member=member,
            branch=branch,
            currency=product.currency_id,
            opened_on=opened_on,
        )
        for number, name, opened_on in rows
    ]
    try:
        with transaction.atomic():
            ids = balances.accounts_open(
                gl_code=product.gl_account.code,
                currency=product.currency_id,
                rows=[(branch.pk, account.number, account.name, 0) for account in accounts],
                realtime=product.engine == AccountProduct.Engine.REALTIME,
            )
            for account in accounts:
                account.ledger_account_id = ids[account.number]
            bulk_create_with_history(
                accounts,
                Account,
                batch_size=BATCH_SIZE,
                default_user=acting_user,
                default_change_reason="opened",
            )
    except IntegrityError as error:
        if "number" in str(error):
            raise AccountNumberTaken from error
        raise
    record_many(
        [
            {
                "action": "accounts.account.opened",
                "acting_user": acting_user,
                "target": account,
                "after": account_facts(account),
            }
            for account in accounts
        ]
    )
    return accounts
