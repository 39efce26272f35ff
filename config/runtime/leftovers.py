"""Processes that we started, known by pid and start time, so that a reused pid is never taken for ours."""

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from typing import Any

import psutil

POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Started:
    """A process that we started. `started` is its start time in seconds since 1970, as the kernel tells it."""

    pid: int
    started: float

    def as_json(self) -> dict[str, Any]:
        return {"pid": self.pid, "started": self.started}


def started_of(pid: int) -> Started:
    """The process that has this pid now. Raises `psutil.NoSuchProcess`."""
    return Started(pid, psutil.Process(pid).create_time())


def started_from(record: Any) -> Started | None:
    """The process that a state file names, or None when it names none."""
    try:
        return Started(int(record["pid"]), float(record["started"]))
    except (KeyError, TypeError, ValueError):
        return None


def is_alive(process: Started | None) -> bool:
    """Whether that very process still runs."""
    if process is None:
        return False
    try:
        found = psutil.Process(process.pid)
        # The kernel counts in hundredths of a second since boot; the boot time may move by a little.
        return abs(found.create_time() - process.started) < 1.5 and found.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def group_members(process: Started, home: str) -> list[psutil.Process]:
    """What still runs in the group that `process` led, itself included, and belongs to this home."""
    members = []
    for found in psutil.process_iter():
        try:
            if os.getpgid(found.pid) != process.pid or found.status() == psutil.STATUS_ZOMBIE:
                continue
            if found.create_time() < process.started - 1.5 or found.environ().get("NUMINA_HOME") != home:
                continue
        except (psutil.Error, OSError):
            continue
        members.append(found)
    return members


def group_stop(process: Started, home: str, *, grace_seconds: float) -> bool:
    """Stop a leftover of an earlier start with all that it started. True when there was something to stop."""
    members = group_members(process, home)
    if not members:
        return False
    leaders = [found for found in members if found.pid == process.pid] or members
    for found in leaders:
        _signal(found, signal.SIGTERM)
    _, alive = psutil.wait_procs(members, timeout=grace_seconds)
    for found in alive:
        _signal(found, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=5)
    return True


def stop_and_wait(process: Started, *, number: signal.Signals, grace_seconds: float) -> bool:
    """Send the signal and wait; True when the process ended in time."""
    if not is_alive(process):
        return True
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, number)
    deadline = time.monotonic() + grace_seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(process.pid, os.WNOHANG)  # takes a child of ours off the process table
        if not is_alive(process):
            return True
        time.sleep(POLL_SECONDS)
    return False


def _signal(found: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.Error):
        found.send_signal(number)
