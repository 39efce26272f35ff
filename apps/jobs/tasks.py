"""Celery entry points of jobs: one that does a job, three that beat sends."""

from __future__ import annotations

import os
import socket
from typing import Any
from uuid import UUID

from celery import shared_task

from apps.core import clock
from apps.core.http_stats import counts_shared
from apps.core.trace import trace_start
from apps.jobs import services
from apps.jobs.selectors import queue_depth


@shared_task(name="jobs.run", ignore_result=True)
def run(*, job_id: str, **_: Any) -> None:
    """Do a job. Its queue and its time limit come with the message."""
    trace_start(f"job-{job_id}")
    services.job_execute(job_id=UUID(job_id), now=clock.now, worker=f"{socket.gethostname()}:{os.getpid()}")


@shared_task(name="jobs.sweep", ignore_result=True)
def sweep(**_: Any) -> None:
    """Take up what lost its worker, its message or its pause. Beat runs it every few seconds."""
    services.job_sweep(at=clock.now(), depth=queue_depth)


@shared_task(name="jobs.schedule_tick", ignore_result=True)
def schedule_tick(**_: Any) -> None:
    """Start what is due. Beat runs it twice a minute."""
    services.schedule_tick(at=clock.now())


@shared_task(name="jobs.service_watch", ignore_result=True)
def service_watch(**_: Any) -> None:
    """Look how requests were answered. Beat runs it once a minute."""
    services.service_watch(counts=counts_shared(), at=clock.now())
