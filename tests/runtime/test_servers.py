"""The embedded servers: start, keep their data, survive kill -9, stop."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from config.runtime.home import Home, home_open
from config.runtime.leftovers import is_alive
from config.runtime.report import RuntimeFault
from config.runtime.servers import Servers, elsewhere_for, servers_of

pytestmark = [pytest.mark.runtime, pytest.mark.slow]


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)
    # pytest's own folder has mode 0700 and would send PostgreSQL's data elsewhere; see the test of that below.
    folder = Path(tempfile.mkdtemp(prefix="numina-home-"))
    folder.chmod(0o755)
    monkeypatch.setenv("NUMINA_HOME", str(folder))
    yield home_open()
    servers_of(Home(folder)).leftovers_stop()
    shutil.rmtree(folder)


def _postgres_and_valkey(servers: Servers) -> tuple[psycopg.Connection[tuple[object, ...]], redis.Redis]:
    assert servers.postgres is not None
    assert servers.valkey is not None
    return psycopg.connect(servers.postgres.url, autocommit=True), redis.Redis.from_url(servers.valkey.url)


def test_servers_keep_data_and_ports_through_a_stop_and_a_kill(home: Home) -> None:
    servers = servers_of(home)
    servers.start()
    first_urls = servers.environment()
    connection, cache = _postgres_and_valkey(servers)
    with connection, cache:
        connection.execute("CREATE TABLE kept (value int)")
        connection.execute("INSERT INTO kept VALUES (1)")
        cache.set("kept", "1")
        shown = "SELECT current_setting('fsync'), current_setting('data_checksums'), current_setting('TimeZone')"
        assert connection.execute(shown).fetchone() == ("on", "on", "UTC")
        role = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
        assert connection.execute(role).fetchone() == (False,)
        assert cache.config_get("appendonly") == {"appendonly": "yes"}
        assert cache.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    servers.stop()

    again = servers_of(home)
    again.start()
    assert again.environment() == first_urls
    assert again.postgres is not None
    assert again.valkey is not None
    assert again.postgres.process is not None
    assert again.valkey.process is not None
    os.kill(again.postgres.process.pid, signal.SIGKILL)
    os.kill(again.valkey.process.pid, signal.SIGKILL)
    os.waitpid(again.valkey.process.pid, 0)

    after = servers_of(home)
    after.start()
    connection, cache = _postgres_and_valkey(after)
    with connection, cache:
        assert connection.execute("SELECT value FROM kept").fetchone() == (1,)
        assert cache.get("kept") == b"1"
    adopted = servers_of(home)
    adopted.start()
    assert adopted.postgres is not None
    assert after.postgres is not None
    assert adopted.postgres.process == after.postgres.process
    assert adopted.environment() == after.environment()
    adopted.stop()
    assert not is_alive(after.postgres.process)


def test_a_wrong_password_is_refused(home: Home) -> None:
    servers = servers_of(home)
    servers.start()
    try:
        assert servers.postgres is not None
        assert servers.valkey is not None
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(servers.postgres.url.replace(servers.postgres.password, "wrong"))
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=servers.valkey.port).ping()
    finally:
        servers.stop()


def test_data_of_another_release_is_not_touched(home: Home) -> None:
    data = home.path / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("16\n")
    (home.path / "postgres").chmod(0o755)
    servers = servers_of(home)
    with pytest.raises(RuntimeFault, match="PostgreSQL 16"):
        servers.start()
    assert (data / "PG_VERSION").read_text() == "16\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root steps down to another user")
def test_a_private_home_of_roots_keeps_its_mode_and_the_data_goes_elsewhere(home: Home) -> None:
    home.path.chmod(0o700)
    elsewhere = elsewhere_for(home.path)
    servers = servers_of(home)
    try:
        servers.start()
        assert home.path.stat().st_mode & 0o777 == 0o700
        assert (home.path / "postgres").resolve() == elsewhere / "postgres"
        servers.stop()
        again = servers_of(home)
        again.start()
        again.stop()
    finally:
        servers.stop()
        shutil.rmtree(elsewhere)
