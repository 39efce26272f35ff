"""`manage.py seed`: fill an empty database with a demo bank."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from apps.backoffice.seeding.profiles import PROFILES
from apps.backoffice.seeding.run import SeedRefused, SeedReport, seed_run
from apps.backoffice.seeding.writer import SeedDiffers
from apps.core import clock

LINE_EVERY = 10.0  # seconds between lines where there is no terminal


class Command(BaseCommand):
    help = (
        "Fill an empty database with a demo bank: members, accounts, months of transactions, one login a role. "
        "The same profile, seed and business day give the same bank. A run that was cut off is finished by the next. "
        "Exit codes: 0 done, 1 refused, 2 the books do not prove."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        sizes = "; ".join(
            f"{p.name}: {p.members:,} members, {p.accounts:,} accounts, {p.transactions:,} entries in {p.months} months"
            for p in PROFILES.values()
        )
        parser.add_argument("--profile", choices=tuple(PROFILES), default="demo", help=sizes)
        parser.add_argument("--seed", type=int, default=42, help="another number gives another bank (default 42)")
        parser.add_argument("--if-empty", action="store_true", help="do nothing, quietly, when there are members")
        parser.add_argument("--json", action="store_true", help="one JSON object at the end instead of lines")
        parser.add_argument(
            "--verify", action="store_true", default=None, help="prove the books line by line; tiny and demo always do"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        silent = options["json"] or options["verbosity"] == 0
        terminal = not silent and getattr(self.stdout, "isatty", bool)()
        reporter = _Silent() if silent else _Bars() if terminal else _Lines(self.stdout.write)
        try:
            report = seed_run(
                profile=options["profile"],
                seed=options["seed"],
                at=clock.now(),
                reporter=reporter,
                if_empty=options["if_empty"],
                verify=options["verify"],
            )
        except SeedRefused as error:
            raise CommandError(str(error)) from error
        except SeedDiffers as error:
            raise CommandError(f"The books have moved since the seeding that was cut off: {error}.") from error
        if report is None:
            return
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict()))
        elif not silent:
            self.stdout.write(_summary(report))
        if not report.ok:
            raise CommandError(
                "The books do not prove: " + "; ".join(report.faults[:5] or ["trial balance"]), returncode=2
            )


def _summary(report: SeedReport) -> str:
    zero = ", ".join(f"{currency} {difference}" for currency, difference in sorted(report.differences.items()))
    proof = "books proved line by line" if report.verified else "not proved line by line (manage.py audit_verify does)"
    return (
        f"{report.members:,} members, {report.accounts:,} accounts ({report.overdrawn} overdrawn within their limit), "
        f"{report.holds} holds\n"
        f"{report.entries:,} transactions ({report.refused} refused), {report.entries_per_second:,} a second; "
        f"{report.sealed:,} entries sealed\n"
        f"{report.periods} accounting periods, all open; business day {report.business_date}\n"
        f"trial balance off by: {zero}; {proof}\n"
        f"{sum(report.seconds.values()):.1f} s in all"
    )


class _Silent:
    @contextmanager
    def step(self, title: str, total: int | None) -> Iterator[Callable[[int], None]]:
        yield lambda _: None


class _Lines:
    """A line at the end of each step, and now and then in a long one."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write

    @contextmanager
    def step(self, title: str, total: int | None) -> Iterator[Callable[[int], None]]:
        started = shown = time.monotonic()
        done = 0

        def advance(count: int) -> None:
            nonlocal done, shown
            done += count
            now = time.monotonic()
            if total and now - shown >= LINE_EVERY:
                shown = now
                rate = done / (now - started)
                self._write(f"{title}: {done:,} of {total:,}, {rate:,.0f}/s, {(total - done) / rate:.0f} s left")

        yield advance
        self._write(f"{title}: {f'{done:,}, ' if total else ''}{time.monotonic() - started:.1f} s")


class _Bars:
    """A bar with rate and time left for each step, on a terminal."""

    @contextmanager
    def step(self, title: str, total: int | None) -> Iterator[Callable[[int], None]]:
        columns: list[ProgressColumn] = [TextColumn("{task.description:<24}"), BarColumn(), TimeElapsedColumn()]
        if total is not None:
            columns += [MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn()]
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task(title, total=total, rate="")

            def advance(count: int) -> None:
                progress.advance(task, count)
                speed = progress.tasks[0].speed
                progress.update(task, rate=f"{speed:,.0f}/s" if speed else "")

            yield advance
            if total is None:
                progress.update(task, total=1, completed=1)
