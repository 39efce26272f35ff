"""The levers of the engine, for those who run it. Every pull is recorded in the audit trail."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection

from apps.audit.services import record
from apps.balances.engine import checks, client, control
from apps.balances.engine.checks import Comparison
from apps.balances.engine.ownership import accounts_bring_home, views_forget
from apps.balances.engine.status import live_proofs
from apps.balances.errors import PartitionUnknown
from apps.balances.models import Partition
from apps.balances.services._door import in_database

if TYPE_CHECKING:
    from apps.identity.models import User


def partition_fence(*, partition: int, why: str, acting_user: User | None) -> bool:
    """End the engine's period at once and keep it off until `partition_activate`. False when it had ended before.

    Raises `PartitionUnknown`.
    """
    row = _partition(partition)
    record(action="balances.engine.fenced", acting_user=acting_user, target=row, after={"why": why})
    done = control.fence(
        partition=partition, epoch=row.epoch, why="operator: " + why, hold=why[:200], actor_id=_id(acting_user)
    )
    if not done:
        Partition.objects.filter(pk=partition, mode__in=("SAFE", "DRAIN")).update(hold=why[:200])
    control.post_all(partition)
    control.to_safe(partition)
    return done


def partition_activate(*, partition: int, acting_user: User | None) -> int | None:
    """Let the engine execute again; its new epoch, or None while what is journaled cannot be posted.

    Raises `PartitionUnknown`.
    """
    row = _partition(partition)
    record(action="balances.engine.activated", acting_user=acting_user, target=row)
    if row.mode == Partition.Mode.FAST:
        return row.epoch
    control.hold_clear(partition)
    control.post_all(partition)
    control.to_safe(partition)
    return control.activate(partition=partition, actor_id=_id(acting_user))


def partition_heal(*, partition: int, acting_user: User | None) -> int | None:
    """Throw the engine's memory of a partition away and begin anew from the books; the new epoch, or None.

    Nothing that was answered is lost: only what is journaled was answered. Raises `PartitionUnknown`.
    """
    row = _partition(partition)
    record(action="balances.engine.healed", acting_user=acting_user, target=row)
    control.fence(partition=partition, epoch=row.epoch, why="heal", actor_id=_id(acting_user))
    control.post_all(partition)
    control.to_safe(partition)
    return control.activate(partition=partition, actor_id=_id(acting_user))


def account_heal(*, account_id: int, acting_user: User | None) -> None:
    """Bring one account back to the database; at its next transfer the engine takes it anew, from the books.

    Raises `EngineOwned` when that takes too long.
    """
    record(action="balances.account.healed", acting_user=acting_user, after={"account_id": account_id})
    accounts_bring_home([account_id])


def account_reassign(*, account_id: int, partition: int, acting_user: User | None) -> None:
    """Move an account to another partition (0 is the database), while money moves. Raises `PartitionUnknown`."""
    if partition:
        _partition(partition)
    with in_database([account_id], actor_id=_id(acting_user)) as book:
        before = book.balance(account_id).partition_id
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE balances_balance SET partition_id = %s, owner_epoch = 0 WHERE account_id = %s",
                [partition, account_id],
            )
        record(
            action="balances.account.reassigned",
            acting_user=acting_user,
            before={"partition": before},
            after={"account_id": account_id, "partition": partition},
        )
    views_forget()


def engine_verify(*, at: dt.datetime, acting_user: User | None = None) -> Comparison:
    """Memory = journal = balances for every account of the engine, chain and sums. A difference is named in words.

    That a user had it done is recorded.
    """
    report = Comparison(faults=live_proofs())
    for partition in control.engine_partitions():
        try:
            found = checks.full_check(partition=partition)
        except (client.MemoryUnreachable, client.MemoryFault, client.MemoryFull) as error:
            report.faults.append(f"partition {partition}: the memory cannot be read: {error}")
            continue
        report.accounts += found.accounts
        report.faults += found.faults
    if acting_user is not None:
        facts = {"accounts": report.accounts, "differences": len(report.faults)}
        record(action="balances.engine.verified", acting_user=acting_user, after=facts, at=at)
    return report


def _partition(partition: int) -> Partition:
    found = Partition.objects.filter(pk=partition).exclude(pk=0).first()
    if found is None:
        raise PartitionUnknown(f"There is no engine partition {partition}.")
    return found


def _id(user: User | None) -> UUID | None:
    return user.pk if user is not None else None
