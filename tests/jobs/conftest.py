"""Kinds of jobs that do what a test wants."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from apps.core import clock
from apps.jobs import registry
from apps.jobs.models import Job
from apps.jobs.registry import JobKind, JobResult, JobRun
from apps.jobs.services import job_execute, job_start

AT = dt.datetime(2026, 3, 4, 9, 0, tzinfo=dt.UTC)  # a Wednesday


@pytest.fixture
def registries(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is forgotten after it."""
    for name in ("_kinds", "_schedules", "_steps"):
        monkeypatch.setattr(registry, name, dict(getattr(registry, name)))


@pytest.fixture
def kind_with(registries: None) -> Callable[..., str]:
    """`kind_with(run)` registers a kind whose work is `run`; its name."""

    def make(run: Callable[[JobRun], JobResult | None], name: str = "tests.work", **options: Any) -> str:
        registry._kinds.pop(name, None)
        options.setdefault("check", dict)
        registry.kind_register(JobKind(name, "Work of a test", run=run, **options))
        return name

    return make


def start(kind: str, **options: Any) -> Job:
    """A job of this kind, as if the worker had not been told."""
    options.setdefault("at", AT)
    options.setdefault("acting_user", None)
    return job_start(kind=kind, **options)[0]


def execute(job: Job, at: dt.datetime = AT) -> Job:
    """Do the job at this moment; its row afterwards."""
    with clock.frozen(at):
        job_execute(job_id=job.pk, now=clock.now)
    job.refresh_from_db()
    return job
