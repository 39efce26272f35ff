"""`manage.py business_date`: show or advance the bank's open business day."""

from __future__ import annotations

import datetime as dt
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core import clock
from apps.ledger.errors import BusinessDateBackwards
from apps.ledger.selectors import business_date_current
from apps.ledger.services import business_date_advance


class Command(BaseCommand):
    """Show the open business day; with --advance cut it off and open a later one."""

    help = "Show the open business day; with --advance cut it off and open a later one. Days never move back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--advance", type=dt.date.fromisoformat, metavar="YYYY-MM-DD", help="the day to open")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, change nothing")
        parser.add_argument("--json", action="store_true", help="one JSON document instead of text")

    def handle(self, *args: Any, **options: Any) -> None:
        before = business_date_current()
        wanted: dt.date = options["advance"] or before
        if wanted < before:
            raise CommandError(f"The open business day is {before}; it cannot move back to {wanted}.")
        after = wanted
        if not options["dry_run"] and wanted != before:
            try:
                after = business_date_advance(acting_user=None, to=wanted, at=clock.now())
            except BusinessDateBackwards as error:
                raise CommandError(error.detail) from error
        if options["json"]:
            facts = {"before": before.isoformat(), "business_date": after.isoformat(), "dry_run": options["dry_run"]}
            self.stdout.write(json.dumps(facts))
        elif after == before:
            self.stdout.write(f"{before}")
        else:
            self.stdout.write(f"{before} -> {after}" + (" (dry run, nothing changed)" if options["dry_run"] else ""))
