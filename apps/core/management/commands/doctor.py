"""Looks at everything Numina stands on and says what to do about what is wrong."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from apps.core.doctor import FAIL, OK, WARN, checks_run

STYLES = {OK: "SUCCESS", WARN: "WARNING", FAIL: "ERROR"}


class Command(BaseCommand):
    """Exit code 1 when a check fails; warnings do not fail."""

    help = "Check Python, packages, libraries, database, Redis, disk, clock and secrets."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = checks_run()
        failed = [finding for finding in findings if finding.state == FAIL]
        if options["as_json"]:
            rows = [finding._asdict() for finding in findings]
            self.stdout.write(json.dumps({"ok": not failed, "checks": rows}, indent=2))
        else:
            for finding in findings:
                state = getattr(self.style, STYLES[finding.state])(f"{finding.state:<4}")
                self.stdout.write(f"  {state}  {finding.name:<22} {finding.detail}")
                if finding.advice:
                    self.stdout.write(f"        -> {finding.advice}")
            warnings = sum(finding.state == WARN for finding in findings)
            self.stdout.write(f"{len(findings)} checks, {warnings} warnings, {len(failed)} failures")
        if failed:
            raise SystemExit(1)
