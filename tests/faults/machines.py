"""Real processes for tests of faults: a Valkey of the test's own, engines that can be killed, stopped, resumed."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import coverage
from django.db import connection

from apps.balances.engine import client
from config.runtime.ports import port_any
from config.runtime.valkey import Valkey, valkey_program

ROOT = Path(__file__).resolve().parents[2]
ENGINE_DATABASE = 3


def database_url() -> str:
    """The test database, for a program of its own."""
    given = connection.settings_dict
    secret = f":{quote(given['PASSWORD'], safe='')}" if given["PASSWORD"] else ""
    host = f"{given['HOST']}:{given['PORT']}" if given["PORT"] else given["HOST"]
    return f"postgresql://{quote(given['USER'], safe='')}{secret}@{host}/{given['NAME']}"


class Memory:
    """The engine's memory as a server of its own."""

    def __init__(self, folder: Path) -> None:
        self.server = Valkey(folder / "valkey", folder / "valkey.log", port_any(), secrets.token_urlsafe(16))
        self.server.start()

    @property
    def url(self) -> str:
        return self.server.url.rsplit("/", 1)[0] + f"/{ENGINE_DATABASE}"

    @property
    def append_only_file(self) -> Path:
        return max((self.server.folder / "appendonlydir").glob("*.incr.aof"))

    def signal(self, number: int) -> None:
        assert self.server.process is not None
        os.kill(self.server.process.pid, number)

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        assert self.server.process is not None
        pid = self.server.process.pid
        os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
        self.server.process = None

    def start(self) -> None:
        """Start again on the files and the port that it had."""
        check = valkey_program().parent / "valkey-check-aof"
        manifest = self.server.folder / "appendonlydir" / "appendonly.aof.manifest"
        if check.exists() and manifest.exists():
            subprocess.run([check, "--fix", manifest], input=b"y\n", capture_output=True, check=False)
        self.server.start()

    def stop(self) -> None:
        if self.server.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.signal(signal.SIGCONT)
            self.kill()


def environment_for(memory_url: str, database: str = "") -> dict[str, str]:
    """What a program of the test's finds: this database (or the test's own), and this memory.

    Where coverage measures the tests it measures the program as well, if that ends in good order.
    """
    measuring = coverage.Coverage.current()
    return {
        **{name: value for name, value in os.environ.items() if name != "PYTEST_XDIST_WORKER"},
        **({"COVERAGE_PROCESS_CONFIG": measuring.config.serialize()} if measuring else {}),
        "DATABASE_URL": database or database_url(),
        "REDIS_URL": memory_url.rsplit("/", 1)[0] + "/0",
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
    }


class EngineProcess:
    """`manage.py balances run` on the test's database and memory."""

    def __init__(self, memory_url: str, database: str = "") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "balances", "run"],
            cwd=ROOT,
            env=environment_for(memory_url, database),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        """Stop in good order; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        return self.process.wait(20)


@contextlib.contextmanager
def engine_process(memory_url: str, database: str = "") -> Iterator[EngineProcess]:
    """An engine in a process of its own; ended with the block, however that ends."""
    process = EngineProcess(memory_url, database)
    try:
        yield process
    finally:
        if process.process.poll() is None:
            process.signal(signal.SIGCONT)
            process.process.terminate()
            try:
                process.process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def memory_forget() -> None:
    """Drop this process's connections to the memory, as a restart of the server does."""
    client.memory().connection_pool.disconnect()


def eventually(condition: Any, *, seconds: int = 180) -> Any:
    """The condition's value as soon as it is true; errors of a server that is away count as not yet."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(client.MemoryUnreachable):
            value = condition()
            if value:
                return value
        time.sleep(0.02)
    raise AssertionError("it did not come true")
