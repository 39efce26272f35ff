"""`manage.py rotate_keys`: new data keys, and everything re-encrypted under them."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from apps.core import clock
from apps.vault import services
from apps.vault.models import Rotation
from apps.vault.selectors import keys_state
from apps.vault.tables import tables, values_count


class Command(BaseCommand):
    """Start a rotation, or go on with one that was stopped. May be interrupted at any moment."""

    help = "Take new data keys into use and re-encrypt everything; goes on with a rotation that was stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--status", action="store_true", help="only say how old the key is and what is under way")
        what.add_argument("--if-due", action="store_true", help="start only when the key is old enough")
        what.add_argument("--master", action="store_true", help="wrap the data keys anew under the first master key")
        what.add_argument("--dry-run", action="store_true", help="count what would be re-encrypted")
        parser.add_argument(
            "--no-wait",
            action="store_true",
            help="do not wait a minute for other processes to take up the new keys: when none runs",
        )
        parser.add_argument("--json", action="store_true", help="one JSON document instead of text")

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        facts: dict[str, Any] = {}
        if options["master"]:
            facts["rewrapped"] = services.master_rewrap(acting_user=None)
        elif options["dry_run"]:
            facts["values"] = {table.name: values_count(table) for table in tables()}
        elif not options["status"]:
            services.keys_prepare()
            running = Rotation.objects.filter(status=Rotation.Status.RUNNING).first()
            if running is None and (not options["if_due"] or services.rotation_due(at=now)):
                running = services.rotation_start(acting_user=None, reason="manage.py rotate_keys", at=now)
            if running is not None and not options["no_wait"]:
                self._settle(running)
            facts["reencrypted"] = self._continue(bar=not options["json"] and sys.stderr.isatty())
        state = keys_state(at=clock.now())
        facts |= {
            "active_key": state.number,
            "age_days": state.age_days,
            "due_on": state.due_on.isoformat() if state.due_on else None,
            "old_keys_in_use": state.old_keys,
            "running": state.rotation is not None,
        }
        if options["json"]:
            self.stdout.write(json.dumps(facts))
            return
        for name, value in facts.items():
            self.stdout.write(f"{name.replace('_', ' ')}: {value}")

    def _settle(self, rotation: Rotation) -> None:
        while not services.rotation_settled(rotation=rotation, at=clock.now()):
            time.sleep(1)

    def _continue(self, *, bar: bool) -> int:
        columns = (TextColumn("values"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        done = 0
        with Progress(*columns, console=Console(stderr=True), disable=not bar, transient=True) as progress:
            task = progress.add_task("values", total=None)
            for rotation in services.rotation_continue(at=clock.now()):
                done = rotation.done
                progress.update(task, completed=done, total=rotation.total)
        return done
