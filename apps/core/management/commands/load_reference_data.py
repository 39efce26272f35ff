"""`manage.py load_reference_data`: currencies, roles, branches, chart of accounts and products from fixtures/."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from apps.core.reference import ORDER, LoadReport, loader_of, rows_read


class Command(BaseCommand):
    help = "Adds reference data that is missing; keeps what staff changed, and reports it. Safe to run again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would be added, add nothing")
        parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
        parser.add_argument("--folder", type=Path, default=settings.BASE_DIR / "fixtures", help="where the files are")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        reports: dict[str, LoadReport] = {}
        with transaction.atomic():
            for name in ORDER:
                path = folder / f"{name}.json"
                if path.exists():
                    reports[name] = self._load(name, path)
            if options["dry_run"]:
                transaction.set_rollback(True)
        if options["json"]:
            self.stdout.write(json.dumps({name: vars(report) for name, report in reports.items()}, default=str))
            return
        for name, report in reports.items():
            self.stdout.write(f"{name}: {len(report.added)} added, {report.present} present")
            for item in report.differs:
                self.stdout.write(
                    f"  {item['key']}.{item['field']} is {item['here']!r} here, {item['file']!r} in the file; kept"
                )

    def _load(self, name: str, path: Path) -> LoadReport:
        loader = loader_of(name)
        if loader is None:
            raise CommandError(f"{path} is there, but no installed app loads {name}")
        try:
            return loader(rows_read(path))
        except (KeyError, ValueError, TypeError, ValidationError) as error:
            raise CommandError(f"{path}: {error}") from error
