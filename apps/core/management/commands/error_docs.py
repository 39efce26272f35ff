"""`manage.py error_docs` writes docs/api-errors.md from the error classes; `--check` only compares."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.core.api.catalogue import as_markdown


class Command(BaseCommand):
    """Keeps the document of the error codes in step with the code."""

    help = "Write docs/api-errors.md from the error classes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """--check compares and changes nothing."""
        parser.add_argument("--check", action="store_true", help="only compare; exit 1 when they differ")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write or compare."""
        path = Path(settings.BASE_DIR) / "docs" / "api-errors.md"
        wanted = as_markdown()
        if not options["check"]:
            path.parent.mkdir(exist_ok=True)
            path.write_text(wanted, encoding="utf-8")
            self.stdout.write(f"wrote {path}")
        elif not path.exists() or path.read_text(encoding="utf-8") != wanted:
            self.stderr.write("docs/api-errors.md is not in step: make manage ARGS=error_docs")
            sys.exit(1)
