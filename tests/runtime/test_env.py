"""The environment is read once, strictly, and faults say what to set."""

from __future__ import annotations

import subprocess
import sys

import pytest

from config.env import ROOT, EnvError, database_parse, env_read
from config.integrations.database import databases


def test_database_url_parts_are_percent_decoded() -> None:
    database = database_parse("postgresql://user%40bank:p%2Fa%3As%40s@db.example:6432/num%20ina?sslmode=require")
    assert (database.user, database.password) == ("user@bank", "p/a:s@s")
    assert (database.host, database.port, database.name) == ("db.example", "6432", "num ina")
    assert database.options == (("sslmode", "require"),)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("postgresql://u:p@[::1]:5432/n", "::1"),
        ("postgresql://u:p@%2Fvar%2Frun%2FPostgres/n", "/var/run/Postgres"),
        ("postgresql:///n?host=/tmp/Sockets", "/tmp/Sockets"),
    ],
)
def test_database_host_may_be_an_address_or_a_folder(url: str, host: str) -> None:
    assert database_parse(url).host == host


@pytest.mark.parametrize(
    "url", ["mysql://u:p@h/n", "postgresql://u:p@h/", "postgresql://u:p@h:x/n", "h/n", "postgres:"]
)
def test_wrong_database_urls_are_refused_without_showing_the_password(url: str) -> None:
    with pytest.raises(EnvError) as caught:
        database_parse(url.replace(":p@", ":hunter2@"))
    assert "DATABASE_URL" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("size", [0, 8])
def test_connections_stay_open_or_come_from_a_pool(size: int) -> None:
    made = databases(env_read({"DATABASE_URL": "postgresql://u:p@h/n", "NUMINA_DATABASE_POOL": str(size)}))["default"]
    assert made["CONN_MAX_AGE"] == (0 if size else None)  # the pool keeps them open itself
    assert made["OPTIONS"].get("pool", {}).get("max_size") == (size or None)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(EnvError) as caught:
        env_read(
            {
                "NUMINA_DATABASE_POOL": "many",
                "REDIS_URL": "http://x",
                "NUMINA_SECRET_KEY": "short",
                "NUMINA_TIME_ZONE": "../Nairobi",
            }
        )
    names = ("NUMINA_DATABASE_POOL", "REDIS_URL", "NUMINA_SECRET_KEY", "NUMINA_TIME_ZONE")
    assert all(name in str(caught.value) for name in names)
    assert env_read({"NUMINA_TIME_ZONE": "America/New_York"}).time_zone == "America/New_York"


def test_redis_databases_follow_the_configured_one() -> None:
    env = env_read({"REDIS_URL": "redis://:p%40ss@h:6380/3"})
    assert env.redis_database(0) == "redis://:p%40ss@h:6380/3"
    assert env.redis_database(1) == "redis://:p%40ss@h:6380/4"
    with pytest.raises(EnvError, match="REDIS_URL"):
        env_read({}).redis_database(0)


def _settings_load(module: str, **environ: str) -> subprocess.CompletedProcess[str]:
    code = f"import os; os.environ['DJANGO_SETTINGS_MODULE'] = '{module}'; import django; django.setup()"
    clean = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **environ}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=clean, capture_output=True, text=True, check=False
    )


PRODUCTION = {
    "NUMINA_SECRET_KEY": "a" * 40,
    "NUMINA_JWT_SIGNING_KEY": "b" * 40,
    "NUMINA_MASTER_KEY": "c" * 64,
    "DATABASE_URL": "postgresql://u:p@127.0.0.1:1/n",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "NUMINA_ALLOWED_HOSTS": "bank.example",
    "NUMINA_PUBLIC_URL": "https://bank.example",
}


def test_production_starts_with_everything_set() -> None:
    done = _settings_load("config.settings.production", **PRODUCTION)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", sorted(PRODUCTION))
def test_production_refuses_to_start_without(name: str) -> None:
    done = _settings_load("config.settings.production", **{key: PRODUCTION[key] for key in PRODUCTION if key != name})
    assert done.returncode != 0
    assert f"{name} is not set" in done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NUMINA_ALLOWED_HOSTS", "*"),
        ("NUMINA_PUBLIC_URL", "http://bank.example"),
        ("NUMINA_JWT_SIGNING_KEY", "a" * 40),
        ("NUMINA_SECRET_KEY", "short"),
        ("NUMINA_MASTER_KEY", "c" * 63),
    ],
)
def test_production_refuses_weak_values(name: str, value: str) -> None:
    done = _settings_load("config.settings.production", **{**PRODUCTION, name: value})
    assert done.returncode != 0
    assert name in done.stderr


def test_local_settings_have_no_default_secret() -> None:
    done = _settings_load("config.settings.local", DATABASE_URL="postgresql://u@h/n", REDIS_URL="redis://h")
    assert done.returncode != 0
    assert "NUMINA_SECRET_KEY" in done.stderr
