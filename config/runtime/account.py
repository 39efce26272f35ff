"""The operating system's user that PostgreSQL runs as. PostgreSQL refuses root, so root steps down to another."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NOBODY = 65534
PREFERRED = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """A user and group to become; None in both stands for staying who we are."""

    uid: int | None
    gid: int | None

    @property
    def switches(self) -> bool:
        return self.uid is not None

    def popen(self) -> dict[str, Any]:
        """Arguments for `subprocess` that start a program as this user."""
        if not self.switches:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give the file or folder to this user."""
        if self.switches:
            os.chown(path, self.uid or 0, self.gid or 0)

    def can_run(self, program: Path, *arguments: str) -> bool:
        """Whether this user can run the program: each folder above it must let the user through."""
        try:
            done = subprocess.run(
                [program, *arguments], cwd="/", capture_output=True, timeout=20, check=False, **self.popen()
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0

    def can_write(self, folder: Path) -> bool:
        """Whether this user can make files in the folder."""
        return not self.switches or self.can_run(Path("/usr/bin/test"), "-w", str(folder), "-a", "-x", str(folder))


def account_for(data: Path) -> Account:
    """Who PostgreSQL runs as: the owner of existing data, otherwise an ordinary user when we are root."""
    if os.geteuid() != 0:
        return Account(None, None)
    if (data / "PG_VERSION").exists():
        owner = data.stat()
        if owner.st_uid != 0:
            return Account(owner.st_uid, owner.st_gid)
    for name in PREFERRED:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        if found.pw_uid != 0:
            return Account(found.pw_uid, found.pw_gid)
    return Account(NOBODY, NOBODY)
