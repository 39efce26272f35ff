"""`manage.py balances`: run the engine, look at it, and the levers for those who run it."""

from __future__ import annotations

import json
import os
import signal
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, connections

from apps.balances import services
from apps.balances.engine.process import Engine
from apps.balances.engine.status import engine_status
from apps.balances.selectors import books_verify
from apps.core import clock
from apps.core.errors import DomainError

ENGINE_READY = "engine"


class Command(BaseCommand):
    """The balance engine."""

    help = "The balance engine: run, status, fence, activate, verify, heal, reassign."
    requires_system_checks = ()  # it has no pages, and is wanted most when something else is broken

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON document instead of text")
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("run", help="journal, post and keep until stopped; any number of processes may run")
        actions.add_parser("status", help="modes, epochs, queues; exit code 1 when something waits too long")
        fence = actions.add_parser("fence", help="end the engine's period at once; it stays off until `activate`")
        fence.add_argument("partition", type=int)
        fence.add_argument("--why", required=True)
        activate = actions.add_parser("activate", help="let the engine execute again")
        activate.add_argument("partition", type=int)
        verify = actions.add_parser("verify", help="memory = journal = balances, account by account; 1 on a difference")
        verify.add_argument("--books", action="store_true", help="prove all books as well (audit_verify does)")
        heal = actions.add_parser("heal", help="give an account, or a whole partition, back to the database and anew")
        which = heal.add_mutually_exclusive_group(required=True)
        which.add_argument("--account", help="number of a ledger account")
        which.add_argument("--partition", type=int)
        reassign = actions.add_parser("reassign", help="move an account to another partition, while money moves")
        reassign.add_argument("account", help="number of a ledger account")
        reassign.add_argument("partition", type=int, help="0 is the database")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            facts, code = getattr(self, "_" + options["action"])(options)
        except DomainError as error:
            raise CommandError(f"{error.title}: {error.detail or error.code}") from error
        if options["json"]:
            self.stdout.write(json.dumps(facts, default=str))
        else:
            self._show(facts)
        if code:
            raise SystemExit(code)

    def _show(self, facts: dict[str, Any]) -> None:
        for name, value in facts.items():
            if isinstance(value, list):
                for one in value:
                    self.stdout.write(
                        "  ".join(f"{key}={item}" for key, item in one.items()) if isinstance(one, dict) else str(one)
                    )
            else:
                self.stdout.write(f"{name}: {value}")

    def _run(self, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        # Threads that live as long as the process keep connections of their own; a pool would hand on their locks.
        settings.DATABASES["default"]["OPTIONS"].pop("pool", None)
        connections["default"].settings_dict["OPTIONS"].pop("pool", None)
        engine = Engine()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: engine.stopping.set())
        engine.start()
        folder = os.environ.get("NUMINA_READY_FOLDER")
        if folder:
            Path(folder, ENGINE_READY).touch()
        while not engine.stopping.wait(3600):
            pass
        engine.stop()
        return {"stopped": True}, 0

    def _status(self, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        parts = [part.facts() for part in engine_status()]
        return {"partitions": parts}, int(any(part["warnings"] for part in parts))

    def _fence(self, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        done = services.partition_fence(partition=options["partition"], why=options["why"], acting_user=None)
        return {"fenced": done}, 0

    def _activate(self, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        epoch = services.partition_activate(partition=options["partition"], acting_user=None)
        return {"activated": epoch is not None, "epoch": epoch}, 0 if epoch is not None else 1

    def _verify(self, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        report = services.engine_verify(at=clock.now())
        faults = list(report.faults)
        facts: dict[str, Any] = {"accounts": report.accounts}
        if options["books"]:
            books = books_verify()
            faults += books.faults
            facts["lines"] = books.lines
        return {**facts, "differences": len(faults), "faults": faults}, int(bool(faults))

    def _heal(self, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        if options["account"]:
            services.account_heal(account_id=self._account(options["account"]), acting_user=None)
            return {"healed": options["account"]}, 0
        epoch = services.partition_heal(partition=options["partition"], acting_user=None)
        return {"healed": options["partition"], "epoch": epoch}, 0 if epoch is not None else 1

    def _reassign(self, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        services.account_reassign(
            account_id=self._account(options["account"]), partition=options["partition"], acting_user=None
        )
        return {"account": options["account"], "partition": options["partition"]}, 0

    def _account(self, number: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT id FROM ledger_ledgeraccount WHERE number = %s", [number])
            found = cursor.fetchone()
        if found is None:
            raise CommandError(f"There is no ledger account {number}.")
        return int(found[0])
