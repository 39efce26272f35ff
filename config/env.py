"""Reads the environment once into a frozen `Env`, with errors that say what to set.

Nothing else in Numina reads `os.environ` for configuration: a setting that is not here does not exist.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

ROOT = Path(__file__).resolve().parent.parent
TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})
SECRET_LENGTH_MIN = 32
REDIS_DATABASES_MAX = 1024


class EnvError(Exception):
    """The environment lacks a value or holds a wrong one. The text says which, and what to set."""


@dataclass(frozen=True)
class Database:
    """Where PostgreSQL is. `options` are libpq parameters from the URL's query, such as `sslmode`."""

    name: str
    user: str
    password: str
    host: str
    port: str
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Env:
    """Everything Numina reads from the environment, parsed. Times are in the unit of the field's name."""

    home: Path
    secret_key: str
    jwt_signing_key: str
    jwt_previous_keys: tuple[str, ...]
    bcrypt_rounds: int
    staff_addresses: tuple[str, ...]
    database: Database | None
    database_replica: Database | None
    database_pool_size: int
    database_prepare_after: int
    statement_timeout_ms: int
    redis_url: str
    engine_redis_url: str
    broker_url: str
    allowed_hosts: tuple[str, ...]
    public_url: str
    trusted_proxies: int
    log_level: str
    log_format: str
    sentry_dsn: str
    sentry_environment: str
    email_url: str
    email_from: str
    anymail_webhook_secret: str
    mail_bulk_per_minute: int
    sms_url: str
    sms_from: str
    vapid_private_key: str
    push_hosts: tuple[str, ...]
    notification_webhook_secrets: tuple[tuple[str, str], ...]
    environment: str
    bank_name: str
    base_currency: str
    time_zone: str
    country: str
    iban_pattern: str
    account_number_pattern: str
    business_date_roll: str
    storage_url: str
    data_region: str
    master_keys: str
    vault_url: str
    vault_token: str
    vault_key: str
    metrics_token: str
    alarm_errors_percent: int
    alarm_slow_ms: int
    principal_cache_seconds: int
    principal_shared_seconds: int
    limits_cache_seconds: int

    def redis_database(self, offset: int) -> str:
        """Redis URL of the database `offset` places after the configured one.

        The cache, the task broker and others are kept apart, since emptying the cache empties its whole database.
        """
        if not self.redis_url:
            raise EnvError("REDIS_URL is not set. Example: REDIS_URL=redis://:password@127.0.0.1:6379/0")
        parts = urlsplit(self.redis_url)
        first = int(parts.path.lstrip("/") or 0)
        return parts._replace(path=f"/{first + offset}").geturl()


def env_read(environ: Mapping[str, str] | None = None) -> Env:
    """Parse `environ` (the process's own when left out). Raises `EnvError` with all faults, one a line."""
    reader = _Reader(os.environ if environ is None else environ)
    env = Env(
        home=Path(reader.text("NUMINA_HOME", str(ROOT / "var"))).expanduser().resolve(),
        secret_key=reader.secret("NUMINA_SECRET_KEY"),
        jwt_signing_key=reader.secret("NUMINA_JWT_SIGNING_KEY"),
        jwt_previous_keys=reader.words("NUMINA_JWT_PREVIOUS_KEYS"),
        bcrypt_rounds=reader.integer("NUMINA_BCRYPT_ROUNDS", 12, low=12, high=16),
        staff_addresses=reader.words("NUMINA_STAFF_ADDRESSES"),
        database=reader.database("DATABASE_URL"),
        database_replica=reader.database("DATABASE_REPLICA_URL"),
        database_pool_size=reader.integer("NUMINA_DATABASE_POOL", 0, low=0, high=200),
        database_prepare_after=reader.integer("NUMINA_DATABASE_PREPARE", 5, low=0, high=1_000),
        statement_timeout_ms=reader.integer("NUMINA_STATEMENT_TIMEOUT_MS", 30_000, low=0, high=86_400_000),
        redis_url=reader.redis("REDIS_URL"),
        engine_redis_url=reader.redis("NUMINA_ENGINE_REDIS_URL"),
        broker_url=reader.broker("NUMINA_BROKER_URL"),
        allowed_hosts=reader.words("NUMINA_ALLOWED_HOSTS"),
        public_url=reader.text("NUMINA_PUBLIC_URL", "").rstrip("/"),
        trusted_proxies=reader.integer("NUMINA_TRUSTED_PROXIES", 0, low=0, high=10),
        log_level=reader.choice("NUMINA_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
        log_format=reader.choice("NUMINA_LOG_FORMAT", "json", ("json", "console")),
        sentry_dsn=reader.text("SENTRY_DSN", ""),
        sentry_environment=reader.text("SENTRY_ENVIRONMENT", "production"),
        email_url=reader.text("EMAIL_URL", ""),
        email_from=reader.text("NUMINA_EMAIL_FROM", "Numina Bank <no-reply@numina.invalid>"),
        anymail_webhook_secret=reader.secret("NUMINA_ANYMAIL_WEBHOOK_SECRET"),
        mail_bulk_per_minute=reader.integer("NUMINA_MAIL_BULK_PER_MINUTE", 1_000, low=1, high=1_000_000),
        sms_url=reader.text("NUMINA_SMS_URL", ""),
        sms_from=reader.text("NUMINA_SMS_FROM", "Numina"),
        vapid_private_key=reader.text("NUMINA_VAPID_PRIVATE_KEY", ""),
        push_hosts=reader.words("NUMINA_PUSH_HOSTS"),
        notification_webhook_secrets=reader.pairs("NUMINA_NOTIFICATION_WEBHOOKS"),
        environment=reader.choice("NUMINA_ENVIRONMENT", "", ("", "demo", "training")),
        bank_name=reader.text("NUMINA_BANK_NAME", "Numina Bank"),
        base_currency=reader.text("NUMINA_BASE_CURRENCY", "KES"),
        time_zone=reader.zone("NUMINA_TIME_ZONE", "Africa/Nairobi"),
        country=reader.text("NUMINA_COUNTRY", "KE"),
        iban_pattern=reader.text("NUMINA_IBAN_PATTERN", ""),
        account_number_pattern=reader.text("NUMINA_ACCOUNT_NUMBER_PATTERN", "{prefix}{serial:09d}{luhn}"),
        business_date_roll=reader.choice("NUMINA_BUSINESS_DATE_ROLL", "automatic", ("automatic", "close_of_business")),
        storage_url=reader.text("NUMINA_STORAGE_URL", ""),
        data_region=reader.text("NUMINA_DATA_REGION", ""),
        master_keys=reader.master_keys(),
        vault_url=reader.text("NUMINA_VAULT_URL", ""),
        vault_token=reader.secret_file("NUMINA_VAULT_TOKEN"),
        vault_key=reader.text("NUMINA_VAULT_KEY", "numina"),
        metrics_token=reader.secret_file("NUMINA_METRICS_TOKEN"),
        alarm_errors_percent=reader.integer("NUMINA_ALARM_ERRORS_PERCENT", 5, low=0, high=100),
        alarm_slow_ms=reader.integer("NUMINA_ALARM_SLOW_MS", 1_000, low=1, high=5_000),
        principal_cache_seconds=reader.integer("NUMINA_PRINCIPAL_CACHE_SECONDS", 5, low=0, high=60),
        principal_shared_seconds=reader.integer("NUMINA_PRINCIPAL_SHARED_SECONDS", 60, low=0, high=3_600),
        limits_cache_seconds=reader.integer("NUMINA_LIMITS_CACHE_SECONDS", 10, low=1, high=600),
    )
    if reader.faults:
        raise EnvError("\n".join(reader.faults))
    return env


def database_parse(url: str) -> Database:
    """Parse `postgresql://user:password@host:port/name?sslmode=require`; parts may be percent-encoded.

    A host that begins with `/` (a socket's folder) comes percent-encoded or as `?host=/path`.
    Raises `EnvError` without repeating the URL, which holds a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise EnvError("DATABASE_URL cannot be read; percent-encode special characters of the password") from error
    if parts.scheme not in {"postgres", "postgresql"}:
        raise EnvError(f"DATABASE_URL must begin with postgresql:// (it begins with {parts.scheme or 'nothing'!r})")
    name = unquote(parts.path.removeprefix("/"))
    if not name or "/" in name:
        raise EnvError("DATABASE_URL must name one database: postgresql://user:password@host:5432/numina")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    host = options.pop("host", "") or _host(parts)
    return Database(
        name=name,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        host=host,
        port=options.pop("port", "") or (str(port) if port else ""),
        options=tuple(sorted(options.items())),
    )


def _host(parts: SplitResult) -> str:
    """The host with its case kept: socket folders are case-sensitive and `hostname` lower-cases."""
    authority = parts.netloc.rpartition("@")[2]
    if authority.startswith("["):
        return authority[1 : authority.index("]")]
    return unquote(authority.partition(":")[0])


class _Reader:
    """Collects faults instead of stopping at the first, so that one start shows them all."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.faults: list[str] = []

    def text(self, name: str, default: str) -> str:
        return self.environ.get(name, "").strip() or default

    def words(self, name: str) -> tuple[str, ...]:
        return tuple(word.strip() for word in self.text(name, "").split(",") if word.strip())

    def pairs(self, name: str) -> tuple[tuple[str, str], ...]:
        """`provider=secret` pairs, separated by commas."""
        pairs = tuple((word.partition("=")[0].strip(), word.partition("=")[2].strip()) for word in self.words(name))
        if not all(provider and len(secret) >= SECRET_LENGTH_MIN for provider, secret in pairs):
            self.faults.append(f"{name} must be provider=secret pairs, each secret of {SECRET_LENGTH_MIN} or more")
        try:
            for _, secret in pairs:
                base64.b64decode(secret[6:] if secret.startswith("whsec_") else "", validate=True)
        except ValueError:
            self.faults.append(f"{name} has a secret whsec_ with something else than base64 behind it")
        return pairs

    def integer(self, name: str, default: int, *, low: int, high: int) -> int:
        raw = self.text(name, str(default))
        if not (raw.isascii() and raw.isdigit()) or not low <= int(raw) <= high:
            self.faults.append(f"{name} must be a whole number from {low} to {high}, not {raw!r}")
            return default
        return int(raw)

    def zone(self, name: str, default: str) -> str:
        """An IANA time zone that this machine knows."""
        raw = self.text(name, default)
        try:
            ZoneInfo(raw)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.faults.append(f"{name} must be a time zone such as Africa/Nairobi, not {raw!r}")
            return default
        return raw

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        raw = self.text(name, default)
        if raw not in allowed:
            self.faults.append(f"{name} must be one of {', '.join(allowed)}, not {raw!r}")
            return default
        return raw

    def secret(self, name: str) -> str:
        value = self.text(name, "")
        if value and len(value) < SECRET_LENGTH_MIN:
            self.faults.append(f"{name} must have at least {SECRET_LENGTH_MIN} characters")
        return value

    def secret_file(self, name: str) -> str:
        """The value, or the content of the file that NAME_FILE names: how orchestrators hand over secrets."""
        value, file = self.text(name, ""), self.text(f"{name}_FILE", "")
        if value or not file:
            return value
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            self.faults.append(f"{name}_FILE cannot be read: {error.strerror}")
            return ""

    def master_keys(self) -> str:
        keys = self.secret_file("NUMINA_MASTER_KEY")
        if any(not re.fullmatch(r"[0-9a-fA-F]{64}", key.strip()) for key in keys.split(",") if key.strip()):
            self.faults.append("NUMINA_MASTER_KEY must have 64 hexadecimal digits: openssl rand -hex 32")
        return keys

    def database(self, name: str) -> Database | None:
        url = self.text(name, "")
        if not url:
            return None
        try:
            return database_parse(url)
        except EnvError as error:
            self.faults.append(str(error))
            return None

    def broker(self, name: str) -> str:
        url = self.text(name, "")
        if url and urlsplit(url).scheme not in {"redis", "rediss", "amqp", "amqps"}:
            self.faults.append(f"{name} must look like amqp://user:password@host:5672/vhost, or like REDIS_URL")
            return ""
        return url

    def redis(self, name: str) -> str:
        url = self.text(name, "")
        if not url:
            return ""
        try:
            parts = urlsplit(url)
            database = parts.path.lstrip("/") or "0"
            known = parts.scheme in {"redis", "rediss"} and parts.hostname is not None
            if not known or not database.isdigit() or int(database) > REDIS_DATABASES_MAX or (parts.port or 1) < 1:
                raise ValueError
        except ValueError:
            self.faults.append(f"{name} must look like redis://:password@host:6379/0 (or rediss://)")
            return ""
        return url


def environ_flag(name: str, *, default: bool = False) -> bool:
    """A yes-or-no variable. Raises `EnvError` on any other word."""
    raw = os.environ.get(name, "").strip().lower()
    if not raw:
        return default
    if raw in TRUE_WORDS:
        return True
    if raw in FALSE_WORDS:
        return False
    raise EnvError(f"{name} must be 1 or 0, not {raw!r}")
