"""`manage.py close_of_business`: close a business date here and now."""

from __future__ import annotations

import datetime as dt
import json
import sys
from argparse import ArgumentParser
from typing import Any, TextIO, cast

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from apps.core import clock
from apps.core.errors import DomainError
from apps.jobs.services import close_date_default, close_preview, close_run


class Command(BaseCommand):
    """Close a business date: the steps of all apps in order. Begun again after a failure, it goes on there."""

    help = (
        "Close a business date: the steps of all apps in order. Begun again after a failure, it goes on where it "
        "stopped; a closed date is left alone. Exit code 0: closed; 1: refused or failed, with the reason."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--date", type=dt.date.fromisoformat, metavar="YYYY-MM-DD", help="default: the one that is waiting"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, change nothing")
        parser.add_argument("--json", action="store_true", help="one JSON document instead of text")

    def handle(self, *args: Any, **options: Any) -> None:
        day: dt.date = options["date"] or close_date_default()
        try:
            report = self._report(day, dry_run=options["dry_run"], bar=not options["json"] and sys.stderr.isatty())
        except DomainError as error:
            if options["json"]:
                self.stdout.write(
                    json.dumps({"business_date": str(day), "code": error.code, "error": error.detail, **error.extra})
                )
            raise CommandError(error.detail) from error
        if options["json"]:
            self.stdout.write(json.dumps(report))
        else:
            self._show(report)

    def _report(self, day: dt.date, *, dry_run: bool, bar: bool) -> dict[str, Any]:
        if dry_run:
            return close_preview(business_date=day, at=clock.now())
        with Progress(console=Console(stderr=True), transient=True, disable=not bar) as progress:
            task = progress.add_task("Close of business", total=None)
            return close_run(
                acting_user=None,
                business_date=day,
                now=clock.now,
                on_progress=lambda done, total, text: progress.update(
                    task, completed=done, total=total, description=text
                ),
            )

    def _show(self, report: dict[str, Any]) -> None:
        table = Table("Step", "Partition", "Status", "Result", title=f"Close of {report['business_date']}")
        for row in report["steps"]:
            facts = ", ".join(f"{name} {value}" for name, value in row["result"].items())
            table.add_row(row["title"], row["partition"] or "whole bank", row["status"], facts)
        console = Console(file=cast("TextIO", self.stdout), width=110)
        console.print(table)
        console.print("Dry run: nothing was changed." if report["dry_run"] else f"Status: {report['status']}.")
