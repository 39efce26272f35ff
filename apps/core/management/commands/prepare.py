"""Bring a database to the state of the code: migrations, reference data, demo data when it is empty."""

import io
import time
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.migrations.executor import MigrationExecutor


class Command(BaseCommand):
    """One process for what would be four: each start of Django costs a second."""

    help = "Migrate, load reference data and seed an empty database; safe to run at each start."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seed", choices=("demo", "tiny", "load", "none"), default="none")
        parser.add_argument("--logins-file", type=Path, help="where to write the demo logins")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._step("migrations", self._migrate)
        except OperationalError as error:
            raise CommandError(f"The database cannot be used: {error}") from error
        self._step("reference data", lambda: self._quiet("load_reference_data"))
        if options["seed"] != "none":
            self._step("demo data", lambda: call_command("seed", profile=options["seed"], if_empty=True))
        if options["logins_file"]:
            options["logins_file"].write_text(self._quiet("demo_logins"))

    def _step(self, title: str, action: Callable[[], object]) -> None:
        started = time.monotonic()
        note = action()
        text = note if isinstance(note, str) and note and "\n" not in note else "ok"
        self.stdout.write(f"  {title:<14} {text}  ({time.monotonic() - started:.1f} s)")
        self.stdout.flush()

    def _migrate(self) -> str:
        connection = connections[DEFAULT_DB_ALIAS]
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if not plan:
            return "up to date"
        call_command("migrate", interactive=False, verbosity=0)
        return f"{len(plan)} applied"

    def _quiet(self, name: str) -> str:
        output = io.StringIO()
        call_command(name, stdout=output)
        return output.getvalue().rstrip()
