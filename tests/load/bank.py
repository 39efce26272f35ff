"""The bank that is measured: 2,000 funded accounts, a machine user who may transfer, and the raw tables beside it."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from pathlib import Path

from django.core.management import call_command
from django.db import connection

from apps.accounts.models import Account, AccountProduct
from apps.accounts.services import account_open
from apps.balances.services import Leg, Posting, internal_account_id, postings_post
from apps.core import clock
from apps.identity.models import Branch
from apps.identity.services import token_pair_issue
from apps.ledger.selectors import business_date_current
from apps.members.services import member_create
from tests.factories.identity import user_make

SQL = Path(__file__).parent / "sql"
ACCOUNTS = 2_000
FUNDS = 100_000_000_000
PERMISSIONS = ("payments.transfer", "payments.batch", "accounts.view", "members.view")


@dataclass(frozen=True)
class Bank:
    """Numbers, ids and ledger account ids of the accounts in the same order, and an access token."""

    numbers: list[str]
    ids: list[uuid.UUID]
    ledger_ids: list[int]
    token: str
    user_id: uuid.UUID


def bank_make() -> Bank:
    """Migrate, open and fund the accounts through the services, and lay the raw tables beside them."""
    call_command("migrate", verbosity=0)
    call_command("load_reference_data", verbosity=0)
    branch = Branch.objects.get(code="HQ")
    product = AccountProduct.objects.get(code="SAV-KES")
    today = business_date_current()
    member = member_create(
        acting_user=None,
        kind="person",
        first_name="Bench",
        last_name="Mark",
        branch_id=branch.pk,
        joined_on=today,
    )
    accounts = [account_new(product.pk, member.pk, branch.pk, today) for _ in range(ACCOUNTS)]
    cash = internal_account_id(gl_code="1120", branch_id=branch.pk, branch_code=branch.code, currency="KES")
    postings_post([funding(cash, account.ledger_account_id) for account in accounts], actor_id=None)
    user = user_make(
        *PERMISSIONS, scope="all", is_staff=False, plan="unlimited"
    )  # a machine: what it reads is not staff's looking
    with connection.cursor() as cursor:
        cursor.execute((SQL / "raw_schema.sql").read_text(encoding="utf-8"))
        cursor.execute(
            "INSERT INTO bench.account (id, currency, kind, balance)"
            " SELECT i, 'KES', 'customer', %s FROM generate_series(1, %s) AS i",
            [FUNDS, ACCOUNTS],
        )
        cursor.execute("VACUUM ANALYZE")
    return Bank(
        numbers=[account.number for account in accounts],
        ids=[account.pk for account in accounts],
        ledger_ids=[account.ledger_account_id for account in accounts],
        token=token_pair_issue(user=user).access,
        user_id=user.pk,
    )


def account_new(product_id: uuid.UUID, member_id: uuid.UUID, branch_id: uuid.UUID, today: dt.date) -> Account:
    """An account of the product, open today."""
    return account_open(
        acting_user=None, product_id=product_id, member_id=member_id, branch_id=branch_id, opened_on=today
    )


def funding(cash: int, account: int) -> Posting:
    """What fills an account from the cash, a deposit."""
    transaction_id = uuid.uuid4()
    return Posting(
        transaction_id=transaction_id,
        client_id="bench",
        key=transaction_id.hex,
        fingerprint=bytes(32),
        kind="deposit",
        legs=(Leg(cash, -FUNDS, "KES"), Leg(account, FUNDS, "KES")),
        client_timestamp=clock.now(),
    )


def transfer_posting(source: int, target: int) -> Posting:
    """One cent from one ledger account to another, under a key of its own."""
    transaction_id = uuid.uuid4()
    return Posting(
        transaction_id=transaction_id,
        client_id="bench",
        key=transaction_id.hex,
        fingerprint=bytes(32),
        kind="transfer",
        legs=(Leg(source, -1, "KES"), Leg(target, 1, "KES")),
        channel="api",
        description="Rent",
    )
