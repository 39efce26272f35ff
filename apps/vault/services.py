"""Rotation: new keys, then everything re-encrypted under them, a stretch at a time; it can be stopped at any moment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.core.trail import trail_record
from apps.vault import locks
from apps.vault.errors import RotationRunning
from apps.vault.keys import ACTIVE_SECONDS, active_key, key_make, keys_forget
from apps.vault.masters import master_named, masters
from apps.vault.models import DataKey, Rotation
from apps.vault.tables import stretch_reencrypt, tables, values_count

ROWS = 500
SETTLE_SECONDS = 2 * ACTIVE_SECONDS


def keys_prepare() -> None:
    """Make the first keys, so that no request has to. Safe to run any number of times."""
    for purpose in DataKey.Purpose.values:
        active_key(purpose)


@transaction.atomic
def rotation_start(*, acting_user: Any, reason: str, at: dt.datetime) -> Rotation:
    """Take new keys into use. Raises RotationRunning while an earlier rotation is not finished."""
    if Rotation.objects.filter(status=Rotation.Status.RUNNING).exists():
        raise RotationRunning("Finish the running rotation first: manage.py rotate_keys")
    DataKey.objects.filter(status=DataKey.Status.ACTIVE).update(status=DataKey.Status.OLD)
    made = {purpose: key_make(purpose) for purpose in DataKey.Purpose.values}
    rotation = Rotation.objects.create(
        reason=reason,
        data_key=made["data"],
        index_key=made["index"],
        total=sum(values_count(table) for table in tables()),
        created_at=at,
    )
    trail_record(
        action="vault.keys.rotation_started",
        acting_user=acting_user,
        kind="security",
        target=rotation,
        after={"data_key": made["data"].pk, "index_key": made["index"].pk, "values": rotation.total},
        reason=reason,
    )
    transaction.on_commit(keys_forget)
    return rotation


def rotation_continue(*, at: dt.datetime, rows: int = ROWS) -> Iterator[Rotation]:
    """Re-encrypt stretch by stretch until nothing is left under an old key; yields the rotation after each.

    Nothing happens when none runs or another worker is at it. Call it once the rotation has settled: until then
    other processes still write under the keys before.
    """
    keys_forget()
    while True:
        with transaction.atomic():
            rotation = locks.rotation_lock()
            if rotation is None:
                return
            _stretch(rotation, at, rows)
            rotation.save()
        yield rotation
        if rotation.status == Rotation.Status.DONE:
            keys_forget()
            return


def _stretch(rotation: Rotation, at: dt.datetime, rows: int) -> None:
    remaining = [table for table in tables() if table.name >= rotation.table]
    if not remaining:
        _finish(rotation, at)
        return
    table = remaining[0]
    after = rotation.last_pk if table.name == rotation.table else ""
    last, done = stretch_reencrypt(table, after=after, number=rotation.data_key_id, limit=rows)
    rotation.done += done
    # A name that sorts after this table's and before the next one's, when the table is done.
    rotation.table, rotation.last_pk = (table.name, last) if last else (table.name + "\x01", "")


def _finish(rotation: Rotation, at: dt.datetime) -> None:
    """Done when nothing is left under other keys; otherwise once more from the beginning."""
    if any(values_count(table, other_than=rotation.data_key_id) for table in tables()):
        rotation.table, rotation.last_pk = "", ""
        return
    rotation.status, rotation.finished_at = Rotation.Status.DONE, at
    DataKey.objects.filter(status=DataKey.Status.OLD, retired_at=None).update(retired_at=at)
    trail_record(
        action="vault.keys.rotation_finished",
        acting_user=None,
        kind="security",
        target=rotation,
        after={"values": rotation.done},
    )


def rotation_settled(*, rotation: Rotation, at: dt.datetime) -> bool:
    """Whether every process has taken up the new keys: they look twice within this time."""
    return (at - rotation.created_at).total_seconds() >= SETTLE_SECONDS


def rotation_due(*, at: dt.datetime) -> bool:
    """Whether the active data key is older than NUMINA["KEY_ROTATION_DAYS"] days."""
    oldest = DataKey.objects.filter(status=DataKey.Status.ACTIVE).order_by("created_at").first()
    days = dt.timedelta(days=settings.NUMINA["KEY_ROTATION_DAYS"])
    return oldest is not None and at - oldest.created_at >= days


@transaction.atomic
def master_rewrap(*, acting_user: Any) -> int:
    """Wrap data keys anew that are under another master key than the first, or under an older version of it.

    Returns how many. Raises SealBroken when a master that wrapped one is not configured any more.
    """
    first, count = masters()[0], 0
    for row in DataKey.objects.order_by("pk"):
        held = bytes(row.wrapped)
        if row.master == first.name:
            row.wrapped = first.renew(held)
        else:
            row.wrapped = first.wrap(master_named(row.master).unwrap(held))
        if row.wrapped == held:
            continue
        row.master = first.name
        row.save(update_fields=["wrapped", "master"])
        count += 1
    if count:
        trail_record(
            action="vault.keys.rewrapped",
            acting_user=acting_user,
            kind="security",
            object_type="vault.datakey",
            object_label=f"{count} keys",
            after={"master": first.name},
        )
    return count
