"""How full the queues are, what runs, what is stuck and what failed."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from celery import current_app
from django.db.models import Count, Min, Q
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from apps.jobs.models import QUEUES, DeadLetter, Job

logger = logging.getLogger(__name__)

STUCK_AFTER = dt.timedelta(minutes=10)
BROKER_SECONDS = 2


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue at a moment. Ages are in whole seconds, 0 when nothing waits; `messages` is None when the broker is away.

    `messages` counts all tasks in the broker, `waiting` and `running` jobs only. `stuck` counts running jobs whose
    worker is lost and waiting ones that have been due for ten minutes.
    """

    queue: str
    messages: int | None
    waiting: int
    oldest_seconds: int
    running: int
    stuck: int
    failed_today: int
    dead_letters: int


def queue_depth(queue: str) -> int | None:
    """How many messages wait in a queue of the broker; None when it does not answer."""
    return queue_depths([queue])[queue]


def queue_depths(queues: Iterable[str]) -> dict[str, int | None]:
    """The same for several queues, over one connection. Works with Redis and RabbitMQ."""
    found: dict[str, int | None] = dict.fromkeys(queues)
    try:
        with current_app.connection_for_read(connect_timeout=BROKER_SECONDS) as broker:
            broker.ensure_connection(max_retries=1, timeout=BROKER_SECONDS)
            for queue in found:
                found[queue] = _depth(broker, queue)
    except (OperationalError, OSError, RedisError):
        logger.warning("the broker does not tell how full its queues are", exc_info=True)
    return found


def _depth(broker: Any, queue: str) -> int:
    try:
        return int(broker.default_channel.queue_declare(queue=queue, passive=True).message_count)
    except broker.channel_errors:
        return 0  # nobody has used it yet


def jobs_stuck(*, at: dt.datetime) -> Q:
    """The condition of a job that needs a look: its worker is lost, or it is due for long and nobody takes it."""
    return Q(status=Job.Status.RUNNING, lease_until__lt=at) | Q(
        status=Job.Status.QUEUED, available_at__lt=at - STUCK_AFTER
    )


def queue_states(*, at: dt.datetime, with_broker: bool = True) -> list[QueueState]:
    """All queues. `failed_today` counts the last 24 hours."""
    queued = Q(status=Job.Status.QUEUED)
    open_jobs = Job.objects.filter(Q(status=Job.Status.RUNNING) | queued).values("queue")
    found = {
        row["queue"]: row
        for row in open_jobs.annotate(
            waiting=Count("pk", filter=queued),
            oldest=Min("available_at", filter=queued & Q(available_at__lte=at)),
            running=Count("pk", filter=Q(status=Job.Status.RUNNING)),
            stuck=Count("pk", filter=jobs_stuck(at=at)),
        )
    }
    ended = Job.objects.filter(finished_at__gte=at - dt.timedelta(days=1), status=Job.Status.FAILED)
    failed = dict(ended.values_list("queue").annotate(Count("pk")))
    letters = DeadLetter.objects.filter(decision=DeadLetter.Decision.OPEN)
    dead = dict(letters.order_by().values_list("queue").annotate(Count("pk")))
    depths = queue_depths(QUEUES) if with_broker else dict.fromkeys(QUEUES)
    states = []
    for queue in QUEUES:
        row: Any = found.get(queue, {})
        oldest = row.get("oldest")
        states.append(
            QueueState(
                queue=queue,
                messages=depths[queue],
                waiting=row.get("waiting", 0),
                oldest_seconds=int((at - oldest).total_seconds()) if oldest else 0,
                running=row.get("running", 0),
                stuck=row.get("stuck", 0),
                failed_today=failed.get(queue, 0),
                dead_letters=dead.get(queue, 0),
            )
        )
    return states
