"""`manage.py demo break-redis`: watch the engine's memory die under load, and every balance survive."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.backoffice.breaking import DemoRefused, break_memory


class Command(BaseCommand):
    """Demonstrations against a copy that runs (`make run`, `make up`)."""

    help = (
        "break-redis: transfers on accounts made for it, kill -9 of this copy's embedded Valkey under that load, a new "
        "start; then every answer and every balance is compared with the books. Exit code 1 on any difference."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_subparsers(dest="which", required=True)
        memory = which.add_parser("break-redis", help="kill the engine's memory under load")
        memory.add_argument("--accounts", type=int, default=20, choices=range(2, 201), metavar="2..200")
        memory.add_argument("--seconds", type=int, default=15, choices=range(6, 301), metavar="6..300")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = break_memory(accounts=options["accounts"], seconds=options["seconds"], say=self.stdout.write)
        except DemoRefused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{report.answered:,} answers, {report.committed:,} of them committed; the longest call took"
            f" {report.longest_ms:,} ms."
        )
        for fault in report.faults[:20]:
            self.stderr.write(fault)
        if report.faults:
            raise SystemExit(1)
        self.stdout.write("Every answer is in the books, every balance is what the answers say: nothing was lost.")
