"""Staff at the site, and a small bank for them to look at."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Account
from apps.balances.services import Leg, Posting, postings_post
from apps.core import clock
from apps.identity.models import Branch
from apps.ledger.sealing import journal_seal_all
from apps.ledger.selectors import business_date_current, trial_balance
from tests.factories.accounts import AccountFactory, ProductFactory, cash_move
from tests.factories.identity import BranchFactory, user_make
from tests.factories.members import MemberFactory

EVERYTHING = (
    "backoffice.dashboard",
    "members.view",
    "accounts.view",
    "products.view",
    "ledger.view",
    "payments.import",
    "identity.view_users",
    "identity.view_roles",
    "identity.manage_users",
    "audit.view",
)


@pytest.fixture
def staff(db: None) -> Callable[..., Client]:
    """`staff("members.view", scope="branch", branch=branch)`: a browser signed in with exactly these permissions."""

    def make(*permissions: str, **options: Any) -> Client:
        client = Client()
        client.force_login(user_make(*permissions, **options))
        return client

    return make


@pytest.fixture
def auditor(staff: Callable[..., Client]) -> Client:
    """Sees all, changes nothing."""
    return staff(*EVERYTHING)


@dataclass
class Bank:
    """Two branches, an account with five movements in each, one of them a transfer between the two."""

    east: Branch
    west: Branch
    alice: Account
    bob: Account
    transfer: int
    deposits: int  # minor units under 2110 in the whole bank: tests that commit may have left some
    cash: int  # minor units under 1120, debit-positive


@pytest.fixture
def bank(db: None) -> Bank:
    east, west = BranchFactory(name="East"), BranchFactory(name="West")
    product = ProductFactory()
    alice = AccountFactory(member=MemberFactory(branch=east, first_name="Alice", last_name="Otieno"), product=product)
    bob = AccountFactory(member=MemberFactory(branch=west, first_name="Bob", last_name="Kamau"), product=product)
    for account in (alice, bob):
        for amount in ("1000.00", "-50.25", "200.00", "-10.00"):
            cash_move(account, amount)
    legs = (Leg(alice.ledger_account_id, -12_345, "KES"), Leg(bob.ledger_account_id, 12_345, "KES"))
    transaction_id = uuid.uuid4()
    posting = Posting(
        transaction_id=transaction_id,
        client_id="tests",
        key=transaction_id.hex,
        fingerprint=b"\0" * 32,
        kind="transfer",
        legs=legs,
        description="Rent for March",
        reference="INV-2026-77",
    )
    result = postings_post([posting], actor_id=None)
    journal_seal_all(at=clock.now())
    entry = result.outcomes[0].journal_id
    assert entry is not None
    nets = {row.code: row.net for row in trial_balance(as_of=business_date_current(), currency="KES").rows}
    return Bank(east, west, alice, bob, entry, deposits=nets["2110"], cash=-nets["1120"])
