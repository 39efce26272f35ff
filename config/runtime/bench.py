"""`make bench`: the measurements of tests/load on a PostgreSQL of their own that keeps its promises."""

import os
import secrets
import sys
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from config.runtime.commands import process_run
from config.runtime.home import home_path
from config.runtime.report import StopRequested, say
from config.runtime.testing import throwaway_servers

PEER_DATABASE = "peer"


def bench(arguments: list[str]) -> int:
    """Run tests.load.bench with these arguments; its exit code. Results go to bench/latest.json in the home."""
    if "--json" not in arguments:
        arguments = [*arguments, "--json", str(home_path() / "bench" / "latest.json")]
    try:
        with throwaway_servers(durable=True) as servers:
            _peer_database_make(servers.postgres.superuser_url, urlsplit(servers.postgres.url).username or "")
            environment = {
                **servers.environment(),
                "DJANGO_SETTINGS_MODULE": "config.settings.local",
                "NUMINA_SECRET_KEY": secrets.token_urlsafe(48),
                "NUMINA_JWT_SIGNING_KEY": secrets.token_urlsafe(48),
                "NUMINA_MASTER_KEY": secrets.token_hex(32),
                "NUMINA_BENCH_PYTHON": os.environ.get("NUMINA_BENCH_PYTHON", ""),
                "NUMINA_BENCH_PEER_URL": servers.postgres.url.rsplit("/", 1)[0] + f"/{PEER_DATABASE}",
            }
            return process_run([sys.executable, "-m", "tests.load.bench", *arguments], environment)
    except StopRequested:
        say("Interrupted; the servers are stopped.")
        return 130


def _peer_database_make(superuser_url: str, owner: str) -> None:
    """A peer's tables must not mix with ours."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        name, role = sql.Identifier(PEER_DATABASE), sql.Identifier(owner)
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, role))
