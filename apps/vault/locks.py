"""Row locks of the vault; docs/locking.md."""

from __future__ import annotations

from apps.vault.models import Rotation


def rotation_lock() -> Rotation | None:
    """The running rotation, locked; None when there is none or another worker has it."""
    running = Rotation.objects.filter(status=Rotation.Status.RUNNING)
    return running.select_for_update(skip_locked=True, of=("self",)).first()
