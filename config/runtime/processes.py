"""Web, workers and beat under honcho's process manager, with what a bank's machine needs beyond it.

Beyond honcho: children end when their manager is killed, a server that ignores SIGTERM is killed after a while,
a closed terminal does not stop the stopping, and a hook runs once all are started.
"""

import ctypes
import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TextIO

from honcho.manager import Manager
from honcho.printer import Printer
from honcho.process import Popen, Process

from config.runtime.report import RuntimeFault

GRACE_SECONDS = 12.0
WEB_WORKERS = 2
WEB_THREADS = 16  # at most this many requests a worker hold a database connection; those in company need none
WEB_KILL_SECONDS = 8
WORKER_PROCESSES_MAX = 64
PR_SET_PDEATHSIG = 1


# Long work has a worker of its own, so that it never stands before what somebody waits for; four would cost memory.
WORKERS_DEFAULT = "critical,default,mail=2 bulk=1"
# A copy on one's own machine may well be root's, and says so in eight lines a worker otherwise.
AS_ROOT = "ignore:You're running the worker with superuser privileges"


def worker_groups(text: str) -> list[tuple[tuple[str, ...], int]]:
    """The queues and the number of processes of each worker, from `critical=2 default,mail=2 bulk=1`.

    Raises `RuntimeFault` for a queue that does not exist, that two workers take or that none does.
    """
    from config.integrations.queues import QUEUE_NAMES

    groups = []
    for word in text.split():
        queues, _, processes = word.partition("=")
        if not (processes.isascii() and processes.isdigit() and 1 <= int(processes) <= WORKER_PROCESSES_MAX):
            raise RuntimeFault(f"NUMINA_WORKERS reads {WORKERS_DEFAULT!r}, not {word!r}.")
        groups.append((tuple(queues.split(",")), int(processes)))
    if sorted(queue for queues, _ in groups for queue in queues) != sorted(QUEUE_NAMES):
        raise RuntimeFault(f"NUMINA_WORKERS must name each of the queues {', '.join(QUEUE_NAMES)} once.")
    return groups


def worker_commands() -> dict[str, list[str]]:
    """The workers by name, as NUMINA_WORKERS has them."""
    groups = worker_groups(os.environ.get("NUMINA_WORKERS", "").strip() or WORKERS_DEFAULT)
    return {
        f"worker-{queues[0]}": [
            *(sys.executable, "-W", AS_ROOT, "-m", "celery", "--quiet", "-A", "config", "worker"),
            *("--queues", ",".join(queues)),
            *("--concurrency", str(processes), "--without-gossip", "--without-mingle", "--loglevel", "WARNING"),
            *("--hostname", f"{queues[0]}@%h"),
        ]
        for queues, processes in groups
    }


def commands(port: int) -> dict[str, list[str]]:
    """The processes of a copy, by name, in the order of their start."""
    python = [sys.executable, "-m"]
    web = [
        *python,
        "granian",
        *("--interface", "wsgi", "--no-ws", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", str(WEB_WORKERS), "--blocking-threads", str(WEB_THREADS)),
        *("--workers-kill-timeout", str(WEB_KILL_SECONDS), "--respawn-failed-workers"),
        *("--log-level", "error"),
        "config.wsgi:application",
    ]
    beat = [*python, *("celery", "--quiet", "-A", "config", "beat", "--pidfile=", "--loglevel", "WARNING")]
    engine = [sys.executable, "manage.py", "balances", "run"]
    return {"web": web, **worker_commands(), "beat": beat, "engine": engine}


def _end_with_parent(number: int) -> None:
    """Have the kernel send us `number` when our parent dies, however it dies."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)


class BoundProcess(Process):
    """A process that ends when the manager is killed: its wrapper dies with the manager, and that stops it."""

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:
        _end_with_parent(signal.SIGKILL)
        self._child_ctor = partial(Popen, preexec_fn=partial(_end_with_parent, signal.SIGTERM))
        super().run(events=events, ignore_signals=ignore_signals)


class Supervisor(Manager):
    """Runs until a signal comes or one of the processes ends; then stops all of them.

    `on_started` is called with {name: pid} from the manager's thread; long waits belong in a thread of its own.
    """

    def __init__(self, output: TextIO, on_started: Callable[[dict[str, int]], None]) -> None:
        super().__init__(Printer(output))
        self._process_ctor = BoundProcess
        self._on_started = on_started
        self._announced = False
        self.asked_to_stop = False

    def add(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        """Add a process. `exec` leaves no shell between honcho and it, so that its pid is its own."""
        self.add_process(name, "exec " + shlex.join(command), env=environment)

    def loop(self) -> None:
        # honcho handles SIGINT and SIGTERM; a closed terminal must stop the servers as well.
        signal.signal(signal.SIGHUP, lambda _number, _frame: os.kill(os.getpid(), signal.SIGTERM))
        super().loop()

    def _all_started(self) -> bool:
        started = super()._all_started()
        if started and not self._announced:
            self._announced = True
            self._on_started({name: entry["pid"] for name, entry in self._processes.items()})
        return started

    def terminate(self) -> None:
        if not self._terminating:
            # honcho starts its clock when a first process has ended; if all hang it would wait for ever.
            timer = threading.Timer(GRACE_SECONDS, self.kill)
            timer.daemon = True
            timer.start()
        super().terminate()

    def _killall(self, force: bool = False) -> None:
        """Ask the leaders to stop, so that they end their children in good order; kill whole groups."""
        if force:
            super()._killall(force=True)
            return
        for name, entry in self._processes.items():
            if "returncode" not in entry and entry.get("pid"):
                self._system_print(f"stopping {name}\n")
                try:
                    os.kill(entry["pid"], signal.SIGTERM)
                except ProcessLookupError:
                    continue
