"""Where a copy of Numina keeps its data: NUMINA_HOME, by default `var/` in the checkout."""

import fcntl
import json
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from config.env import ROOT
from config.runtime.report import RuntimeFault

SECRET_NAMES = (
    "secret_key",
    "jwt_signing_key",
    "master_key",
    "postgres_superuser_password",
    "postgres_password",
    "valkey_password",
)


@dataclass(frozen=True)
class Home:
    """Paths of one copy. Two copies side by side have different homes."""

    path: Path

    @property
    def run(self) -> Path:
        return self.path / "run"

    @property
    def log(self) -> Path:
        return self.path / "log"

    @property
    def mail(self) -> Path:
        """Mail and text messages of a copy that has no server for them (config/settings/local.py)."""
        return self.path / "mail"

    @property
    def cache(self) -> Path:
        return self.path / "cache"

    @property
    def state_file(self) -> Path:
        return self.run / "state.json"

    @property
    def ports_file(self) -> Path:
        return self.run / "ports.json"

    @property
    def lock_file(self) -> Path:
        return self.run / "lock"

    @property
    def secrets_file(self) -> Path:
        return self.path / "secrets.json"

    @property
    def main_log(self) -> Path:
        return self.log / "numina.log"


def home_path() -> Path:
    """The folder that NUMINA_HOME names, or `var` in the checkout."""
    named = os.environ.get("NUMINA_HOME", "").strip()
    return (Path(named).expanduser() if named else ROOT / "var").absolute()


def home_open() -> Home:
    """The home with its folders made. Raises `RuntimeFault` when they cannot be."""
    home = Home(home_path())
    try:
        for folder in (home.path, home.run, home.log, home.cache):
            folder.mkdir(parents=True, exist_ok=True)
        home.mail.mkdir(mode=0o700, exist_ok=True)  # codes and links that sign people in
        # Writing shows more than permission bits do: read-only mounts, full disks, foreign owners.
        with tempfile.TemporaryFile(dir=home.run):
            pass
    except OSError as error:
        raise RuntimeFault(
            f"Cannot write in {home.path} ({error.strerror}): it may belong to another user. "
            "Set NUMINA_HOME to a folder of your own."
        ) from error
    return home


def json_read(path: Path) -> dict[str, Any]:
    """What the file holds; nothing when it is missing or torn."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def json_write(path: Path, value: dict[str, Any], *, mode: int = 0o644) -> None:
    """Replace the file in one step, so that a reader never meets half of it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w") as stream:
        json.dump(value, stream, indent=2)
        stream.write("\n")
        os.fchmod(stream.fileno(), mode)
    Path(name).replace(path)


def secrets_get(home: Home) -> dict[str, str]:
    """This copy's secrets, made at the first call and kept for the owner's eyes (mode 0600)."""
    if home.secrets_file.exists():
        try:
            known = json.loads(home.secrets_file.read_text())
        except (OSError, ValueError) as error:
            raise RuntimeFault(
                f"{home.secrets_file} cannot be read ({error}): it holds the passwords of this copy's servers. "
                "Start as the user who owns it, or set NUMINA_HOME to a folder of your own."
            ) from error
    else:
        known = {}
    missing = [name for name in SECRET_NAMES if not known.get(name)]
    if missing:
        known |= {name: _secret_make(name) for name in missing}
        json_write(home.secrets_file, known, mode=0o600)
    return {name: str(known[name]) for name in SECRET_NAMES}


def _secret_make(name: str) -> str:
    """A random value; the vault's master key is 32 bytes in hexadecimal digits, tokens are signed by a key pair."""
    match name:
        case "master_key":
            return secrets.token_hex(32)
        case "jwt_signing_key":
            return signing_key_make()
        case _:
            return secrets.token_urlsafe(48)


def signing_key_make() -> str:
    """An Ed25519 private key in PEM on one line (\\n for line ends), as environment files take it."""
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem.decode().strip().replace("\n", "\\n")


class HomeLock:
    """Held by the process that runs this copy, for as long as it lives, however it ends."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._handle: int | None = None

    def take(self) -> bool:
        """Whether the lock is ours now. It is a record lock: children do not inherit it."""
        handle = os.open(self.home.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return False
        self._handle = handle
        return True

    def release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
