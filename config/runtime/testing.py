"""`make test`: pytest on a PostgreSQL and a Valkey of its own, in a temporary folder, removed afterwards."""

import contextlib
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from config.env import ROOT
from config.runtime.commands import process_run
from config.runtime.home import Home, home_path, json_read, json_write
from config.runtime.leftovers import is_alive, started_from, started_of
from config.runtime.ports import port_any
from config.runtime.postgres import UNSAFE_BUT_FAST, Postgres
from config.runtime.report import RuntimeFault, StopRequested, say, signals_raise, step, warn
from config.runtime.servers import elsewhere_for
from config.runtime.valkey import Valkey

PREFIX = "numina-test-"
TEMPLATE = "numina_template"
COVERAGE_MIN_PERCENT = 90
LOG_LINES_MAX = 20
_SESSION_ENDED = re.compile(r"PANIC:|FATAL:|terminat|crash|could not (?:receive|send) data")
CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser")


@dataclass
class TestServers:
    """The throw-away servers of one run of the tests."""

    __test__ = False

    folder: Path
    postgres: Postgres
    valkey: Valkey

    def environment(self) -> dict[str, str]:
        """The environment of a test run: nothing of the caller's copy, database or secrets comes through."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("NUMINA_", "EMAIL_", "SENTRY_")) or name.startswith("NUMINA_TEST_")
        }
        return {
            **kept,
            **cache_environment(),
            "NUMINA_HOME": str(self.folder / "home"),
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.valkey.url,
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            # For the tests that must look behind the application's back: the server's superuser.
            "NUMINA_TEST_SUPERUSER_URL": self.postgres.superuser_url,
        }


def cache_environment() -> dict[str, str]:
    """Tools' caches below the home: the checkout may belong to somebody else."""
    cache = Home(home_path()).cache
    return {
        "RUFF_CACHE_DIR": str(cache / "ruff"),
        "MYPY_CACHE_DIR": str(cache / "mypy"),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(cache / "hypothesis"),
        "COVERAGE_FILE": str(cache / "coverage"),
    }


@contextlib.contextmanager
def throwaway_servers(*, durable: bool | None = None) -> Iterator[TestServers]:
    """Start the servers, stop them and remove their folder at the end, however it comes.

    `durable`, or NUMINA_TEST_FSYNC=1, keeps PostgreSQL's promises on, for measurements and tests about crashes;
    without it they are off, since nothing here outlives the run.
    """
    _dead_runs_remove()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    folder.chmod(0o755)  # PostgreSQL's user passes through it; what is inside has modes of its own
    json_write(folder / "owner.json", started_of(os.getpid()).as_json())
    (folder / "home").mkdir()
    if durable is None:
        durable = os.environ.get("NUMINA_TEST_FSYNC", "") == "1"
    servers = TestServers(
        folder,
        Postgres(
            folder=folder / "postgres",
            log=folder / "postgres.log",
            port=port_any(),
            superuser_password=secrets.token_urlsafe(24),
            password=secrets.token_urlsafe(24),
            elsewhere=elsewhere_for(home_path()),
            extra={"max_wal_size": "1GB", **({} if durable else UNSAFE_BUT_FAST)},
        ),
        Valkey(folder / "valkey", folder / "valkey.log", port_any(), secrets.token_urlsafe(24)),
    )
    try:
        with signals_raise():
            with step("PostgreSQL") as current:
                current.note = servers.postgres.start() + ("" if durable else ", without fsync")
            with step("Valkey") as current:
                servers.valkey.start()
                current.note = f"port {servers.valkey.port}"
            yield servers
    finally:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        servers.valkey.stop()
        servers.postgres.stop()
        _folder_remove(folder, servers.postgres)
        signal.signal(signal.SIGINT, before)


def test(arguments: list[str]) -> int:
    """Run pytest with these arguments, or the whole suite with coverage when there are none; its exit code."""
    Home(home_path()).cache.mkdir(parents=True, exist_ok=True)
    options = ["-p", "no:cacheprovider"]
    if not any(word.startswith(("-n", "--numprocesses")) or word == "--pdb" for word in arguments) and not arguments:
        # In the order of collection, which puts files that commit last (tests/conftest.py).
        options += ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
    if not arguments:
        options += ["--cov", "--cov-report=term:skip-covered", f"--cov-fail-under={COVERAGE_MIN_PERCENT}"]
        options += ["--durations=40", "--durations-min=3"]
    chromium = next((path for path in CHROMIUM if os.access(path, os.X_OK)), None)
    if chromium is None and "-m" not in arguments:
        warn("Chromium is missing: the tests marked `browser` are LEFT OUT. To have them: apt-get install chromium")
        options += ["-m", "not browser"]
    try:
        with throwaway_servers() as servers:
            environment = servers.environment()
            if not arguments:
                environment["NUMINA_TEST_TEMPLATE"] = _template_make(servers)
            if chromium:
                environment["NUMINA_TEST_CHROMIUM"] = chromium
            code = process_run([sys.executable, "-m", "pytest", *options, *arguments], environment)
            if code:
                _lost_sessions_show(servers.postgres.log)
            return code
    except StopRequested:
        say("Interrupted; the test servers are stopped.")
        return 130


def _template_make(servers: TestServers) -> str:
    """A migrated database from which both workers copy theirs: migrating takes longer, and coverage doubles it."""
    role = urlsplit(servers.postgres.url).username or ""
    with psycopg.connect(servers.postgres.superuser_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(TEMPLATE), sql.Identifier(role))
        )
    with step("migrations") as current:
        url = f"{servers.postgres.url.rpartition('/')[0]}/{TEMPLATE}"
        done = subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            cwd=ROOT,
            env={**servers.environment(), "DATABASE_URL": url},
            check=False,
        )
        if done.returncode:
            raise RuntimeFault("The migrations failed; see above.")
        current.note = "applied to the database that the tests copy"
    return TEMPLATE


def cases(arguments: list[str]) -> int:
    """Work out the case files of a folder (tests/cases); 1 when a figure is not the published one."""
    folder = ["--cases-dir", arguments[0]] if arguments else []
    return test(["tests/cases", "-q", *folder])


def _lost_sessions_show(log: Path) -> None:
    """What PostgreSQL says of sessions that it ended, beside a test that failed for want of one."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in [line for line in lines if _SESSION_ENDED.search(line)][-LOG_LINES_MAX:]:
        say(f"PostgreSQL: {line}")


def _folder_remove(folder: Path, postgres: Postgres) -> None:
    if postgres.folder.is_symlink():  # the temporary folder was closed to PostgreSQL's user
        shutil.rmtree(postgres.folder.resolve(), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def _dead_runs_remove() -> None:
    """Stop and remove what a killed test run left behind. A run that still lives is left alone."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        owner = started_from(json_read(folder / "owner.json"))
        if owner is None or is_alive(owner) or not os.access(folder, os.W_OK) or folder.stat().st_uid != os.geteuid():
            continue
        postgres = Postgres(folder / "postgres", folder / "postgres.log", 0, "", "", elsewhere_for(home_path()))
        postgres.stop()
        valkey = Valkey(folder / "valkey", folder / "valkey.log", 0, "")
        valkey.process = valkey.recorded()
        valkey.stop()
        _folder_remove(folder, postgres)
        say(f"  removed        what a killed test run left in {folder}")
