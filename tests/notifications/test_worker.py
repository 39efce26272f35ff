"""A real worker, a real broker, a real mail server: from an event to the mailbox, and a worker killed in between."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import current_app
from django.conf import settings

from apps.core import clock
from apps.core.notices import notify
from apps.core.tasks import after_commit
from apps.identity.models import User
from apps.notifications import tasks
from apps.notifications.models import Delivery
from apps.notifications.services import Report, delivery_report, delivery_send_due
from apps.notifications.services._deliver import LEASE
from config.env import ROOT, env_read
from tests.factories.identity import UserFactory
from tests.faults.test_killed_client import database_url
from tests.notifications.conftest import Mailbox
from tests.notifications.kinds import APPROVED, SAMPLE

pytestmark = [pytest.mark.usefixtures("committed_db"), pytest.mark.slow]
START_SECONDS, WAIT_SECONDS = 180, 120


@pytest.fixture
def broker() -> Iterator[str]:
    """An empty broker that this process sends to."""
    url = env_read().redis_database(settings.REDIS_OFFSET + 1)
    redis.from_url(url).flushdb()
    app = current_app._get_current_object()
    wanted = {"broker_url": url, "task_always_eager": False}
    before = {name: app.conf[name] for name in wanted}
    app.conf.update(wanted)
    app._after_fork()  # forgets connections to the broker that was configured before
    yield url
    app.conf.update(before)
    app._after_fork()


@pytest.fixture
def worker_start(broker: str, smtp: Mailbox, tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Start a worker for `default` and `mail`; it is killed at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        ready = tmp_path / f"ready-{len(started)}"
        ready.mkdir()
        environment = {
            **os.environ,
            "DATABASE_URL": database_url(),
            "DJANGO_SETTINGS_MODULE": "tests.notifications.worker_settings",
            "NUMINA_TEST_BROKER": broker,
            "NUMINA_TEST_SMTP_PORT": str(settings.EMAIL_PORT),
            "NUMINA_READY_FOLDER": str(ready),
            "NUMINA_PROCESS": "worker",
        }
        command = [sys.executable, "-m", "celery", "--quiet", "-A", "tests.notifications.worker", "worker"]
        command += ["--pool", "solo", "--queues", "default,mail", "--without-gossip", "--without-mingle"]
        with (tmp_path / "worker.log").open("ab") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        started.append(process)
        wait(lambda: (ready / "worker").exists() or process.poll() is not None, START_SECONDS)
        assert process.poll() is None, (tmp_path / "worker.log").read_text()
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def wait(happened: Callable[[], Any], seconds: float = WAIT_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def person() -> User:
    user: Any = UserFactory(email=f"{uuid.uuid4().hex}@example.com", full_name="Alice Wanjiku")
    return user


def status_of(user: User) -> str:
    return Delivery.objects.get(recipient=user).status


def test_from_an_event_to_the_mailbox_and_back(worker_start: Any, smtp: Mailbox, api: Any) -> None:
    worker_start()
    alice, readers = person(), [person() for _ in range(3)]
    mine = api.as_user(alice)

    notify(APPROVED, recipients=[alice.pk], context=SAMPLE, at=clock.now(), key="loan 1", link="/admin/")
    notify(APPROVED, recipients=[alice.pk], context=SAMPLE, at=clock.now(), key="loan 1", link="/admin/")
    wait(lambda: status_of(alice) == "sent")

    assert [envelope.rcpt_tos for envelope in smtp.messages] == [[alice.email]]
    assert mine.get("notifications/unread").json() == {"unread": 1}
    (item,) = mine.get("notifications").json()["data"]
    assert mine.post(f"notifications/{item['id']}/read").json()["read_at"] is not None
    message_id = Delivery.objects.get(recipient=alice).provider_id
    delivery_report(report=Report("smtp", uuid.uuid4().hex, message_id, "bounced", "550 unknown"), at=clock.now())
    assert status_of(alice) == "bounced"

    notify(APPROVED, recipients=[one.pk for one in readers], context=SAMPLE, at=clock.now(), bulk=True)
    after_commit(tasks.deliver_bulk)
    wait(lambda: {status_of(one) for one in readers} == {"sent"})


def test_a_worker_killed_in_the_middle_of_a_message_loses_nothing(worker_start: Any, smtp: Mailbox) -> None:
    smtp.pause = WAIT_SECONDS
    process = worker_start()
    alice = person()
    notify(APPROVED, recipients=[alice.pk], context=SAMPLE, at=clock.now())
    wait(lambda: smtp.busy)

    process.kill()
    process.wait()

    assert (smtp.messages, status_of(alice)) == ([], "queued")
    smtp.pause = 0
    later = clock.now() + LEASE + dt.timedelta(seconds=1)
    own = list(Delivery.objects.filter(recipient=alice).values_list("pk", flat=True))
    assert delivery_send_due(at=clock.now(), ids=own) == 0, "the dead worker still has it in hand"
    assert delivery_send_due(at=later, ids=own) == 1
    assert (len(smtp.messages), status_of(alice)) == (1, "sent")
