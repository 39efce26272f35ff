"""Row locks of payments, after the balances; see docs/locking.md. A session comes before its vault transfers."""

from __future__ import annotations

from uuid import UUID

from apps.payments.models import (
    ChequeDeposit,
    ChequeLeaf,
    PendingPayment,
    StandingInstruction,
    Till,
    TillSession,
    VaultTransfer,
)


def session_lock(*, pk: UUID) -> TillSession:
    """The session with its till, locked until the transaction ends. Raises TillSession.DoesNotExist."""
    sessions = TillSession.objects.select_related("till__branch", "teller")
    return sessions.select_for_update(of=("self",), no_key=True).get(pk=pk)


def vault_transfer_lock(*, pk: UUID) -> VaultTransfer:
    """The vault transfer, locked, after its session. Raises VaultTransfer.DoesNotExist."""
    return VaultTransfer.objects.select_for_update(of=("self",), no_key=True).get(pk=pk)


def till_lock(*, pk: UUID) -> Till | None:
    """The till, locked until the transaction ends, or None."""
    return Till.objects.select_for_update(of=("self",), no_key=True).filter(pk=pk).first()


def pending_lock(*, pk: UUID) -> PendingPayment:
    """The pending payment, locked, before any balance. Raises PendingPayment.DoesNotExist."""
    pending = PendingPayment.objects.select_related("account", "created_by")
    return pending.select_for_update(of=("self",), no_key=True).get(pk=pk)


def instruction_lock(*, pk: UUID) -> StandingInstruction:
    """The instruction, locked, after the balances of its accounts. Raises StandingInstruction.DoesNotExist."""
    return StandingInstruction.objects.select_for_update(of=("self",), no_key=True).get(pk=pk)


def instructions_lock(*, created_by_id: UUID) -> list[StandingInstruction]:
    """The active instructions that a user set up, locked in the order of their keys, with their accounts."""
    active = StandingInstruction.objects.filter(created_by_id=created_by_id, status=StandingInstruction.Status.ACTIVE)
    rows = active.select_related("source", "destination").order_by("pk")
    return list(rows.select_for_update(of=("self",), no_key=True))


def instructions_from_lock(*, account_id: UUID) -> list[StandingInstruction]:
    """The instructions that pay from an account and have not ended, locked in the order of their keys."""
    alive = (StandingInstruction.Status.ACTIVE, StandingInstruction.Status.PAUSED)
    rows = StandingInstruction.objects.filter(source=account_id, status__in=alive).order_by("pk")
    return list(rows.select_for_update(of=("self",), no_key=True))


def cheque_deposit_lock(*, pk: UUID) -> ChequeDeposit:
    """The cheque that was paid in, locked, after the balances. Raises ChequeDeposit.DoesNotExist."""
    return ChequeDeposit.objects.select_for_update(of=("self",), no_key=True).get(pk=pk)


def cheque_leaves_lock(*, account_id: UUID, first: int, last: int) -> list[ChequeLeaf]:
    """The leaves of an account from `first` to `last`, locked in the order of their numbers."""
    leaves = ChequeLeaf.objects.filter(account=account_id, number__gte=first, number__lte=last).order_by("number")
    return list(leaves.select_for_update(of=("self",), no_key=True))
