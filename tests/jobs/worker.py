"""The Celery application of the worker that tests start, with kinds of jobs that can be watched and killed."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.jobs.worker_settings")
django.setup()

from apps.jobs.registry import JobKind, JobResult, JobRun, kind_register  # noqa: E402 - after Django's set-up
from config.celery import app  # noqa: E402

__all__ = ("app",)


def ticks(run: JobRun) -> JobResult:
    """Go on from where the file ends, one line a tick, as a job that may be killed is written; `pause` at first."""
    path, total = Path(run.payload["file"]), run.payload["ticks"]
    done = len(path.read_text().splitlines()) if path.exists() else 0
    for number in range(done, total):
        with path.open("a") as file:
            file.write(f"{number}\n")
        run.progress(done=number + 1, total=total, message="ticking")
        time.sleep(run.payload.get("pause", 0.05) if run.attempt == 1 else 0.05)
    return JobResult({"ticks": total, "attempt": run.attempt})


def killer(run: JobRun) -> JobResult:
    """Kill the process that works on it, as often as the payload says."""
    if run.attempt <= run.payload["kills"]:
        os.kill(os.getpid(), signal.SIGKILL)
    return JobResult({"attempt": run.attempt})


def sleeper(run: JobRun) -> None:
    """Take longer than allowed, without saying how far it is."""
    time.sleep(run.payload["seconds"])


for name, work, queue in (("ticks", ticks, "bulk"), ("killer", killer, "default"), ("sleeper", sleeper, "critical")):
    kind_register(JobKind(f"tests.{name}", f"Test: {name}", run=work, queue=queue, check=dict))  # type: ignore[arg-type]
