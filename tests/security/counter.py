"""A till with a session of root's and a vault transfer that waits, for the walk over all operations."""

from __future__ import annotations

from typing import Any

from apps.core import clock
from apps.core.money import Money
from apps.identity.permissions import PERMISSIONS
from apps.payments.models import VaultTransfer
from apps.payments.services import session_open, till_create, vault_transfer_ask
from tests.factories.books import gl_account_ready
from tests.factories.identity import user_make

KES = {"amount": "1.00", "currency": "KES"}


def counter_things(root: Any, branch: Any, account: Any) -> tuple[dict[str, Any], dict[tuple[str, str], dict[str, Any]]]:
    """Ids by URL parameter, and bodies that are accepted."""
    for code in ("1110", "4340", "5720"):
        gl_account_ready(code)
    limits = {"holding_limit": 10_000_00, "transaction_limit": 1_000_00, "tolerance": 0, "currency": "KES"}
    till, spare = (
        till_create(acting_user=None, branch_code=branch.code, number=number, name=f"Till {number}", **limits)
        for number in (1, 2)
    )
    session = session_open(acting_user=root, till_id=till.pk, count={}, at=clock.now())
    transfer = vault_transfer_ask(
        acting_user=root, session_id=session.pk, direction="to_till", amount=Money(100, "KES"), count={}, at=clock.now()
    )
    other = user_make(*PERMISSIONS, scope="all", branch=branch)
    VaultTransfer.objects.filter(pk=transfer.pk).update(asked_by=other)
    one = "till-sessions/{till_session_id}/"
    count = [{"value": KES, "pieces": 1}]
    cash = {"account": account.number, "amount": KES, "count": count, "counterparty": "Alice", "reference": "R1"}
    return {"till_id": till.pk, "till_session_id": session.pk, "vault_transfer_id": transfer.pk}, {
        ("POST", "tills"): {
            "branch": branch.code, "number": 3, "name": "Till 3", "currency": "KES", "holding_limit": KES,
            "transaction_limit": KES, "tolerance": KES,
        },
        ("PATCH", "tills/{till_id}"): {"name": "Till one", "holding_limit": KES, "is_active": True},
        ("POST", one + "deposits"): cash,
    }  # fmt: skip
