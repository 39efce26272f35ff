"""Celery entry points of notifications, and the one message that wakes a worker for whatever is due.

A message to the broker for each notice would cost more than the notice. A mark in the cache says that a message is on
its way and not begun yet: whoever commits while it stands needs no second one, since the worker takes the mark away
before it looks. A mark or a message that is lost costs ten seconds, the sweep's pause.
"""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.core.cache import cache
from redis.exceptions import RedisError

from apps.core import clock
from apps.core.tasks import after_commit
from apps.notifications import services

ROUNDS_MAX = 20
WOKEN, WOKEN_SECONDS = "notifications:woken", 10


@shared_task(name="notifications.deliver_due", ignore_result=True)
def deliver_due(**_: Any) -> None:
    """Send what is due: new messages, later tries, ends of quiet hours, digests, and what was lost on the way.

    Woken by who writes, and by beat. A full batch means that there is more than one worker does at once: it wakes
    another before it goes on.
    """
    _mark(False)
    for number in range(ROUNDS_MAX):
        sent = services.delivery_send_due(at=clock.now(), taken=_wake_if_full if number == 0 else None)
        if sent == 0:
            return
    wake()


@shared_task(name="notifications.deliver_bulk", ignore_result=True)
def deliver_bulk(**_: Any) -> None:
    """Send bulk mail at the bank's rate. Beat runs it every five seconds."""
    services.delivery_send_bulk(at=clock.now())


def wake() -> None:
    """Have a worker look for what is due, unless one was told and has not begun. Call it after the commit."""
    if _mark(True):
        after_commit(deliver_due)


def _wake_if_full(count: int) -> None:
    if count >= services.BATCH:
        wake()


def _mark(on: bool) -> bool:
    """Put the mark up, or away. False when it stood already; True also when the cache does not answer."""
    try:
        return bool(cache.add(WOKEN, 1, WOKEN_SECONDS) if on else cache.delete(WOKEN))
    except RedisError:
        return True
