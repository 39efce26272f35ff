"""`up` and `down`: the copy that `run` keeps, in the background."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import deque

from config.env import ROOT
from config.runtime.home import Home, HomeLock, home_open, json_read
from config.runtime.leftovers import is_alive, started_from
from config.runtime.report import RuntimeFault, say, step
from config.runtime.run import already_running, leftovers_stop
from config.runtime.servers import servers_of

UP_SECONDS = 1_800  # the demo bank is made at the first start
DOWN_SECONDS = 90
LINES_SHOWN = 15
OUTPUT_OF_PROCESS = re.compile(r"^\d\d:\d\d:\d\d \w+ +\| ")


def up() -> int:
    """Start a copy in the background and return when it is ready."""
    home = home_open()
    lock = HomeLock(home)
    if not lock.take():
        raise RuntimeFault(already_running(home))
    lock.release()
    home.main_log.touch()
    offset = home.main_log.stat().st_size
    with home.main_log.open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "config.runtime", "run"],
            cwd=ROOT,
            env={**os.environ, "NUMINA_BACKGROUND": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        return _follow(home, child, offset)
    except KeyboardInterrupt:
        say("Interrupted: stopping what was started")
        child.send_signal(signal.SIGTERM)
        child.wait()
        return 130


def _follow(home: Home, child: subprocess.Popen[bytes], offset: int) -> int:
    """Show the start's own lines until it is ready or has failed."""
    deadline = time.monotonic() + UP_SECONDS
    unseen: deque[str] = deque(maxlen=LINES_SHOWN)
    with home.main_log.open("r", errors="replace") as log:
        log.seek(offset)
        while True:
            code = child.poll()
            state = json_read(home.state_file)
            ours = state.get("parent", {}).get("pid") == child.pid  # not what a killed start left in the file
            ready = ours and bool(state.get("ready")) and code is None
            if ready:
                time.sleep(0.3)  # the last lines of the banner are written just after the state
            for line in log:
                if OUTPUT_OF_PROCESS.match(line):
                    unseen.append(line.rstrip())
                else:
                    say(line.rstrip())
            if ready:
                return 0
            if code is not None:
                raise RuntimeFault("\n".join([f"Numina did not start; its whole log is {home.main_log}", *unseen]))
            if time.monotonic() > deadline:
                child.send_signal(signal.SIGTERM)
                raise RuntimeFault(f"Numina was not ready after {UP_SECONDS} s; see {home.main_log}.")
            time.sleep(0.1)


def down() -> int:
    """Stop the copy of this home, whether it was started by `run` or by `up`, or was left behind."""
    home = home_open()
    parent = started_from(json_read(home.state_file).get("parent"))
    lock = HomeLock(home)
    if not lock.take():
        if parent is None or not is_alive(parent):
            raise RuntimeFault(f"Somebody holds {home.lock_file} but is not in {home.state_file}; try again shortly.")
        with step("Numina") as current:
            os.kill(parent.pid, signal.SIGTERM)
            deadline = time.monotonic() + DOWN_SECONDS
            while is_alive(parent):
                if time.monotonic() > deadline:
                    raise RuntimeFault(f"Process {parent.pid} did not end in {DOWN_SECONDS} s; see {home.log}.")
                time.sleep(0.1)
            current.note = "stopped"
        return 0
    try:
        if not home.state_file.exists():
            say("Numina does not run here; nothing to stop.")
            return 0
        leftovers_stop(home)
        servers = servers_of(home)
        with step("servers") as current:
            current.note = servers.leftovers_stop()
        home.state_file.unlink(missing_ok=True)
    finally:
        lock.release()
    return 0
