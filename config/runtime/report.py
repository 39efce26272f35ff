"""What a person at a terminal sees: a line a step with its time, and errors that say what to do."""

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class RuntimeFault(Exception):
    """A start, stop or check that cannot go on. The text is shown as it is and says what to do."""


class StopRequested(BaseException):
    """Ctrl-C, SIGTERM or a closed terminal, while something must be undone first."""


class Step:
    """A step under way; `note` is what its line says when it ended well."""

    def __init__(self) -> None:
        self.note = "ok"


def say(text: str = "") -> None:
    """Write a line; a terminal that went away is no reason to stop half-way."""
    try:
        print(text, flush=True)
    except OSError:
        # The terminal is closed. What matters now is that servers are stopped, not that anybody reads it.
        sys.stdout = open("/dev/null", "w")  # noqa: PTH123, SIM115


def warn(text: str) -> None:
    """A line that must not be overlooked."""
    say(f"  !! {text}")


@contextmanager
def step(title: str) -> Iterator[Step]:
    """Show `title`, what came of it and how long it took."""
    current = Step()
    started = time.monotonic()
    try:
        yield current
    except BaseException:
        say(f"  {title:<14} failed  ({time.monotonic() - started:.1f} s)")
        raise
    say(f"  {title:<14} {current.note}  ({time.monotonic() - started:.1f} s)")


def terminal_watch() -> None:
    """Send ourselves SIGHUP when the terminal closes.

    The kernel tells only the session's leader. A shell passes it on; `make` as the leader waits for us instead.
    """
    if not sys.stdin or not sys.stdin.isatty():
        return

    def watch() -> None:
        poll = select.poll()
        poll.register(sys.stdin.fileno(), 0)  # asks for nothing, so only a hang-up or an error wakes it
        poll.poll()
        os.kill(os.getpid(), signal.SIGHUP)

    threading.Thread(target=watch, daemon=True).start()


STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def signals_raise() -> Iterator[None]:
    """Inside, a signal to stop raises `StopRequested`, so that what was started is stopped again."""

    def stop(_number: int, _frame: object) -> None:
        raise StopRequested

    before = {number: signal.signal(number, stop) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
