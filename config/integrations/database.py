"""PostgreSQL: a connection a thread that stays open, or psycopg's pool where threads are many."""

from typing import Any

from config.env import Database, Env, EnvError

LOCK_TIMEOUT_MS = 3_000
IDLE_TRANSACTION_TIMEOUT_MS = 60_000


def databases(env: Env, *, application_name: str = "numina") -> dict[str, Any]:
    """The value of DATABASES. A pool size of 0 gives plain connections, one a thread, which stay open.

    Taking one from the pool and giving it back costs a request about 60 µs of 500; the web server's threads are few.

    Raises `EnvError` when DATABASE_URL is not set.
    """
    database = env.database
    if database is None:
        raise EnvError(
            "DATABASE_URL is not set. `make run` and `make manage` set it for the embedded server; elsewhere set it, "
            "for example: DATABASE_URL=postgresql://numina:password@127.0.0.1:5432/numina"
        )
    timeouts = {
        "lock_timeout": LOCK_TIMEOUT_MS,
        "statement_timeout": env.statement_timeout_ms,
        "idle_in_transaction_session_timeout": IDLE_TRANSACTION_TIMEOUT_MS,
    }
    made = {"default": _connection(env, database, timeouts, application_name)}
    if env.database_replica is not None:
        # For reading summaries only (apps/reporting/facts.py): a replica may lag, and nothing is written there.
        reading = {**timeouts, "default_transaction_read_only": "on"}
        made["replica"] = {
            **_connection(env, env.database_replica, reading, f"{application_name} reports"),
            "TEST": {"MIRROR": "default"},
        }
    return made


def _connection(env: Env, database: Database, settings: dict[str, Any], application_name: str) -> dict[str, Any]:
    given = dict(database.options)
    session = " ".join(f"-c {name}={value}" for name, value in settings.items())
    options: dict[str, Any] = {
        "application_name": application_name,
        "connect_timeout": 5,
        # Django's default is None, never, and then psycopg ignores `prepare=True` as well: PostgreSQL parses and plans
        # the hottest statements each time. Django's own cursors bind on the client and are not concerned. 0 is for a
        # pooler that knows no prepared statements (PgBouncer knows them from 1.22 on).
        "prepare_threshold": env.database_prepare_after or None,
        **given,
        "options": f"{session} {given.get('options', '')}".strip(),
    }
    if env.database_pool_size:
        options["pool"] = {
            "min_size": min(2, env.database_pool_size),
            "max_size": env.database_pool_size,
            "timeout": 5,  # seconds a request waits for a connection before it answers 503
            "max_idle": 300,
            "max_lifetime": 3600,
        }
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": database.name,
        "USER": database.user,
        "PASSWORD": database.password,
        "HOST": database.host,
        "PORT": database.port,
        # With the pool 0 is required: it keeps the connections open itself.
        "CONN_MAX_AGE": 0 if env.database_pool_size else None,
        "OPTIONS": options,
    }
