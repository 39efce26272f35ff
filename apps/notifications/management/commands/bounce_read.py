"""`manage.py bounce_read < message`: for a mail server to pipe into what comes back to the sender's address."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from apps.core import clock
from apps.notifications.bounces import SIZE_MAX, bounce_read
from apps.notifications.services import delivery_report


class Command(BaseCommand):
    """Reads one message and applies what it reports."""

    help = "Apply a bounce, read from standard input, to the delivery that it is about."

    def handle(self, *args: Any, **options: Any) -> None:
        """Say what was found; other mail is no error, or the mail server would bounce it in turn."""
        report = bounce_read(sys.stdin.buffer.read(SIZE_MAX))
        if report is None:
            self.stdout.write("no bounce")
            return
        new = delivery_report(report=report, at=clock.now())
        self.stdout.write(f"{report.provider_id} {report.status}{'' if new else ', known already'}")
