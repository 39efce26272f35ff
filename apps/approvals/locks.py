"""Row locks of approvals: the request, first and once a transaction; everything below it is changed under its lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from apps.approvals.errors import ApprovalNotFound
from apps.approvals.models import ApprovalRequest

DELEGATIONS, POLICIES = 7025, 7026


def request_lock(*, public_id: UUID | None = None, pk: int | None = None) -> ApprovalRequest:
    """Lock a request and read it with its maker and branch. Raises ApprovalNotFound; needs a transaction."""
    if not connection.in_atomic_block:
        raise RuntimeError("request_lock needs an open transaction")
    wanted = {"public_id": public_id} if public_id is not None else {"pk": pk}
    found = (
        ApprovalRequest.objects.select_related("maker", "branch")
        .select_for_update(of=("self",), no_key=True)
        .filter(**wanted)
        .first()
    )
    if found is None:
        raise ApprovalNotFound
    return found


@contextmanager
def process_lock(_flow_class: Any, process_pk: int) -> Iterator[None]:
    """The same lock as Viewflow takes it: its `lock_impl`, so that its own doings and ours wait for each other."""
    with transaction.atomic():
        ApprovalRequest.objects.filter(pk=process_pk).select_for_update(of=("self",), no_key=True).exists()
        yield


def delegations_lock() -> None:
    """One change of delegations at a time, so that two halves of a circle cannot be made at once; to the commit."""
    if not connection.in_atomic_block:
        raise RuntimeError("delegations_lock needs an open transaction")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [DELEGATIONS])


def policies_lock() -> None:
    """One change of policies at a time: their version numbers follow each other without a gap."""
    if not connection.in_atomic_block:
        raise RuntimeError("policies_lock needs an open transaction")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [POLICIES])
