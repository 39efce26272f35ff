"""The page of a job follows it without being loaded again, and says nothing to the console."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections
from django.db.models import F

from apps.core import clock
from apps.jobs.models import Job
from apps.jobs.services import job_cancel
from tests.browser.conftest import Scene, Visitor
from tests.factories.identity import user_make

pytestmark = pytest.mark.browser


@pytest.fixture
def job(scene: Scene) -> Job:
    """A job that waits, and somebody who may see and cancel it."""
    scene.email = f"{uuid.uuid4().hex}@example.com"
    user_make("backoffice.dashboard", "jobs.view", "jobs.manage", email=scene.email, full_name="Keeper")
    return Job.objects.create(
        kind="balances.books_verify", queue="bulk", attempts_max=4, available_at=clock.now(), sent_at=clock.now()
    )


def elsewhere(work: Callable[[], Any]) -> None:
    """Change the database as another process does: here the browser's event loop is in the way."""

    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)


def test_the_page_follows_its_job(job: Job, visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.go(f"/admin/jobs/job/{job.pk}/change/")
    page = visitor.page
    page.get_by_text("It begins as soon as a worker is free.").wait_for()
    rows = Job.objects.filter(pk=job.pk)
    running = {
        "status": "running", "run_token": uuid.uuid4(), "lease_until": clock.now(), "progress_done": 3,
        "progress_total": 9, "progress_message": "Proofs", "version": F("version") + 1,
    }  # fmt: skip
    elsewhere(lambda: rows.update(**running))
    page.get_by_text("3 of 9").wait_for()
    assert page.locator("progress").get_attribute("value") == "33"
    elsewhere(lambda: job_cancel(acting_user=None, job_id=job.pk, at=clock.now()))
    page.get_by_text("Stopping").wait_for()
    elsewhere(lambda: rows.update(status="cancelled", finished_at=clock.now(), version=F("version") + 1))
    page.locator("[data-live-end]").wait_for(state="attached")
    assert page.get_by_role("button", name="Cancel").count() == 0


def test_a_job_is_cancelled_on_a_phone_in_the_dark(job: Job, visit: Callable[..., Visitor]) -> None:
    visitor = visit(width=390, theme="dark")
    visitor.go(f"/admin/jobs/job/{job.pk}/change/")
    visitor.page.get_by_role("button", name="Cancel").click()
    visitor.page.get_by_text("It is cancelled.").wait_for()
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 390
