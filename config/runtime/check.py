"""`make check`: everything that can be said about the code without running the tests."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from config.env import ROOT
from config.runtime.home import Home, home_path
from config.runtime.report import StopRequested, say
from config.runtime.supply import NOTE, dangerous_calls, known_holes, secrets_scan
from config.runtime.testing import cache_environment, throwaway_servers

OPENAPI = ROOT / "docs" / "reference" / "openapi.yaml"
OPENAPI_REFRESH = 'make manage ARGS="spectacular --validate --fail-on-warn --file docs/reference/openapi.yaml"'
PYTHON = [sys.executable, "-m"]
MANAGE = [sys.executable, "manage.py"]
IMPORT_LINTER = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]


def check(arguments: list[str]) -> int:
    """Run all checks, or those named; 1 when one failed. Each prints a line, a failed one its output as well."""
    Home(home_path()).cache.mkdir(parents=True, exist_ok=True)
    try:
        with throwaway_servers() as servers:
            failed = _checks_run(arguments, servers.environment(), servers.folder)
    except StopRequested:
        return 130
    say()
    if failed:
        say(f"check: FAILED: {', '.join(failed)}")
        return 1
    say("check: all passed")
    return 0


def _checks_run(wanted: list[str], environment: dict[str, str], folder: Path) -> list[str]:
    cache = Path(cache_environment()["RUFF_CACHE_DIR"]).parent
    imports = [*IMPORT_LINTER, "--cache-dir", str(cache / "imports")]
    checks: dict[str, Callable[[], tuple[bool, str]]] = {
        "ruff": lambda: _command([*PYTHON, "ruff", "check", "--quiet", "."], environment),
        "format": lambda: _command([*PYTHON, "ruff", "format", "--check", "--quiet", "."], environment),
        "imports": lambda: _command(imports, environment),
        "migrations": lambda: _command([*MANAGE, "makemigrations", "--check", "--dry-run"], environment),
        "deploy": lambda: _command(
            [*MANAGE, "check", "--deploy", "--fail-level", "WARNING"], _production_environment(environment)
        ),
        "openapi": lambda: _openapi(environment, folder),
        "errors": lambda: _command([*MANAGE, "error_docs", "--check"], environment),
        "permissions": lambda: _command([*MANAGE, "permission_docs", "--check"], environment),
        "mypy": lambda: _command([*PYTHON, "mypy", "apps", "config"], environment),
        "secrets": secrets_scan,
        "bandit": dangerous_calls,
        "pip-audit": lambda: known_holes(Home(home_path())),
    }
    unknown = [name for name in wanted if name not in checks]
    if unknown:
        say(f"  unknown        {', '.join(unknown)}; there are {', '.join(checks)}")
        return unknown
    failed = []
    for name in wanted or checks:
        started = time.monotonic()
        passed, output = checks[name]()
        say(f"  {name:<14} {'ok' if passed else 'FAILED'}  ({time.monotonic() - started:.1f} s)")
        if passed and output.startswith(NOTE):
            say(f"    {output.removeprefix(NOTE)}")
        if not passed:
            failed.append(name)
            say(output.rstrip())
    return failed


def _command(command: list[str], environment: dict[str, str]) -> tuple[bool, str]:
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.returncode == 0, done.stdout


def _production_environment(environment: dict[str, str]) -> dict[str, str]:
    """Production's settings with values that are made up for the check alone."""
    return {
        **environment,
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        "NUMINA_SECRET_KEY": os.urandom(48).hex(),
        "NUMINA_JWT_SIGNING_KEY": os.urandom(48).hex(),
        "NUMINA_MASTER_KEY": os.urandom(32).hex(),
        "NUMINA_ALLOWED_HOSTS": "bank.example",
        "NUMINA_PUBLIC_URL": "https://bank.example",
        "NUMINA_TRUSTED_PROXIES": "1",
    }


def _openapi(environment: dict[str, str], folder: Path) -> tuple[bool, str]:
    """Make the API's description, refuse warnings, compare with the committed one."""
    made = folder / "openapi.yaml"
    command = [*MANAGE, "spectacular", "--validate", "--fail-on-warn", "--file", str(made)]
    passed, output = _command(command, environment)
    if not passed:
        return False, output
    committed = ""
    with contextlib.suppress(OSError):
        committed = OPENAPI.read_text()
    if committed != made.read_text():
        return (
            False,
            f"{OPENAPI.relative_to(ROOT)} is not what the code says. Refresh and commit it:\n  {OPENAPI_REFRESH}",
        )
    return True, ""
