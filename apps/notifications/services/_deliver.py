"""Sending: take what is due in hand, hand it to the channel, write down what became of it.

A delivery is sent at least once. A worker that dies between the channel's yes and our note of it leaves a lease that
runs out, and the message goes out again under the same id, by which providers and mail programs can tell a repeat.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from random import SystemRandom
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.audit.services import record
from apps.core.errors import NotFound
from apps.notifications import locks
from apps.notifications.causes import cause_of
from apps.notifications.channels import Delayed, Message, Receipt, Refused, Sender, sender_open
from apps.notifications.composing import HeldBack, Unreachable, message_compose
from apps.notifications.errors import DeliveryNotFailed
from apps.notifications.models import ERROR_MAX, Delivery, PushSubscription
from apps.notifications.rendering import one_line
from apps.notifications.services._reports import reports_apply
from apps.notifications.services._suppress import address_suppress

if TYPE_CHECKING:
    from apps.identity.models import User

UNDONE = (Delivery.Status.FAILED, Delivery.Status.BOUNCED, Delivery.Status.SUPPRESSED)
BATCH = 50
LEASE = dt.timedelta(minutes=15)  # longer than 50 messages that each time out
BACK_OFF_SECONDS = (30, 120, 480, 1_920, 7_200, 21_600, 21_600)
ATTEMPTS_MAX = len(BACK_OFF_SECONDS) + 1
BULK_SLICE = dt.timedelta(seconds=5)
RATE_WINDOW = dt.timedelta(minutes=1)

logger = logging.getLogger(__name__)
_chance = SystemRandom()


class _Watch:
    """The time as it goes on from `at`: a batch may take minutes, and its notes say when each thing happened."""

    def __init__(self, at: dt.datetime) -> None:
        self.at, self.started = at, time.monotonic()

    def now(self) -> dt.datetime:
        return self.at + dt.timedelta(seconds=time.monotonic() - self.started)


def delivery_send_due(
    *,
    at: dt.datetime,
    ids: Sequence[UUID] | None = None,
    limit: int = BATCH,
    taken: Callable[[int], None] | None = None,
) -> int:
    """Send what is due at `at`, at most `limit`: of `ids`, or whatever is there. Returns how many were tried.

    `taken` is told how many were taken in hand, before the first is sent.
    """
    with transaction.atomic():
        claimed = _claim(locks.deliveries_lock_due(at=at, limit=limit, is_bulk=False, ids=ids), at)
    if taken is not None:
        taken(len(claimed))
    return _send_all(claimed, _Watch(at))


def delivery_send_bulk(*, at: dt.datetime) -> int:
    """Send the bulk mail that the bank's rate allows for the next five seconds. Returns how many were tried.

    The rate holds for any minute and all workers together: attempts of the last minute are counted under a lock.
    """
    rate = int(settings.NUMINA["NOTIFICATIONS"]["BULK_PER_MINUTE"])
    with transaction.atomic():
        if not locks.bulk_rate_lock():
            return 0
        spent = Delivery.objects.filter(is_bulk=True, attempted_at__gt=at - RATE_WINDOW).count()
        slice_max = -(-rate * BULK_SLICE // RATE_WINDOW)
        limit = min(rate - spent, slice_max)
        if limit <= 0:
            return 0
        claimed = _claim(locks.deliveries_lock_due(at=at, limit=limit, is_bulk=True), at)
    return _send_all(claimed, _Watch(at))


@transaction.atomic
def delivery_retry(*, acting_user: User, delivery_id: UUID, at: dt.datetime) -> Delivery:
    """Put a delivery that failed, bounced or was held back into the queue again, with all its tries.

    Raises `NotFound` and `DeliveryNotFailed`.
    """
    found = locks.deliveries_lock(ids=[delivery_id])
    if not found:
        raise NotFound("No such delivery.")
    delivery = found[0]
    if delivery.status not in UNDONE:
        raise DeliveryNotFailed(f"The delivery is {delivery.get_status_display().lower()}.")
    before = delivery.status
    delivery.status, delivery.attempts, delivery.due_at, delivery.settled_at = Delivery.Status.QUEUED, 0, at, None
    delivery.error = ""
    _save(delivery)
    record(
        action="notifications.delivery.retried",
        acting_user=acting_user,
        target=delivery,
        before={"status": before},
        after={"status": delivery.status},
    )
    return delivery


def _claim(rows: list[Delivery], at: dt.datetime) -> list[Delivery]:
    """Lease locked rows. With one line of a digest come all others of the same person that are due."""
    digests = {(row.recipient_id, row.channel) for row in rows if row.is_digest}
    if digests:
        known = {row.pk for row in rows}
        more = Delivery.objects.filter(
            status=Delivery.Status.QUEUED, is_digest=True, due_at__lte=at, recipient_id__in={key[0] for key in digests}
        ).exclude(pk__in=known)
        locked = locks.deliveries_lock_due(
            at=at, limit=BATCH * BATCH, is_bulk=False, ids=more.values_list("pk", flat=True)
        )
        rows = [*rows, *(row for row in locked if (row.recipient_id, row.channel) in digests)]
    for row in rows:
        row.leased_until = at + LEASE
        row.attempts += 1
        row.attempted_at = at
        row.version += 1
    Delivery.objects.bulk_update(rows, ["leased_until", "attempts", "attempted_at", "version"])
    return rows


def _send_all(claimed: list[Delivery], watch: _Watch) -> int:
    by_channel: dict[str, dict[Any, list[Delivery]]] = {}
    for row in claimed:
        together = (row.recipient_id, row.attempts) if row.is_digest else row.pk
        by_channel.setdefault(row.channel, {}).setdefault(together, []).append(row)
    for channel, groups in by_channel.items():
        _send_channel(channel, list(groups.values()), watch)
    return len(claimed)


def _send_channel(channel: str, groups: list[list[Delivery]], watch: _Watch) -> None:
    down: Delayed | None = None
    with closing(sender_open(channel)) as sender:
        for group in groups:
            if down is not None:
                _note_delayed(group, down, watch.now())
                continue
            try:
                _send_one(sender, group, watch)
            except Delayed as delay:
                _note_delayed(group, delay, watch.now())
                down = delay if delay.channel_down else None


def _send_one(sender: Sender, group: list[Delivery], watch: _Watch) -> None:
    address = ""
    try:
        message = message_compose(group)
        address = message.address
        receipt = sender.send(message)
    except (Refused, Unreachable) as refusal:
        _note_refused(group, refusal, address, watch.now())
    except Delayed:
        raise
    except Exception as error:
        # A mistake of ours in one message must not keep the others of the batch from going out.
        logger.exception("delivery %s could not be sent", group[0].pk)
        _note_delayed(group, Delayed(f"{type(error).__name__}: {error}"), watch.now())
    else:
        _note_sent(group, message, receipt, watch.now())


def _note_sent(group: Iterable[Delivery], message: Message, receipt: Receipt, at: dt.datetime) -> None:
    with transaction.atomic():
        for row in locks.deliveries_lock(ids=[row.pk for row in group]):
            row.status, row.sent_at, row.leased_until, row.error = Delivery.Status.SENT, at, None, ""
            row.address, row.provider, row.provider_id = message.address[:254], receipt.provider, receipt.provider_id
            _save(row)
        # The provider may have reported before we wrote its id down.
        reports_apply(provider_id=receipt.provider_id, at=at)


def _note_refused(group: Iterable[Delivery], refusal: Refused | Unreachable, address: str, at: dt.datetime) -> None:
    bounced = isinstance(refusal, Refused) and refusal.bounced
    status = Delivery.Status.BOUNCED if bounced else Delivery.Status.FAILED
    cause = cause_of(str(refusal)) if bounced else ""
    with transaction.atomic():
        for row in locks.deliveries_lock(ids=[row.pk for row in group]):
            row.status = Delivery.Status.SUPPRESSED if isinstance(refusal, HeldBack) else status
            row.settled_at, row.leased_until, row.error = at, None, one_line(str(refusal), ERROR_MAX)
            _save(row)
            if bounced and row.subscription_id:
                ended = PushSubscription.objects.filter(pk=row.subscription_id, ended_at__isnull=True)
                ended.update(ended_at=at, updated_at=at)
            if cause:
                address_suppress(delivery=row, address=address, reason=cause, detail=str(refusal), at=at)


def _note_delayed(group: Iterable[Delivery], delay: Delayed, at: dt.datetime) -> None:
    with transaction.atomic():
        for row in locks.deliveries_lock(ids=[row.pk for row in group]):
            row.leased_until, row.error = None, one_line(delay.reason, ERROR_MAX)
            if row.attempts >= ATTEMPTS_MAX:
                row.status, row.settled_at = Delivery.Status.FAILED, at
            else:
                row.due_at = at + dt.timedelta(seconds=back_off(row.attempts, delay.retry_after))
            _save(row)


def back_off(attempts: int, retry_after: int | None) -> int:
    """Seconds until the next try: longer each time, spread by chance, never sooner than the other side asked."""
    spread = int(BACK_OFF_SECONDS[attempts - 1] * _chance.uniform(0.8, 1.2))
    return max(spread, retry_after or 0)


def _save(row: Delivery) -> None:
    row.version += 1
    row.save()
