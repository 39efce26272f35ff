"""Where members are locked. A member comes before accounts and balances in no path that needs both at once."""

from __future__ import annotations

from uuid import UUID

from django.db import connection

from apps.members.models import Member


def member_lock(*, pk: UUID) -> Member | None:
    """The member, locked until the transaction ends, or None. Raises RuntimeError outside a transaction."""
    if not connection.in_atomic_block:
        raise RuntimeError("member_lock needs an open transaction")
    return Member.objects.select_for_update(of=("self",), no_key=True).filter(pk=pk).first()
