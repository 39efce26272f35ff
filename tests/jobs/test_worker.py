"""Real workers: killed in the middle, told to cancel, with a broker that forgot, with a task that takes too long."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import current_app
from django.conf import settings
from django.db import connection

from apps.core import clock
from apps.jobs.models import DeadLetter, Job
from apps.jobs.selectors import queue_depth, queue_states
from apps.jobs.services import job_cancel, job_start, job_sweep
from config.env import ROOT, env_read
from config.runtime.ports import port_any
from config.runtime.valkey import Valkey
from tests.faults.test_killed_client import database_url
from tests.jobs import worker as worker_module

pytestmark = [pytest.mark.usefixtures("committed_db"), pytest.mark.slow]

START_SECONDS, WAIT_SECONDS = 180, 120
assert worker_module.app, "its kinds are known here too"


@pytest.fixture(
    params=[
        "redis",
        pytest.param(
            "rabbitmq",
            marks=pytest.mark.skipif(
                not os.environ.get("NUMINA_TEST_BROKER_URL"), reason="NUMINA_TEST_BROKER_URL names no RabbitMQ"
            ),
        ),
    ]
)
def broker(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty broker that this process sends to."""
    url = os.environ.get("NUMINA_TEST_BROKER_URL", "")
    if request.param == "redis":
        url = env_read().redis_database(settings.REDIS_OFFSET + 1)
        redis.from_url(url).flushdb()
    with _sending_to(current_app._get_current_object(), url):
        if request.param == "rabbitmq":
            _queues_empty()
        yield url


def _queues_empty() -> None:
    """What an earlier test left waiting in RabbitMQ is no message of this one."""
    with current_app.connection_for_write() as connection_:
        for queue in current_app.conf.task_queues:
            queue.bind(connection_.default_channel).declare()
            queue.bind(connection_.default_channel).purge()


@contextmanager
def _sending_to(app: Any, url: str) -> Iterator[None]:
    """Within the block tasks are sent to this broker instead of being run at once."""
    wanted = {"broker_url": url, "broker_transport_options": {}, "task_always_eager": False}
    before = {name: app.conf[name] for name in wanted}
    app.conf.update(wanted)
    app._after_fork()  # forgets connections to the broker that was configured before
    try:
        yield
    finally:
        app.conf.update(before)
        app._after_fork()


class Worker:
    """A worker process with one child. `lease`: how long (seconds) after its death its job is taken for lost."""

    def __init__(self, broker_url: str, folder: Path, *, lease: int = 60) -> None:
        self.log = folder / f"worker-{uuid.uuid4().hex[:6]}.log"
        ready = folder / "ready"
        ready.mkdir(exist_ok=True)
        name = uuid.uuid4().hex[:8]
        environment = {
            **os.environ,
            "DATABASE_URL": database_url(),
            "NUMINA_BROKER_URL": broker_url,
            "DJANGO_SETTINGS_MODULE": "tests.jobs.worker_settings",
            "NUMINA_READY_FOLDER": str(ready),
            "NUMINA_PROCESS": name,
            "NUMINA_TEST_LEASE_SECONDS": str(lease),
        }
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "celery", "--quiet", "-A", "tests.jobs.worker", "worker"),
                    *("--queues", "critical,default,bulk,mail", "--concurrency", "1", "--loglevel", "WARNING"),
                    *("--without-gossip", "--without-mingle", "--without-heartbeat", "--hostname", f"{name}@%h"),
                ],
                cwd=ROOT,
                env=environment,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not (ready / name).exists():
            assert self.process.poll() is None, self.log.read_text()[-3_000:]
            assert time.monotonic() < deadline, self.log.read_text()[-3_000:]
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL to it and its child, as the kernel does when memory is short."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


@pytest.fixture
def worker(broker: str, tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """`worker(lease=2)` starts one; all are killed at the end."""
    started: list[Worker] = []

    def make(**options: int) -> Worker:
        started.append(Worker(broker, tmp_path, **options))
        return started[-1]

    yield make
    for one in started:
        one.kill()
    Job.objects.filter(kind__startswith="tests.").delete()


def start(name: str, **payload: Any) -> Job:
    return job_start(acting_user=None, kind=f"tests.{name}", payload=payload, at=clock.now())[0]


def wait(job: Job, *statuses: str, until: Callable[[], bool] = lambda: True, sweep: bool = False) -> Job:
    """The job once it has one of the statuses; meanwhile the sweep runs, if wanted."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        job.refresh_from_db()
        if job.status in statuses and until():
            return job
        assert time.monotonic() < deadline, (job.status, job.attempts, job.error)
        if sweep:
            job_sweep(at=clock.now(), depth=queue_depth)
        time.sleep(0.05)


def test_a_worker_killed_in_the_middle_loses_nothing(worker: Callable[..., Worker], tmp_path: Path) -> None:
    file = tmp_path / "ticks"
    first = worker(lease=5)
    job = start("ticks", file=str(file), ticks=60, pause=0.5)
    wait(job, "running", until=lambda: file.exists() and len(file.read_text().splitlines()) > 2)
    first.kill()
    connection.close()
    before = len(file.read_text().splitlines())
    assert before < 60
    worker(lease=5)
    wait(job, "done", sweep=True)
    assert job.result == {"ticks": 60, "attempt": 2}
    assert file.read_text().splitlines() == [str(number) for number in range(60)]
    assert not DeadLetter.objects.filter(job=job).exists()


def test_a_job_that_kills_its_process_is_tried_again_and_then_given_up(worker: Callable[..., Worker]) -> None:
    worker(lease=2)
    once, always = start("killer", kills=1), start("killer", kills=9)
    assert wait(once, "done", sweep=True).result == {"attempt": 2}
    wait(always, "failed", sweep=True)
    assert (always.attempts, DeadLetter.objects.get(job=always).reason) == (4, "lost")


def test_a_running_job_is_cancelled(worker: Callable[..., Worker], tmp_path: Path) -> None:
    file = tmp_path / "ticks"
    worker()
    job = start("ticks", file=str(file), ticks=2_000)
    wait(job, "running", until=lambda: job.progress_done > 0)
    job_cancel(acting_user=None, job_id=job.pk, at=clock.now())
    wait(job, "cancelled")
    assert 0 < len(file.read_text().splitlines()) < 2_000


def test_a_broker_that_forgot_everything_costs_time_only(
    worker: Callable[..., Worker], broker: str, tmp_path: Path
) -> None:
    job = start("ticks", file=str(tmp_path / "ticks"), ticks=1)
    assert queue_depth("bulk") == 1
    assert {state.queue: state.messages for state in queue_states(at=clock.now())}["bulk"] == 1
    _forget(broker)
    assert queue_depth("bulk") == 0
    worker()
    Job.objects.filter(pk=job.pk).update(sent_at=clock.now() - dt.timedelta(minutes=1))
    wait(job, "done", sweep=True)
    assert job.attempts == 1


def test_redis_killed_under_a_worker_and_started_empty(tmp_path: Path) -> None:
    """The job at work goes on, the one that was asked for meanwhile is done once Redis is back."""
    valkey = Valkey(tmp_path / "valkey", tmp_path / "valkey.log", port_any(), "secret")
    valkey.start()
    app = current_app._get_current_object()
    with _sending_to(app, valkey.url):
        worker = Worker(valkey.url, tmp_path)
        try:
            first = start("ticks", file=str(tmp_path / "first"), ticks=40, pause=0.1)
            wait(first, "running", until=lambda: first.progress_done > 0)
            assert valkey.process is not None
            os.kill(valkey.process.pid, signal.SIGKILL)
            os.waitpid(valkey.process.pid, 0)
            shutil.rmtree(tmp_path / "valkey" / "appendonlydir")
            second = start("ticks", file=str(tmp_path / "second"), ticks=3)
            assert queue_depth("bulk") is None
            wait(first, "done", sweep=True)
            assert first.attempts == 1
            valkey.start()
            Job.objects.filter(pk=second.pk).update(sent_at=clock.now() - dt.timedelta(minutes=1))
            wait(second, "done", sweep=True)
            assert (tmp_path / "first").read_text().splitlines() == [str(number) for number in range(40)]
        finally:
            worker.kill()
            valkey.stop()
            Job.objects.filter(kind__startswith="tests.").delete()


def test_a_job_that_takes_too_long_is_stopped(worker: Callable[..., Worker], monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.jobs.services import _jobs

    monkeypatch.setattr(_jobs, "soft_seconds", lambda kind: 1)
    worker()
    job = start("sleeper", seconds=50)
    wait(job, "failed")
    assert DeadLetter.objects.get(job=job).reason == "time-limit"


def test_two_workers_do_a_job_once_although_it_was_sent_many_times(
    worker: Callable[..., Worker], tmp_path: Path
) -> None:
    file = tmp_path / "ticks"
    job = start("ticks", file=str(file), ticks=20)
    for _ in range(5):
        Job.objects.filter(pk=job.pk).update(sent_at=None)
        job_sweep(at=clock.now(), depth=queue_depth)
    worker(), worker()
    wait(job, "done")
    assert job.attempts == 1
    assert file.read_text().splitlines() == [str(number) for number in range(20)]


def _forget(broker: str) -> None:
    if broker.startswith("redis"):
        redis.from_url(broker).flushdb()
        return
    _queues_empty()
