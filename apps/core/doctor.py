"""The checks of `manage.py doctor`. Each gives one finding: a state, what was found, and what to do about it."""

import contextlib
import ctypes.util
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

import redis
from django.conf import settings
from django.core.cache import cache
from django.db import DEFAULT_DB_ALIAS, Error, connection, connections
from django.db.migrations.executor import MigrationExecutor

OK, WARN, FAIL = "ok", "warn", "fail"
POSTGRES_MIN = 150_000
DISK_WARN_BYTES = 5_000_000_000
DISK_FAIL_BYTES = 500_000_000
CLOCK_WARN_SECONDS = 2.0
PDF_LIBRARIES = {
    "pango-1.0": "libpango-1.0-0",
    "pangoft2-1.0": "libpangoft2-1.0-0",
    "harfbuzz-subset": "libharfbuzz-subset0",
}
LOCK_LINE = re.compile(r"^([A-Za-z0-9][\w.\-]*)==([^\s\\;]+)", re.MULTILINE)


class Finding(NamedTuple):
    """What one check found. `advice` is empty when there is nothing to do."""

    name: str
    state: str
    detail: str
    advice: str = ""


def checks_run() -> list[Finding]:
    """Run all checks. One that breaks becomes a failure of its own and stops no other."""
    findings: list[Finding] = []
    for check in CHECKS:
        try:
            findings.extend(check())
        except (Error, OSError, redis.RedisError, ValueError) as error:
            name = check.__name__.strip("_").replace("_", " ")
            findings.append(Finding(name, FAIL, f"{type(error).__name__}: {error}".strip()))
    return findings


def _python() -> Iterator[Finding]:
    found = sys.version.split()[0]
    fits = (3, 11) <= sys.version_info[:2] < (3, 14)
    yield Finding("Python", OK if fits else FAIL, found, "" if fits else "use Python 3.11, 3.12 or 3.13 (PYTHON=...)")


def _packages() -> Iterator[Finding]:
    lock = Path(settings.BASE_DIR) / "requirements" / "base.lock"
    wrong = []
    wanted = LOCK_LINE.findall(lock.read_text())
    for name, expected in wanted:
        try:
            found = version(name)
        except PackageNotFoundError:
            found = "missing"
        if found != expected:
            wrong.append(f"{name} {found} (locked {expected})")
    if wrong:
        yield Finding("packages", FAIL, ", ".join(wrong[:8]), f"pip install --require-hashes -r {lock}")
    else:
        yield Finding("packages", OK, f"{len(wanted)} as locked")


def _pdf_libraries() -> Iterator[Finding]:
    missing = [package for library, package in PDF_LIBRARIES.items() if ctypes.util.find_library(library) is None]
    if missing:
        yield Finding(
            "PDF libraries", WARN, "statements as PDF do not work", f"apt-get install {' '.join(missing)} fontconfig"
        )
    else:
        yield Finding("PDF libraries", OK, "Pango and HarfBuzz found")


def _database() -> Iterator[Finding]:
    try:
        connection.ensure_connection()
    except Error as error:
        yield Finding("database", FAIL, str(error).strip(), "start it (make run), or correct DATABASE_URL")
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), current_setting('server_version_num')::int, "
            "current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'), "
            "current_setting('data_checksums'), current_setting('TimeZone'), current_setting('server_encoding'), "
            "(SELECT rolsuper FROM pg_roles WHERE rolname = current_user), "
            "extract(epoch FROM clock_timestamp())::float8"
        )
        row = cursor.fetchone()
    if row is None:
        raise ValueError("the database did not answer a question about itself")
    text, number, fsync, pages, commit, checksums, zone, encoding, superuser, clock = row
    yield Finding(
        "PostgreSQL",
        OK if number >= POSTGRES_MIN else FAIL,
        text,
        "" if number >= POSTGRES_MIN else "Numina needs PostgreSQL 15 or later",
    )
    durable = fsync == "on" and pages == "on"
    yield Finding(
        "database durability",
        OK if durable else FAIL,
        f"fsync {fsync}, full_page_writes {pages}",
        "" if durable else "set both to on: a power cut may lose or corrupt the books",
    )
    yield Finding(
        "commits",
        OK if commit != "off" else FAIL,
        f"synchronous_commit {commit}",
        "" if commit != "off" else "set it to on: a crash may lose transfers that were answered",
    )
    yield _flag("checksums", checksums == "on", f"data_checksums {checksums}", "pg_checksums --enable, server stopped")
    yield _flag("time zone", zone == "UTC", zone, "sessions should be in UTC")
    yield _flag("encoding", encoding == "UTF8", encoding, "make the database with ENCODING UTF8", bad=FAIL)
    yield _flag(
        "database role",
        not superuser,
        "a superuser" if superuser else "no superuser",
        "use a role without SUPERUSER: otherwise the books' append-only rules do not bind the application",
    )
    drift = abs(time.time() - clock)
    yield _flag("clock", drift < CLOCK_WARN_SECONDS, f"{drift:.2f} s from the database's", "run NTP on both machines")


def _flag(name: str, good: bool, detail: str, advice: str, *, bad: str = WARN) -> Finding:
    return Finding(name, OK if good else bad, detail, "" if good else advice)


def _migrations() -> Iterator[Finding]:
    try:
        executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    except Error:
        return  # the check of the database says why
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    yield _flag(
        "migrations", not plan, f"{len(plan)} pending" if plan else "all applied", "manage.py migrate", bad=FAIL
    )


def _redis() -> Iterator[Finding]:
    url = settings.CACHES["default"]["LOCATION"]
    advice = "start it (make run), or correct REDIS_URL; until then Numina is slower and background work waits"
    with redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2) as client:
        try:
            server = client.info("server")
        except redis.RedisError as error:
            yield Finding("Redis", FAIL, str(error), advice)
            return
        name = "Valkey" if "valkey_version" in server else "Redis"
        yield Finding(name, OK, str(server.get("valkey_version") or server.get("redis_version")))
        aof = client.info("persistence").get("aof_enabled")
        yield _flag(f"{name} log", aof == 1, f"appendonly {'on' if aof else 'off'}", "set appendonly yes: queued work")
        policy = client.info("memory").get("maxmemory_policy")
        yield _flag(f"{name} eviction", policy == "noeviction", str(policy), "set maxmemory-policy noeviction")
    key = f"doctor:{os.getpid()}"
    cache.set(key, "here", timeout=10)
    yield _flag("cache", cache.get(key) == "here", "writes and reads", "the cache does not keep what is put in")
    cache.delete(key)


def _home() -> Iterator[Finding]:
    home = settings.ENV.home
    folder = home if home.exists() else home.parent
    free = shutil.disk_usage(folder).free
    state = FAIL if free < DISK_FAIL_BYTES else WARN if free < DISK_WARN_BYTES else OK
    yield Finding("disk", state, f"{free / 1e9:.1f} GB free at {folder}", "" if state == OK else "make room")
    secrets = home / "secrets.json"
    with contextlib.suppress(FileNotFoundError):
        mode = secrets.stat().st_mode & 0o777
        yield _flag("secrets file", mode & 0o077 == 0, f"{secrets} mode {mode:04o}", f"chmod 600 {secrets}", bad=FAIL)
    year = datetime.now(UTC).year
    yield _flag("date", year >= 2026, f"{year}", "set the machine's clock")


def _mail() -> Iterator[Finding]:
    backend = settings.EMAIL_BACKEND.split(".")[-2]
    places = {"filebased": f"files in {getattr(settings, 'EMAIL_FILE_PATH', '')}", "console": "the console"}
    detail = places.get(backend, backend) + ("" if settings.ENV.email_url else ", since EMAIL_URL is not set")
    good = backend not in places or settings.SETTINGS_MODULE == "config.settings.local"
    yield _flag("mail", good, detail, "set EMAIL_URL: nobody gets what is sent")


def _ports() -> Iterator[Finding]:
    from config.runtime.status import status_collect

    found = status_collect()
    if found["phase"] == "stopped":
        yield Finding("processes", OK, "not started by this copy's process manager")
        return
    down = [service["name"] for service in found["services"] if service["state"] != "up"]
    detail = f"down: {', '.join(down)}" if down else "all up"
    # While it starts, what is not up yet is no fault.
    yield _flag("processes", not down, f"{found['phase']}, {detail}", "make status", bad=FAIL)


def _settings() -> Iterator[Finding]:
    secret, signing = settings.SECRET_KEY, settings.SIMPLE_JWT["SIGNING_KEY"]
    yield _flag(
        "secrets",
        bool(secret) and bool(signing) and secret != signing,
        "set and different" if secret != signing else "the same value twice",
        "set NUMINA_SECRET_KEY and NUMINA_JWT_SIGNING_KEY to different random values",
        bad=FAIL,
    )
    yield _flag("debug mode", not settings.DEBUG, "on" if settings.DEBUG else "off", "never with real data")


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _python,
    _packages,
    _pdf_libraries,
    _settings,
    _database,
    _migrations,
    _redis,
    _home,
    _mail,
    _ports,
)
