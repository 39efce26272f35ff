"""`manage.py audit_verify`: are journal and audit trail what was sealed, and do the books add up?"""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from apps.audit.anchors import anchors_check
from apps.audit.models import Seal
from apps.audit.sealing import TrailReport, trail_seal_all
from apps.audit.verifying import trail_check
from apps.balances.selectors import BooksReport, books_verify
from apps.core import clock
from apps.ledger.sealing import ChainReport, chain_verify, journal_seal_all
from apps.ledger.selectors import sealed_count

FAULTS_MAX = 100


def anchor_read(text: str) -> tuple[int, bytes]:
    """An entry's number and the hash noted for it, from "1234:<64 hexadecimal digits>"."""
    number, _, digest = text.partition(":")
    try:
        if not number.isdecimal() or len(digest) != 64:
            raise ValueError
        return int(number), bytes.fromhex(digest)
    except ValueError as error:
        raise ArgumentTypeError("an anchor reads ENTRY:HASH, with 64 hexadecimal digits") from error


class Command(BaseCommand):
    """Recompute the hash chains of journal and trail and prove the books. Changes nothing without --seal."""

    help = (
        "Recompute the hash chains of journal and audit trail, compare them with the daily anchors, prove the archives "
        "and the books from their lines. "
        "Exit code 0: all is well; 1: faults, each named."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seal", action="store_true", help="first seal what is final")
        parser.add_argument("--json", action="store_true", help="one JSON document instead of text")
        parser.add_argument(
            "--anchor",
            action="append",
            type=anchor_read,
            default=[],
            metavar="ENTRY:HASH",
            help="a hash noted elsewhere, for instance from an earlier run; may be given several times",
        )
        parser.add_argument(
            "--trail-anchor",
            action="append",
            type=anchor_read,
            default=[],
            metavar="EVENT:HASH",
            help="the same for the audit trail",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic_ns()
        sealed = journal_seal_all(at=clock.now()) if options["seal"] else 0
        if options["seal"]:
            trail_seal_all(at=clock.now())
        bar = not options["json"] and sys.stderr.isatty()
        trail = self._trail_verified(dict(options["trail_anchor"]), bar=bar)
        chain, books = self._verified(dict(options["anchor"]), bar=bar)
        milliseconds = (time.monotonic_ns() - started) // 1_000_000
        faults = trail.faults + chain.faults + books.faults
        if options["json"]:
            self.stdout.write(json.dumps(_document(trail, chain, books, sealed, milliseconds)))
        else:
            self._report(trail, chain, books, sealed, milliseconds)
        if faults:
            sys.exit(1)

    def _trail_verified(self, anchors: dict[int, bytes], *, bar: bool) -> TrailReport:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), disable=not bar, transient=True) as progress:
            events = progress.add_task("events", total=Seal.objects.count() if bar else None)
            report = TrailReport()
            for report in trail_check(noted=anchors):
                progress.update(events, completed=report.events)
        return report

    def _verified(self, anchors: dict[int, bytes], *, bar: bool) -> tuple[ChainReport, BooksReport]:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), disable=not bar, transient=True) as progress:
            entries = progress.add_task("entries", total=sealed_count())
            proofs = progress.add_task("proofs", total=None)
            chain = ChainReport()
            stored, faults = anchors_check("journal")
            for chain in chain_verify(limit=FAULTS_MAX, anchors={**stored, **anchors}):
                progress.update(entries, completed=chain.entries)
            chain.faults += faults
            books = books_verify(on_proof=lambda done, total: progress.update(proofs, completed=done, total=total))
        return chain, books

    def _report(
        self, trail: TrailReport, chain: ChainReport, books: BooksReport, sealed: int, milliseconds: int
    ) -> None:
        for fault in trail.faults + chain.faults + books.faults:
            self.stderr.write(self.style.ERROR(fault))
        if sealed:
            self.stdout.write(f"Sealed {sealed:,} entries.")
        self.stdout.write(
            f"Chain: {chain.entries:,} entries read, {chain.unsealed:,} not sealed yet, {len(chain.faults):,} faults."
        )
        self.stdout.write(
            f"Books: {books.accounts:,} accounts and {books.lines:,} lines proved, {len(books.faults):,} faults."
        )
        self.stdout.write(
            f"Trail: {trail.events:,} events read, {trail.archived:,} of them archived, {trail.unsealed:,} not sealed"
            f" yet, {len(trail.faults):,} faults."
        )
        self.stdout.write(f"Last hash, to be noted elsewhere: {chain.anchor}")
        self.stdout.write(f"Last hash of the trail, to be noted elsewhere: {trail.anchor}")
        rate = chain.entries * 1_000 // max(milliseconds, 1)
        self.stdout.write(f"{milliseconds / 1_000:.1f} s, {rate:,} entries/s")


def _document(
    trail: TrailReport, chain: ChainReport, books: BooksReport, sealed: int, milliseconds: int
) -> dict[str, Any]:
    return {
        "ok": not trail.faults and not chain.faults and not books.faults,
        "trail": {
            "events": trail.events,
            "archived": trail.archived,
            "unsealed": trail.unsealed,
            "anchor": trail.anchor,
            "faults": trail.faults,
        },
        "sealed_now": sealed,
        "chain": {
            "entries": chain.entries,
            "unsealed": chain.unsealed,
            "anchor": chain.anchor,
            "faults": chain.faults,
        },
        "books": {"accounts": books.accounts, "lines": books.lines, "faults": books.faults},
        "milliseconds": milliseconds,
    }
