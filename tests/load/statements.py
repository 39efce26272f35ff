"""A batch of PDF statements of accounts, drawn up by parallel workers as the job does.

`make bench ARGS="--statements"` runs it alone, on servers of its own. NUMINA_BENCH_PDFS says how many (1,000 unless
set), NUMINA_BENCH_WORKERS by how many processes (as many as there are cores).
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
import uuid
from concurrent.futures import ProcessPoolExecutor
from typing import Any

MOVEMENTS = 12


def bank_fill(accounts: int) -> Any:
    """So many accounts with a dozen movements of this month each; the user who asks for their statements."""
    from django.core.management import call_command

    from apps.balances.services import Leg, Posting, postings_post
    from tests.factories.accounts import AccountFactory, ProductFactory, cash_account_id
    from tests.factories.identity import BranchFactory, user_make
    from tests.factories.members import MemberFactory

    call_command("migrate", verbosity=0)
    call_command("load_reference_data", verbosity=0)
    branch = BranchFactory(code="PDFS")
    product, member = ProductFactory(), MemberFactory(branch=branch)
    made = [AccountFactory(product=product, member=member, branch=branch) for _ in range(accounts)]
    cash = cash_account_id(branch)
    for number in range(MOVEMENTS):
        postings = []
        for account in made:
            amount, key = 10_000 + 731 * number, uuid.uuid4()
            legs = (Leg(cash, -amount, "KES"), Leg(account.ledger_account_id, amount, "KES"))
            postings.append(
                Posting(key, "bench", key.hex, b"\0" * 32, "deposit", legs, description=f"Cash paid in, {number}")
            )
        for start in range(0, len(postings), 1_000):
            postings_post(postings[start : start + 1_000], actor_id=None)
    return user_make("accounts.view", "accounts.draw_statements", scope="all"), product


def work(batch_id: str) -> tuple[int, float]:
    """What one worker does: parts that nobody else is at, until there are none; statements, and processor seconds."""
    import django

    django.setup()
    from django.conf import settings

    from apps.accounts.services import statement_batch_help
    from apps.core import clock

    settings.MEDIA_ROOT = os.environ["NUMINA_BENCH_MEDIA"]
    began = time.process_time()
    made = statement_batch_help(batch_id=uuid.UUID(batch_id), at=clock.now(), on_progress=lambda done, total: None)
    return made, time.process_time() - began


def main() -> int:
    """Fill, draw up, print."""
    import django

    django.setup()
    from django.conf import settings
    from django.db import connections

    from apps.accounts.services import statement_batch_draw, statement_batch_start
    from apps.core import clock
    from apps.ledger.selectors import business_date_current

    pdfs = int(os.environ.get("NUMINA_BENCH_PDFS", "1000"))
    workers = int(os.environ.get("NUMINA_BENCH_WORKERS", "0")) or os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as media:
        settings.MEDIA_ROOT = os.environ["NUMINA_BENCH_MEDIA"] = media
        print(f"Making {pdfs:,} accounts ...", flush=True)
        user, product = bank_fill(pdfs)
        today = business_date_current()
        batch, _ = statement_batch_start(
            acting_user=user, starts_on=today.replace(day=1), ends_on=today, form="pdf", at=clock.now(),
            product_id=product.pk, workers=1,
        )  # fmt: skip
        connections.close_all()
        started = time.monotonic()
        with ProcessPoolExecutor(workers) as pool:
            found = list(pool.map(work, [str(batch.pk)] * workers))
        batch = statement_batch_draw(batch_id=batch.pk, at=clock.now(), on_progress=lambda done, total: None)
        seconds = time.monotonic() - started
    made = [one for one, _ in found]
    print(f"{os.cpu_count()} cores, {platform.machine()}, {MOVEMENTS} movements a statement")
    print(f"{sum(made)} PDF statements by {workers} workers: {seconds:.1f} s, {sum(made) / seconds:.1f} a second")
    print(f"{1000 * sum(spent for _, spent in found) / sum(made):.0f} ms of a processor a statement")
    print(f"by worker: {made}; archive {batch.size / pdfs / 1024:.0f} KB a statement")
    return 0 if sum(made) == pdfs else 1


if __name__ == "__main__":
    sys.exit(main())
