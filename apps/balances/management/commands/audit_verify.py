"""`manage.py audit_verify`: is the journal what was sealed, and do the books add up?"""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

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
    """Recompute the hash chain of the journal and prove the books from their lines. Changes nothing without --seal."""

    help = (
        "Recompute the hash chain of the journal and prove the books from their lines. "
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

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic_ns()
        sealed = journal_seal_all(at=clock.now()) if options["seal"] else 0
        chain, books = self._verified(dict(options["anchor"]), bar=not options["json"] and sys.stderr.isatty())
        milliseconds = (time.monotonic_ns() - started) // 1_000_000
        faults = chain.faults + books.faults
        if options["json"]:
            self.stdout.write(json.dumps(_document(chain, books, sealed, milliseconds)))
        else:
            self._report(chain, books, sealed, milliseconds)
        if faults:
            sys.exit(1)

    def _verified(self, anchors: dict[int, bytes], *, bar: bool) -> tuple[ChainReport, BooksReport]:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), disable=not bar, transient=True) as progress:
            entries = progress.add_task("entries", total=sealed_count())
            proofs = progress.add_task("proofs", total=None)
            chain = ChainReport()
            for chain in chain_verify(limit=FAULTS_MAX, anchors=anchors):
                progress.update(entries, completed=chain.entries)
            books = books_verify(on_proof=lambda done, total: progress.update(proofs, completed=done, total=total))
        return chain, books

    def _report(self, chain: ChainReport, books: BooksReport, sealed: int, milliseconds: int) -> None:
        for fault in chain.faults + books.faults:
            self.stderr.write(self.style.ERROR(fault))
        if sealed:
            self.stdout.write(f"Sealed {sealed:,} entries.")
        self.stdout.write(
            f"Chain: {chain.entries:,} entries read, {chain.unsealed:,} not sealed yet, {len(chain.faults):,} faults."
        )
        self.stdout.write(
            f"Books: {books.accounts:,} accounts and {books.lines:,} lines proved, {len(books.faults):,} faults."
        )
        self.stdout.write(f"Last hash, to be noted elsewhere: {chain.anchor}")
        rate = chain.entries * 1_000 // max(milliseconds, 1)
        self.stdout.write(f"{milliseconds / 1_000:.1f} s, {rate:,} entries/s")


def _document(chain: ChainReport, books: BooksReport, sealed: int, milliseconds: int) -> dict[str, Any]:
    return {
        "ok": not chain.faults and not books.faults,
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
