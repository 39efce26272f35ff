"""How work leaves a transaction: after it commits, never before."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, Protocol

from django.db import transaction

PUBLISH_RETRIES = {"max_retries": 2, "interval_start": 0.05, "interval_step": 0.1, "interval_max": 0.2}
"""A request must not wait for a broker that is away: two quick tries, then the sweep of the queue's owner finds it."""


class Task(Protocol):
    """What is needed of a Celery task."""

    def apply_async(self, *, kwargs: dict[str, Any], retry: bool, retry_policy: dict[str, Any]) -> Any: ...


def after_commit(task: Task, **kwargs: Any) -> None:
    """Send `task` with `kwargs` once the present transaction has committed; at once when there is none.

    Arguments are ids and plain values: UUIDs and dates become strings. A broker that is away is logged and does not
    undo or fail what was committed; tasks that must not be lost have a sweep that finds undone work.
    """
    plain = {name: _plain(value) for name, value in kwargs.items()}

    def send() -> None:  # a function and no partial: Django logs the __qualname__ of a hook that fails
        task.apply_async(kwargs=plain, retry=True, retry_policy=PUBLISH_RETRIES)

    transaction.on_commit(send, robust=True)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int | bool):
        return value
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    raise TypeError(f"a task takes ids and plain values, not {type(value).__name__}")
