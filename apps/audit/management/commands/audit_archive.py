"""`manage.py audit_archive`: months of the trail to the object storage, and back."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.audit import archiving
from apps.audit.sealing import trail_seal_all
from apps.core import clock
from apps.core.errors import DomainError


class Command(BaseCommand):
    """Archive what has been online long enough, restore one partition, or prove all files."""

    help = (
        "Without options: archive every partition of the audit trail that ended long enough ago. "
        "Exit code 0: done; 1: a file that cannot be proved."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--dry-run", action="store_true", help="only name what would be archived")
        what.add_argument("--restore", metavar="PARTITION", help="bring an archived partition back online")
        what.add_argument("--verify", action="store_true", help="read every file and prove each event by its seal")
        parser.add_argument("--online-months", type=int, default=settings.NUMINA["AUDIT_ONLINE_MONTHS"])
        parser.add_argument("--json", action="store_true", help="one JSON document instead of text")

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        done: list[str] = []
        faults: list[str] = []
        try:
            if options["restore"]:
                archive = archiving.partition_restore(partition=options["restore"], acting_user=None, at=now)
                done.append(f"{archive.partition}: {archive.rows:,} events online again")
            elif options["verify"]:
                for archive, fault in archiving.archives_verify():
                    (faults if fault else done).append(fault or f"{archive.partition}: {archive.rows:,} events proved")
            else:
                trail_seal_all(at=now)
                for name in archiving.archivable(today=now.date(), online_months=options["online_months"]):
                    if options["dry_run"]:
                        done.append(name)
                        continue
                    archive = archiving.partition_archive(partition=name, acting_user=None, at=now)
                    done.append(f"{name}: {archive.rows:,} events in {archive.file}")
        except DomainError as error:
            raise CommandError(str(error.detail)) from error
        if options["json"]:
            self.stdout.write(json.dumps({"ok": not faults, "done": done, "faults": faults}))
        else:
            for line in done or ([] if faults else ["Nothing to do."]):
                self.stdout.write(line)
            for line in faults:
                self.stderr.write(self.style.ERROR(line))
        if faults:
            sys.exit(1)
