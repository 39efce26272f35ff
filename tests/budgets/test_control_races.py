"""Room in a budget that is there once is taken once, however many ask at the same moment."""

from __future__ import annotations

import threading
import uuid
from typing import Any

from django.db import connections

from apps.balances.services import ManualLine, entry_post
from apps.budgets.errors import BudgetExceeded
from apps.budgets.services import (
    LinePlan,
    budget_activate_now,
    budget_draft,
    budget_lines_set,
    commitment_create,
    rule_set,
)
from apps.core import clock
from apps.ledger.models import GLAccount
from apps.ledger.selectors import business_date_current
from tests.factories.books import gl_account_ready
from tests.factories.identity import user_make
from tests.factories.postings import Books


def test_entries_and_commitments_at_one_moment_never_go_beyond_a_budget_that_stops(committed_db: Any) -> None:
    books, user, today = Books(), user_make("budgets.manage"), business_date_current()
    node = GLAccount.objects.create(
        code=f"R{uuid.uuid4().hex[:8]}", name="Races", type="expense", usage="detail", parent=gl_account_ready("5500")
    )
    gl_account_ready("1220")
    # A year without a budget of others: versions of one year and currency replace each other.
    draft = budget_draft(acting_user=user, year=today.year, currency="KES", title="Races", note="", at=clock.now())
    plan = LinePlan(books.branch, node.code, 100_00, today.month)
    budget_lines_set(acting_user=user, budget=draft, lines=[plan], version=1, at=clock.now())
    budget_activate_now(acting_user=user, budget=draft, at=clock.now())
    rule_set(acting_user=user, code=node.code, mode="stop", span="month", alert_percent=90, at=clock.now())
    books.internal("1220")
    gate, passed = threading.Barrier(6), []

    def enter() -> None:
        lines = [
            ManualLine(node.code, books.branch.pk, books.branch.code, "KES", -40_00),
            ManualLine("1220", books.branch.pk, books.branch.code, "KES", 40_00),
        ]
        entry_post(
            transaction_id=uuid.uuid4(), client_id=str(user.pk), key=uuid.uuid4().hex, fingerprint=b"x" * 32,
            lines=lines, description="Rent", reference="", business_date=None, value_date=None, actor_id=user.pk,
        )  # fmt: skip

    def promise() -> None:
        commitment_create(
            acting_user=user, branch=books.branch, code=node.code, month=today, amount=40_00, currency="KES",
            reference="PO", description="", at=clock.now(),
        )  # fmt: skip

    def run(work: Any) -> None:
        try:
            gate.wait()
            work()
            passed.append(work)
        except BudgetExceeded:
            pass
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(work,)) for work in (enter, promise) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 2
