"""Celery entry points of compliance."""

from __future__ import annotations

import datetime as dt
from typing import Any

from celery import shared_task

from apps.compliance import services
from apps.core import clock

WINDOW = dt.timedelta(hours=1)


@shared_task(name="compliance.scan", ignore_result=True)
def scan(**_: Any) -> None:
    """Look at the last hour with every rule. Beat runs it every ten minutes, so the windows overlap."""
    now = clock.now()
    services.flags_raise(since=now - WINDOW, until=now)


@shared_task(name="compliance.forget", ignore_result=True)
def forget(**_: Any) -> None:
    """Delete identities whose years of retention are over. Beat runs it daily."""
    services.identities_forget(today=clock.now().date())
