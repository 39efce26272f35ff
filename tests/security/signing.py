"""A joint holder, a payment that waits for signatures and a batch of statements, for the walk over all operations."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from apps.accounts.models import AccountHolder, StatementBatch
from apps.core import clock
from apps.core.idempotency import transaction_id_for
from apps.ledger.selectors import business_date_current
from apps.payments.models import PendingPayment
from tests.factories.accounts import AccountFactory
from tests.factories.members import MemberFactory


def signing_things(user: Any, account: Any) -> tuple[dict[str, Any], dict[tuple[str, str], dict[str, Any]]]:
    """Ids by URL parameter, and bodies that are accepted; `user` is a holder of the account."""
    at, today = clock.now(), business_date_current()
    member = MemberFactory(user=user, branch=account.branch)
    holder = AccountHolder.objects.create(account=account, member=member, role="joint")
    other = AccountFactory(branch=account.branch)
    pending = PendingPayment.objects.create(
        account=account,
        kind="transfer",
        amount=100,
        currency="KES",
        words="Transfer of KES 1.00",
        payload={
            "source": account.number, "destination": other.number, "amount": "1.00", "currency": "KES",
        },
        key="signing",
        fingerprint=b"\0" * 32,
        transaction_id=transaction_id_for(user.pk, "signing"),
        needed=1,
        created_by=user,
        expires_at=at + dt.timedelta(days=7),
    )  # fmt: skip
    content = b"an archive"
    batch = StatementBatch.objects.create(
        starts_on=today, ends_on=today, form="csv", requested_by=user, account_count=1, finished_at=at,
        file=default_storage.save("statements/walk.zip", ContentFile(content)), size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )  # fmt: skip
    one, period = "accounts/{account_id}/", {"from": today.isoformat(), "to": today.isoformat()}
    return {"holder_id": holder.pk, "pending_id": pending.pk, "batch_id": batch.pk}, {
        ("POST", one + "holders"): {"member_id": str(other.member_id), "role": "signatory"},
        ("POST", one + "holders/{holder_id}/end"): {"ends_on": today.isoformat(), "reason": "Asked for it"},
        ("PUT", one + "mandate"): {"rules": [{"rule": "all"}]},
        ("PUT", one + "nominee"): {"name": "Carol Wanjiru", "relationship": "Sister"},
        ("POST", one + "notes"): {"text": "Called about the card."},
        ("POST", "pending-payments/{pending_id}/refusal"): {"reason": "Too much"},
        ("POST", "statements/batches"): {**period, "format": "csv"},
    }
