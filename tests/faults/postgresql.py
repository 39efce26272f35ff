"""A PostgreSQL of the test's own, with a standby: to be killed, stopped and promoted."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg

from config.runtime.home import home_path
from config.runtime.ports import port_any
from config.runtime.postgres import Postgres, wheel_folder
from config.runtime.servers import elsewhere_for
from tests.faults.machines import database_url

# What the books cannot do without; everything else of the test's database stays behind.
REFERENCE = (
    "identity_branch", "ledger_currency", "ledger_glaccount", "ledger_businessdate", "ledger_seal_state",
    "balances_partition", "balances_partitionpost",
)  # fmt: skip
# A crash loses what was not flushed, and the standby is waited for.
SETTINGS = {"shared_buffers": "'32MB'", "wal_writer_delay": "'10s'", "max_connections": "60", "hot_standby": "on"}


class Cluster:
    """A server with the schema of the test's database and nothing but its reference data, on a port that it keeps."""

    def __init__(self, folder: Path) -> None:
        self.server = Postgres(
            folder=folder / "primary", log=folder / "primary.log", port=port_any(),
            superuser_password=secrets.token_urlsafe(12), password=secrets.token_urlsafe(12),
            elsewhere=elsewhere_for(home_path()), extra=dict(SETTINGS),
        )  # fmt: skip
        self.server.start()
        self.standby: Path | None = None
        self.standby_port = port_any()
        binaries, target = wheel_folder() / "bin", self.superuser_url
        tables = [word for table in REFERENCE for word in ("--table", table)]
        for options in (["--schema-only"], ["--data-only", "--disable-triggers", *tables]):
            dump = subprocess.run([binaries / "pg_dump", *options, database_url()], capture_output=True, check=True)
            subprocess.run(
                [binaries / "psql", "-q", "-v", "ON_ERROR_STOP=1", target],
                input=dump.stdout, capture_output=True, check=True,
            )  # fmt: skip
        # The journal stays behind, so the partitions' heads do as well: an epoch that was used has entries.
        for reset in ("balances_partition SET head_seq = 0", "balances_partitionpost SET posted_seq = 0"):
            self.query(f"UPDATE {reset}")

    @property
    def superuser_url(self) -> str:
        return self.server.superuser_url.rsplit("/", 1)[0] + "/numina"

    def query(self, sql: str) -> list[Any]:
        with psycopg.connect(self.superuser_url, autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def standby_make(self) -> None:
        """A synchronous standby: from now on every commit waits for it."""
        self.query("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.standby = self.server.folder.resolve() / "standby"
        self.server._program(
            "pg_basebackup", "-D", str(self.standby), "-R", "-c", "fast", "-X", "stream",
            "-d", self.server.superuser_url, what="copy the server",
        )  # fmt: skip
        self._standby_start(self.standby_port)
        self.query("SELECT pg_reload_conf()")

    def _standby_start(self, port: int) -> None:
        self.server._program(
            "pg_ctl", "-D", str(self.standby), "-w", "-l", str(self.standby) + ".log", "-o", f"-p {port}", "start",
            what="start the standby",
        )  # fmt: skip

    def standby_signal(self, number: int) -> None:
        """To every process of the standby."""
        assert self.standby is not None
        _signal_all(int((self.standby / "postmaster.pid").read_text().split()[0]), number)

    def kill(self) -> None:
        """kill -9 of every process at once: what was not flushed is lost."""
        assert self.server.process is not None
        pid = self.server.process.pid
        _signal_all(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        self.server.process = None

    def promote(self) -> None:
        """The standby becomes the primary, at the primary's address; no other standby is waited for."""
        assert self.standby is not None
        options = ("-D", str(self.standby), "-w")
        self.server._program("pg_ctl", *options, "promote", what="promote the standby")
        self.server._program("pg_ctl", *options, "-m", "fast", "stop", what="stop the promoted server")
        with (self.standby / "postgresql.auto.conf").open("a") as stream:
            stream.write("synchronous_standby_names = ''\n")
        self._standby_start(self.server.port)

    def restart(self) -> None:
        self.server.start()

    def stop(self) -> None:
        self.server.stop()
        if self.standby is not None:
            with contextlib.suppress(Exception):
                self.standby_signal(signal.SIGCONT)
                options = ("-D", str(self.standby), "-m", "immediate", "-w")
                self.server._program("pg_ctl", *options, "stop", what="stop the standby")


def _signal_all(pid: int, number: int) -> None:
    main = psutil.Process(pid)
    for process in [main, *main.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """A server of the test's own, removed with the block."""
    folder = Path(tempfile.mkdtemp(prefix="numina-fault-"))
    folder.chmod(0o755)
    made = None
    try:
        made = Cluster(folder)
        yield made
    finally:
        if made is not None:
            made.stop()
            shutil.rmtree(made.server.folder.resolve(), ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
