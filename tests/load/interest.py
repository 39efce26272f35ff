"""Daily interest of many accounts beside the same set-based SQL written by hand, in one run.

`make bench ARGS="--interest"` runs it alone, on servers of its own, with 100,000 accounts;
`--interest-accounts 1000000` is the full size: about 4 GB of disk and ten minutes. Each round is one day: both accrue
it, in turns. Ours takes the lock of the range, keeps the totals and books the day in the general ledger; by hand it is
one INSERT ... SELECT for the same accounts, balances and tiers.

Then all of it is paid to the accounts, by as many processes as there are cores, as the close does it: entries, lines,
keys, balances and what is remembered of each; beside nothing but COPY into tables of the same shape and one UPDATE.
"""

from __future__ import annotations

import datetime as dt
import os
import platform
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

ROUNDS = 7
FLOOR, GOAL = 2.0, 1.25
POSTED_FLOOR, POSTED_GOAL = 0.45, 0.60
COPIED = 100_000
RAW_SCHEMA = Path(__file__).parent / "sql" / "raw_schema.sql"

_ACCOUNTS = """
WITH made AS (
    INSERT INTO ledger_ledgeraccount (public_id, gl_account_id, branch_id, currency_id, kind, number, name, stripe,
                                      opened_at)
    SELECT gen_random_uuid(), %(gl)s, %(branch)s, 'KES', 'customer', 'BENCH' || n, 'Bench', 0, now()
      FROM generate_series(1, %(count)s) AS n RETURNING id, number
), balances AS (
    INSERT INTO balances_balance (account_id, partition_id, currency, kind, balance, held, overdraft_limit, status,
                                  version, owner_epoch, token)
    SELECT id, 0, 'KES', 'customer', 0, 0, 0, 'O', 0, 0, 0 FROM made
)
INSERT INTO accounts_account (id, created_at, updated_at, version, number, name, product_id, member_id, branch_id,
                              currency, ledger_account_id, status, status_reason, overdraft_limit, opened_on)
SELECT gen_random_uuid(), now(), now(), 1, number, 'Bench', %(product)s, %(member)s, %(branch)s, 'KES', id, 'active',
       '', 0, %(day)s FROM made
"""
_BALANCES = """
INSERT INTO accounts_day_balance (account_id, day, booked, valued)
SELECT a.ledger_account_id, %(day)s::date - d * 3, v.amount, v.amount
  FROM accounts_account a, generate_series(0, 4) AS d,
       LATERAL (SELECT 1 + (hashint8(a.ledger_account_id * 7 + d)::bigint + 2147483648) * 5 / 2000 AS amount) v
 WHERE a.product_id = %(product)s
"""
_HAND_TABLE = """
CREATE TABLE bench_accrual (LIKE accounts_accrual INCLUDING ALL)
"""
_HAND = """
INSERT INTO bench_accrual (day, account_id, accrued_on, terms_id, base, earned, owed, is_correction)
SELECT %(day)s, a.ledger_account_id, %(day)s, %(terms)s, b.valued,
       round((least(b.valued, 5000000) * 0.02 + greatest(b.valued - 5000000, 0) * 0.04) / 365, 6), 0, false
  FROM accounts_account a
 CROSS JOIN LATERAL (SELECT s.valued::numeric AS valued FROM accounts_day_balance s
                      WHERE s.account_id = a.ledger_account_id AND s.day <= %(day)s ORDER BY s.day DESC LIMIT 1) b
 WHERE a.product_id = %(product)s AND b.valued > 0
"""


def bank_fill(count: int) -> tuple[Any, Any, dt.date]:
    """The accounts, their balances by day, and the terms of their product; (product, terms, first day)."""
    from django.core.management import call_command
    from django.db import connection

    from apps.accounts.models import ProductTerms
    from apps.accounts.services import product_create, terms_set
    from apps.identity.models import Branch
    from apps.ledger.selectors import business_date_current, gl_account_get
    from apps.members.services import member_create

    call_command("migrate", verbosity=0)
    call_command("load_reference_data", verbosity=0)
    ProductTerms.objects.all().delete()
    branch, day = Branch.objects.get(code="HQ"), business_date_current() - dt.timedelta(days=ROUNDS)
    member = member_create(
        acting_user=None, kind="person", first_name="Bench", last_name="Mark", branch_id=branch.pk, joined_on=day
    )
    product = product_create(
        acting_user=None,
        code="BENCH",
        kind="savings",
        currency="KES",
        gl_account="2110",
        number_prefix="09",
        name="Bench",
    )
    terms = terms_set(
        acting_user=None,
        product_id=product.pk,
        effective_from=day,
        today=None,
        rates=[[0, "0.02"], [5_000_000, "0.04"]],
        tiering="banded",
    )
    values: dict[str, Any] = {
        "gl": gl_account_get(code="2110").pk,
        "branch": branch.pk,
        "count": count,
        "product": product.pk,
    }
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(_ACCOUNTS, {**values, "member": member.pk, "day": day})
        cursor.execute(_BALANCES, {"product": product.pk, "day": day})
        cursor.execute(_HAND_TABLE)
        for table in ("accounts_account", "accounts_day_balance", "ledger_ledgeraccount"):
            cursor.execute(f"ANALYZE {table}")
    return product, terms, day


def pay(order: tuple[str, dt.date, dt.date]) -> dict[str, int]:
    """What one process does: pay the interest of a range of accounts; what became of it."""
    import django

    django.setup()
    from apps.accounts.services import interest_post

    partition, business_date, through = order
    return interest_post(partition=partition, business_date=business_date, through=through)


def paid(first: dt.date, count: int) -> bool:
    """Pay the month's interest of all accounts and print the rate beside COPY; whether every account was paid."""
    from django.db import connection, connections

    from apps.accounts.partitions import ranges_with_accounts
    from apps.balances.selectors import books_verify
    from apps.ledger.selectors import business_date_current
    from tests.load import limits

    month_end = (first.replace(day=28) + dt.timedelta(days=4)).replace(day=1) - dt.timedelta(days=1)
    orders = [(name, business_date_current(), month_end) for name in ranges_with_accounts()]
    with connection.cursor() as cursor:
        cursor.execute(RAW_SCHEMA.read_text(encoding="utf-8"))
        cursor.execute(
            "INSERT INTO bench.account (id, currency, kind, balance)"
            " SELECT i, 'KES', 'customer', 0 FROM generate_series(1, %s) AS i",
            [limits.ACCOUNTS],
        )
    limit = limits.copy(COPIED)
    connections.close_all()
    cores, started = os.cpu_count() or 1, time.monotonic()
    with ProcessPoolExecutor(cores) as pool:
        found = list(pool.map(pay, orders))
    seconds = time.monotonic() - started
    posted, refused = sum(one["posted"] for one in found), sum(one["refused"] for one in found)
    ratio = posted / seconds / limit
    verdict = "goal" if ratio >= POSTED_GOAL else "floor" if ratio >= POSTED_FLOOR else "BELOW FLOOR"
    print(f"paid to {posted:,} accounts by {cores} processes in {seconds:.1f} s: {posted / seconds:,.0f} a second")
    print(
        f"COPY + UPDATE: {limit:,.0f} a second; ratio {ratio:.2f} (goal {POSTED_GOAL}, floor {POSTED_FLOOR}): {verdict}"
    )
    faults = books_verify().faults
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM accounts_interest_posting WHERE status = 'posted'")
        kept = cursor.fetchone()[0]
    print(f"books proven, {len(faults)} faults")
    return not faults and (posted, refused, kept) == (count, 0, count)


def main(*, count: int = 100_000) -> int:
    """Measure and report; 1 when the two differ in a single row."""
    import django

    django.setup()
    from django.db import connection

    from apps.accounts.partitions import ranges_with_accounts
    from apps.accounts.services import interest_accrue, interest_entries_post

    print(f"Making {count:,} accounts ...", flush=True)
    product, terms, first = bank_fill(count)
    ours: list[float] = []
    hand: list[float] = []

    def accrue(day: dt.date) -> None:
        for part in ranges_with_accounts():
            interest_accrue(partition=part, business_date=day, through=day)
        interest_entries_post(business_date=day)

    def by_hand(day: dt.date) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_HAND, {"day": day, "terms": terms.pk, "product": product.pk})

    for number in range(ROUNDS):
        day = first + dt.timedelta(days=number)
        for work, times in ((accrue, ours), (by_hand, hand)) if number % 2 else ((by_hand, hand), (accrue, ours)):
            started = time.monotonic()
            work(day)
            times.append(time.monotonic() - started)
        print(f"round {number + 1}  ours {ours[-1]:.2f} s  by hand {hand[-1]:.2f} s", flush=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT day, account_id, earned FROM accounts_accrual"
            " EXCEPT SELECT day, account_id, earned FROM bench_accrual) AS x"
        )
        differ = cursor.fetchone()[0]
        cursor.execute("SELECT count(*) FROM accounts_accrual")
        rows = cursor.fetchone()[0]
    # The first round plans and fills caches for both.
    ratio = statistics.median(one / other for one, other in zip(ours[1:], hand[1:], strict=True))
    verdict = "goal" if ratio <= GOAL else "floor" if ratio <= FLOOR else "ABOVE FLOOR"
    print(f"{os.cpu_count()} cores, {platform.machine()}, fsync on, {count:,} accounts")
    print(f"median of a day: ours {statistics.median(ours[1:]):.2f} s, by hand {statistics.median(hand[1:]):.2f} s")
    print(f"ours / by hand: {ratio:.2f} (goal {GOAL}, floor {FLOOR}): {verdict}; {rows:,} rows, {differ} differ")
    return 0 if not differ and rows == count * ROUNDS and paid(first, count) else 1


if __name__ == "__main__":
    sys.exit(main())
