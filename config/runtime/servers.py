"""PostgreSQL and Valkey of one copy: embedded ones, or those that DATABASE_URL and REDIS_URL name."""

import hashlib
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from config.runtime.home import Home, json_read, json_write, secrets_get
from config.runtime.leftovers import Started, is_alive, started_from
from config.runtime.ports import ADDRESS, port_for
from config.runtime.postgres import Postgres
from config.runtime.report import say, step
from config.runtime.valkey import Valkey

STATE_VERSION = 1


@dataclass
class Servers:
    """What this copy's processes talk to. An embedded server is None when an outside one is used."""

    home: Home
    secrets: dict[str, str]
    postgres: Postgres | None
    valkey: Valkey | None

    def start(self) -> None:
        """Start what is embedded, or take over what an earlier start left running. Raises `RuntimeFault`."""
        if self.postgres is None:
            state_update(self.home, services={"postgres": _outside("PostgreSQL", "DATABASE_URL", 5432)})
        else:
            with step("PostgreSQL") as current:
                current.note = self.postgres.start()
            state_update(self.home, services={"postgres": _record(self.postgres.process, self.postgres.port)})
        if self.valkey is None:
            state_update(self.home, services={"valkey": _outside("Valkey", "REDIS_URL", 6379)})
        else:
            with step("Valkey") as current:
                known = json_read(self.home.state_file).get("services", {}).get("valkey")
                current.note = self._valkey_start(self.valkey, known)
            state_update(self.home, services={"valkey": _record(self.valkey.process, self.valkey.port)})

    def _valkey_start(self, valkey: Valkey, known: Any) -> str:
        process = started_from(known)
        if process is not None and isinstance(known.get("port"), int):
            valkey.port = known["port"]
            if valkey.adopt(process):
                return f"already running on port {valkey.port}"
        valkey.port = port_for(self.home, "valkey")
        valkey.start()
        return f"port {valkey.port}"

    def stop(self) -> None:
        """Stop what we started, Valkey before PostgreSQL."""
        if self.valkey is not None:
            self.valkey.process = self.valkey.recorded() or self.valkey.process  # `demo break-redis` starts another
            self.valkey.stop()
        if self.postgres is not None:
            self.postgres.stop()

    def leftovers_stop(self) -> str:
        """Stop servers that a killed start left running; what was stopped."""
        stopped = []
        if self.valkey is not None:
            known = json_read(self.home.state_file).get("services", {}).get("valkey")
            process = started_from(known)
            if is_alive(process):
                self.valkey.process = process
                self.valkey.stop()
                stopped.append("Valkey")
        if self.postgres is not None and self.postgres.stop():
            stopped.append("PostgreSQL")
        return f"stopped {' and '.join(stopped)}" if stopped else "nothing was left running"

    def environment(self) -> dict[str, str]:
        """The environment of every process of this copy, over what we were started with."""
        values = {
            "NUMINA_HOME": str(self.home.path),
            "NUMINA_SECRET_KEY": os.environ.get("NUMINA_SECRET_KEY") or self.secrets["secret_key"],
            "NUMINA_JWT_SIGNING_KEY": os.environ.get("NUMINA_JWT_SIGNING_KEY") or self.secrets["jwt_signing_key"],
            "NUMINA_MASTER_KEY": os.environ.get("NUMINA_MASTER_KEY") or self.secrets["master_key"],
            "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE") or "config.settings.local",
            "PYTHONUNBUFFERED": "1",
        }
        if self.postgres is not None:
            values["DATABASE_URL"] = self.postgres.url
        if self.valkey is not None:
            values["REDIS_URL"] = self.valkey.url
        return values

    def command_environment(self) -> dict[str, str]:
        """The same for commands: no limit on the time of a statement, no pool, brief logs for people."""
        defaults = {"NUMINA_STATEMENT_TIMEOUT_MS": "0", "NUMINA_DATABASE_POOL": "0", "NUMINA_LOG_FORMAT": "console"}
        defaults["NUMINA_LOG_LEVEL"] = "WARNING"
        return {**defaults, **os.environ, **self.environment()}


def servers_of(home: Home) -> Servers:
    """The servers of the copy in `home`, not started yet."""
    secrets = secrets_get(home)
    postgres = None
    if not os.environ.get("DATABASE_URL", "").strip():
        postgres = Postgres(
            folder=home.path / "postgres",
            log=home.log / "postgres.log",
            port=0,
            port_choose=partial(port_for, home, "postgres"),
            superuser_password=secrets["postgres_superuser_password"],
            password=secrets["postgres_password"],
            elsewhere=elsewhere_for(home.path),
        )
    valkey = None
    if not os.environ.get("REDIS_URL", "").strip():
        valkey = Valkey(
            folder=home.path / "valkey",
            log=home.log / "valkey.log",
            port=0,
            password=secrets["valkey_password"],
        )
    return Servers(home, secrets, postgres, valkey)


def elsewhere_for(path: Path) -> Path:
    """Where data and binaries go when PostgreSQL's user cannot enter the home (only ever needed as root)."""
    name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]
    return Path("/var/lib") / f"numina-{name}"


def state_update(home: Home, *, services: dict[str, Any] | None = None, **values: Any) -> None:
    """Merge into the state file, which tells other commands and the next start what runs."""
    state = json_read(home.state_file)
    known = {**state.get("services", {}), **(services or {})}
    json_write(
        home.state_file, {**state, "version": STATE_VERSION, "home": str(home.path), **values, "services": known}
    )


def _outside(title: str, variable: str, default_port: int) -> dict[str, Any]:
    """Where a server that is not ours listens, without its password."""
    parts = urlsplit(os.environ[variable].strip())
    host, port = parts.hostname or ADDRESS, parts.port or default_port
    say(f"  {title:<14} the server that {variable} names, {host}:{port}")
    return {"outside": host, "port": port}


def _record(process: Started | None, port: int) -> dict[str, Any]:
    return {**(process.as_json() if process else {}), "port": port}
