"""Row locks of the trail; docs/locking.md. Nobody who records an event waits for any of them."""

from __future__ import annotations

from uuid import UUID

from apps.audit.models import Archive, SealState, Verification


def seal_state_lock() -> SealState | None:
    """The sealer's state, locked; None while another sealer works."""
    return SealState.objects.select_for_update(skip_locked=True).filter(pk=1).first()


def archive_lock(*, partition: str) -> Archive | None:
    """The record of an archived partition, locked, or None."""
    return Archive.objects.select_for_update().filter(partition=partition).first()


def verification_lock(*, pk: UUID) -> Verification | None:
    """A verification, locked; None when another worker has it or there is none."""
    return Verification.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
