"""Small books for tests: a branch, accounts under the chart, and postings by one line."""

from __future__ import annotations

import contextlib
import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import transaction

from apps.balances.models import Balance
from apps.balances.services import Leg, Outcome, Posting, account_open, in_database, internal_account_id, postings_post
from apps.core.idempotency import transaction_id_for
from apps.identity.models import Branch
from tests.factories.books import currency_ready, gl_account_ready
from tests.factories.identity import BranchFactory


def branch_new() -> Branch:
    """A branch with a code that no other test has, also where tests commit."""
    return BranchFactory(code=f"T{uuid.uuid4().hex[:8]}")


@dataclass
class Books:
    """A branch's books in one currency. Every client id is new, so that keys never meet those of another test."""

    currency: str = "KES"
    branch: Branch = field(default_factory=branch_new)
    client: uuid.UUID = field(default_factory=uuid.uuid4)

    def __post_init__(self) -> None:
        currency_ready(self.currency)
        for code in ("2110", "1120", "4220"):
            gl_account_ready(code)

    def customer(self, balance: int = 0, *, limit: int = 0, status: str = "", currency: str = "") -> int:
        """A customer's account with `balance` minor units paid in over the counter."""
        unit = currency or self.currency
        currency_ready(unit)
        account = account_open(
            gl_code="2110",
            branch_id=self.branch.pk,
            currency=unit,
            kind="customer",
            number=uuid.uuid4().hex,
            name="A customer",
            overdraft_limit=limit,
        )
        if balance:
            assert self.move(self.cash(unit), account, balance, currency=unit).ok
        if status:
            with in_database([account], actor_id=None) as book:
                book.change(account, status=status)
        return account

    def cash(self, currency: str = "") -> int:
        """The cash at the branch's tills."""
        return self.internal("1120", currency)

    def internal(self, code: str, currency: str = "") -> int:
        """One of the bank's own accounts."""
        gl_account_ready(code)
        currency_ready(currency or self.currency)
        return internal_account_id(
            gl_code=code, branch_id=self.branch.pk, branch_code=self.branch.code, currency=currency or self.currency
        )

    def posting(self, *legs: tuple[int, int] | tuple[int, int, str], key: str = "", **facts: Any) -> Posting:
        """A posting of (account, credit-positive minor units[, currency]) legs under a key of this client."""
        key = key or uuid.uuid4().hex
        made = tuple(Leg(leg[0], leg[1], leg[2] if len(leg) == 3 else self.currency) for leg in legs)
        facts.setdefault("fingerprint", hashlib.sha256(repr(made).encode()).digest())
        facts.setdefault("kind", "transfer")
        return Posting(transaction_id_for(self.client, key), str(self.client), key, legs=made, **facts)

    def post(self, *postings: Posting, **options: Any) -> list[Outcome]:
        """Post them in one call."""
        return postings_post(postings, actor_id=None, **options).outcomes

    def move(self, source: int, destination: int, amount: int, *, currency: str = "", **facts: Any) -> Outcome:
        """Move an amount from one account to another."""
        unit = currency or self.currency
        return self.post(self.posting((source, -amount, unit), (destination, amount, unit), **facts))[0]


def balance_of(account_id: int) -> Balance:
    """The row as it is in the database."""
    return Balance.objects.get(pk=account_id)


@contextlib.contextmanager
def refused(*errors: type[BaseException]) -> Iterator[pytest.ExceptionInfo[BaseException]]:
    """Expect one of the errors; the statement that raised it is undone, and the test's transaction goes on."""
    point = transaction.savepoint()
    with pytest.raises(errors) as found:
        yield found
    transaction.set_rollback(False)
    transaction.savepoint_rollback(point)
