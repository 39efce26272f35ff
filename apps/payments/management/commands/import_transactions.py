"""`manage.py import_transactions FILE.csv`: post the transactions of a file, each once."""

from __future__ import annotations

import json
import sys
from io import BufferedReader
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from apps.core.errors import DomainError
from apps.identity.selectors import branch_by_code
from apps.payments.importing.report import ImportReport
from apps.payments.importing.rows import COLUMNS, Refusal
from apps.payments.importing.run import BATCH_SIZE, ImportOptions
from apps.payments.services import import_file

SHOWN_MAX = 20
EXIT_OK, EXIT_REFUSED, EXIT_CANNOT = 0, 1, 2


class Command(BaseCommand):
    help = (
        "Post the transactions of a CSV file. Run it again after a break: each external id is posted once. "
        "Exit code 0: all rows are in the books; 1: some were refused; 2: it could not run. "
        f"Columns: {','.join(COLUMNS)}."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE.csv")
        parser.add_argument("--source", default="import", help="where the external ids come from (default: import)")
        parser.add_argument("--create-accounts", action="store_true", help="open accounts that are missing")
        parser.add_argument("--branch", default="HQ", help="code of the branch of accounts that are opened")
        parser.add_argument("--allow-overdraft", action="store_true", help="history may go below zero")
        parser.add_argument("--dry-run", action="store_true", help="change nothing, report what would happen")
        parser.add_argument("--batch-size", type=int, default=BATCH_SIZE, help="rows a database call (1 to 5000)")
        parser.add_argument("--json", action="store_true", help="the report as JSON on standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, report, and end with the exit code."""
        path = Path(options["file"])
        try:
            with path.open("rb") as stream:
                report = self._run(stream, path, options)
        except (OSError, DomainError) as error:
            detail = getattr(error, "detail", None) or f"{path}: {getattr(error, 'strerror', error)}"
            if options["json"]:
                code = getattr(error, "code", "file-unreadable")
                self.stdout.write(json.dumps({"error": {"code": code, "detail": detail}}))
            else:
                self.stderr.write(self.style.ERROR(f"Cannot import: {detail}"))
            sys.exit(EXIT_CANNOT)
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json(), ensure_ascii=False))
        else:
            self._print(report)
        if report.refused:
            sys.exit(EXIT_REFUSED)

    def _run(self, stream: BufferedReader, path: Path, options: dict[str, Any]) -> ImportReport:
        total = path.stat().st_size
        console = Console(stderr=True)
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal or options["json"],
        ) as progress:
            bar = progress.add_task("Importing", total=total, rate="")

            def on_batch(report: ImportReport, _: list[Refusal]) -> None:
                progress.update(bar, completed=report.bytes_done, rate=f"{report.rows_a_minute:,} rows/min")

            return import_file(
                acting_user=None,
                branch=branch_by_code(options["branch"]),
                stream=stream,
                file_name=path.name,
                file_size=total,
                options=ImportOptions(
                    source=options["source"],
                    create_accounts=options["create_accounts"],
                    allow_overdraft=options["allow_overdraft"],
                    dry_run=options["dry_run"],
                    batch_size=min(max(options["batch_size"], 1), 5_000),
                ),
                on_batch=on_batch,
            )

    def _print(self, report: ImportReport) -> None:
        head = "Dry run: nothing was changed.\n" if report.dry_run else ""
        self.stdout.write(
            f"{head}Rows read {report.read:,}, posted {report.posted:,}, skipped {report.skipped:,}, "
            f"refused {report.refused:,}; accounts opened {report.accounts_created:,}.\n"
            f"{report.elapsed_ms / 1000:.1f} s, {report.rows_a_minute:,} rows a minute."
        )
        details = report.details()
        if report.compared:
            self.stdout.write(f"Balances compared {report.compared:,}, differing {report.differing:,}.")
        for currency, found in details["differences"].items():
            self.stdout.write(f"  {currency}: {found['rows']:,} rows differ, by {found['total']} in all.")
        for example in report.examples[:5]:
            self.stdout.write(
                f"  row {example['row']} {example['account_number']}: file {example['file']}, books {example['books']}"
            )
        for channel, count in details["unknown_channels"].items():
            self.stdout.write(f"  channel {channel!r} has no account of its own: {count:,} rows in opening balances.")
        for code, count in details["refused_by_code"].items():
            self.stdout.write(self.style.WARNING(f"Refused {count:,}: {code}"))
        for refusal in sorted(report.refusals[:SHOWN_MAX], key=lambda one: one.row):
            self.stdout.write(f"  row {refusal.row} {refusal.external_id}: {refusal.detail}")
        if report.refused > SHOWN_MAX:
            self.stdout.write("  ... more with --json")
