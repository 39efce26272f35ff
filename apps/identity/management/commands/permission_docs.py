"""`manage.py permission_docs` writes docs/reference/permissions.md from the code; `--check` only compares."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.identity.staff_permissions import as_markdown


class Command(BaseCommand):
    """Keeps the table of permissions in step with the code."""

    help = "Write docs/reference/permissions.md from the code and fixtures/roles.json."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """--check compares and changes nothing."""
        parser.add_argument("--check", action="store_true", help="only compare; exit 1 when they differ")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write or compare."""
        path = Path(settings.BASE_DIR) / "docs" / "reference" / "permissions.md"
        wanted = as_markdown()
        if not options["check"]:
            path.write_text(wanted, encoding="utf-8")
            self.stdout.write(f"wrote {path}")
        elif not path.exists() or path.read_text(encoding="utf-8") != wanted:
            self.stderr.write("docs/reference/permissions.md is not in step: make manage ARGS=permission_docs")
            sys.exit(1)
