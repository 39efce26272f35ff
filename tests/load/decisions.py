"""Approvals under load: decisions a minute, their time and their queries, and the inbox with ten thousand open tasks.

`make bench ARGS="--decisions"` runs it alone, on servers of its own. A decision is the last of its request: it locks,
checks, decides, completes the flow and carries the action out, in its two transactions. The processor time of this
process is measured beside the clock: on a machine that does other work as well, it says what the code costs.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

DECISIONS, OPEN, READS = 400, 10_000, 20
FLOOR_A_MINUTE, P95_MS, QUERIES, INBOX_MS = 1_000, 150, 20, 200


@dataclass(frozen=True)
class Timed:
    """Milliseconds by the clock (median, 95th percentile) and of this process for each call."""

    median: float
    p95: float
    cpu: float

    @property
    def per_minute(self) -> float:
        """How many one process does a minute, one after the other."""
        return 60_000 / self.median


def timed(calls: list[Callable[[], Any]]) -> Timed:
    """What the calls took, one after the other."""
    clock, burnt = [], time.process_time()
    for call in calls:
        started = time.perf_counter()
        call()
        clock.append(1_000 * (time.perf_counter() - started))
    cpu = 1_000 * (time.process_time() - burnt) / len(calls)
    return Timed(statistics.median(clock), sorted(clock)[int(len(clock) * 0.95)], cpu)


def measure() -> tuple[Timed, int, Timed]:
    """(decisions, most queries of one, reads of the inbox). The database is migrated and given people first."""
    from django.core.management import call_command
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from apps.approvals.selectors import levels_in_box
    from apps.approvals.services import request_decide
    from apps.core import clock
    from tests.approvals.support import Bank, toy_register
    from tests.approvals.test_engine import TRANSACTION_WORDS
    from tests.approvals.test_pages import _many

    call_command("migrate", verbosity=0)
    toy_register()
    bank = Bank()
    bank.policy(bank.level("manager", 1))
    waiting = [bank.submit(at=clock.now(), amount="5.00") for _ in range(DECISIONS + 1)]

    def decide(request: Any) -> None:
        request_decide(
            acting_user=bank.manager, request_id=request.public_id, verdict="approve", expected_version=1,
            at=clock.now(),
        )  # fmt: skip

    with CaptureQueriesContext(connection) as queries:
        decide(waiting.pop())
    decisions = timed([lambda one=one: decide(one) for one in waiting])  # type: ignore[misc]
    _many(bank.submit(at=clock.now(), amount="5.00"), OPEN)

    def read() -> None:
        rows = levels_in_box(user=bank.manager, box="queue", at=clock.now()).order_by("due_at", "id")
        assert len(rows[:26]) == 26

    asked = sum(not query["sql"].startswith(TRANSACTION_WORDS) for query in queries)
    return decisions, asked, timed([read] * READS)


def main() -> int:
    """Measure and print; 1 when a figure is below its floor."""
    import django

    django.setup()
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start", flush=True)
    decisions, queries, inbox = measure()
    print(
        f"decisions   {decisions.per_minute:>8,.0f} a minute (floor {FLOOR_A_MINUTE:,}), {queries} queries "
        f"(at most {QUERIES}), median {decisions.median:.1f} ms, p95 {decisions.p95:.1f} ms (at most {P95_MS}), "
        f"{decisions.cpu:.1f} ms of CPU each"
    )
    print(
        f"inbox of {OPEN:,} open tasks: median {inbox.median:.1f} ms, p95 {inbox.p95:.1f} ms (at most {INBOX_MS}), "
        f"{inbox.cpu:.1f} ms of CPU"
    )
    print(f"load {os.getloadavg()[0]:.1f} at the end")
    late = decisions.per_minute < FLOOR_A_MINUTE or decisions.p95 > P95_MS or inbox.p95 > INBOX_MS
    return 1 if late or queries > QUERIES else 0


if __name__ == "__main__":
    raise SystemExit(main())
