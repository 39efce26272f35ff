"""What runs of this copy of Numina: pids, ports, URLs, states."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from config.runtime.status import status_collect, status_lines


class Command(BaseCommand):
    """Exit code 0 when everything is up, otherwise 1."""

    help = "Show what runs of this copy: pids, ports, URLs, states."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        found = status_collect()
        self.stdout.write(json.dumps(found, indent=2) if options["as_json"] else "\n".join(status_lines(found)))
        if not found["up"]:
            raise SystemExit(1)
