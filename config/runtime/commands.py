"""`manage` and `env`: Django's commands with this copy's servers, started for the occasion when they do not run."""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator

from config.env import ROOT
from config.runtime.home import Home, HomeLock, home_open, json_read
from config.runtime.leftovers import is_alive, started_from
from config.runtime.report import RuntimeFault, say
from config.runtime.servers import Servers, servers_of


@contextlib.contextmanager
def servers_running(home: Home) -> Iterator[Servers]:
    """The copy's servers, running: those of `make run` when it runs, otherwise started here and stopped afterwards."""
    lock = HomeLock(home)
    if lock.take():
        servers = servers_of(home)
        try:
            with contextlib.redirect_stdout(sys.stderr):  # a command's output may be read by a program
                servers.start()
            yield servers
        finally:
            servers.stop()
            home.state_file.unlink(missing_ok=True)
            lock.release()
        return
    yield _servers_known(home)


def _servers_known(home: Home) -> Servers:
    """The servers of the running copy, with the ports that it uses."""
    records = json_read(home.state_file).get("services", {})
    servers = servers_of(home)
    for name, server in (("postgres", servers.postgres), ("valkey", servers.valkey)):
        if server is None:
            continue
        if "outside" in records.get(name, {}):
            raise RuntimeFault("This copy was started with DATABASE_URL or REDIS_URL: set the same ones here.")
        if not is_alive(started_from(records.get(name))):
            raise RuntimeFault(f"This copy is just starting or stopping ({name} does not run). Try again in a moment.")
        server.port = int(records[name]["port"])
    return servers


def manage(arguments: list[str]) -> int:
    """Run `manage.py` with these arguments; its exit code."""
    with servers_running(home_open()) as servers:
        return process_run([sys.executable, str(ROOT / "manage.py"), *arguments], servers.command_environment())


def environment_print() -> int:
    """Print the running copy's environment as shell lines: eval "$(python -m config.runtime env)"."""
    home = home_open()
    lock = HomeLock(home)
    if lock.take():
        lock.release()
        raise RuntimeFault("Numina does not run here: start it with `make up` or `make run`.")
    for name, value in _servers_known(home).environment().items():
        say(f"export {name}={shlex.quote(value)}")
    return 0


def process_run(command: list[str], environment: dict[str, str]) -> int:
    """Run a program at our terminal; Ctrl-C goes to it, and we wait until it has ended."""
    child = subprocess.Popen(command, cwd=ROOT, env=environment)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    forwarded = {number: signal.signal(number, _forward(child)) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        code = child.wait()
    finally:
        signal.signal(signal.SIGINT, before)
        for number, handler in forwarded.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def _forward(child: "subprocess.Popen[bytes]"):  # type: ignore[no-untyped-def]  # the signal module's handler type
    def handler(number: int, _frame: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, number)

    return handler
