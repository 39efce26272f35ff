"""A close of business of many loans beside the same work as bare SQL, in one run.

`make bench ARGS="--lending"` runs it alone, on servers of its own; NUMINA_BENCH_LOANS says how many loans, 100,000
unless set: 12 instalments each, one loan in seven late. Each round is a day: ours charges penalties, ages, accrues
and provides, in packs under locks, with entries in the journal for each loan; by hand it is the same arithmetic as one
statement over all loans, one for lines, one for balances, one for where each loan stands, with no lock and no journal.
"""

from __future__ import annotations

import datetime as dt
import os
import platform
import statistics
import sys
import time
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

ROUNDS = 4
LATE_ONE_IN = 7
PRINCIPAL = 1_200_000
ENTRY_LOANS = 190
CALL_ENTRIES = 25
PAYMENTS = 2_000
GOAL_SECONDS = 60

_LOANS = """
WITH numbers AS (SELECT n FROM generate_series(%(first)s, %(last)s) AS n),
accounts AS (
    INSERT INTO ledger_ledgeraccount (public_id, gl_account_id, branch_id, currency_id, kind, number, name, stripe,
                                      opened_at)
    SELECT gen_random_uuid(), g.id, %(branch)s, 'KES', 'customer', 'BENCH' || n || '-' || r.role, 'Bench', 0, now()
      FROM numbers, (VALUES ('P', '1410'), ('I', '1450'), ('C', '1460')) AS r (role, code)
      JOIN ledger_glaccount g ON g.code = r.code RETURNING id, number
), balances AS (
    INSERT INTO balances_balance (account_id, partition_id, currency, kind, balance, held, overdraft_limit, status,
                                  version, owner_epoch, token)
    SELECT id, 0, 'KES', 'customer', 0, 0, 1000000000000, 'O', 0, 0, 0 FROM accounts
), made AS (
    SELECT n, gen_random_uuid() AS id, nextval('lending_loanschedule_id_seq') AS schedule_id,
           p.id AS p, i.id AS i, c.id AS c
      FROM numbers JOIN accounts p ON p.number = 'BENCH' || n || '-P' JOIN accounts i ON i.number = 'BENCH' || n || '-I'
      JOIN accounts c ON c.number = 'BENCH' || n || '-C'
), schedules AS (
    INSERT INTO lending_loanschedule (id, loan_id, number, made_at, terms)
    SELECT schedule_id, id, 1, now(), '{}' FROM made
), standings AS (
    INSERT INTO lending_loanstanding (loan_id, booked_through, interest_booked, charges_booked, penalties_booked,
        suspended, is_non_accrual, days_past_due, overdue_principal, overdue_interest, overdue_charges, next_due_amount,
        bucket, stage, provision)
    SELECT id, %(start)s, 0, 0, 0, 0, false, 0, 0, 0, 0, 0, '', 1, 0 FROM made
)
INSERT INTO lending_loan (id, created_at, updated_at, version, number, product_id, terms_id, member_id, branch_id,
    currency, status, principal, rate, instalments, principal_account_id, interest_account_id, charges_account_id,
    schedule_id, started_on)
SELECT id, now(), now(), 1, 'BENCH' || n, %(product)s, %(terms)s, %(member)s, %(branch)s, 'KES', 'active',
       %(principal)s, 0.12, 12, p, i, c, schedule_id, %(start)s FROM made
"""
_ROWS = """
INSERT INTO lending_loaninstalment (schedule_id, number, starts_on, due_on, opening, disbursed, principal, interest,
    fees, penalties, accrues, charged, closing, principal_paid, interest_paid, fees_paid, penalties_paid, paid_on,
    parts)
SELECT l.schedule_id, t.number, t.starts_on, t.due_on, t.opening, t.disbursed, t.principal, t.interest, 0, 0, t.accrues,
       0, t.closing, CASE WHEN x.paid THEN t.principal ELSE 0 END, CASE WHEN x.paid THEN t.interest ELSE 0 END, 0, 0,
       CASE WHEN x.paid THEN t.due_on END, t.parts
  FROM lending_loan l CROSS JOIN bench_template t
 CROSS JOIN LATERAL (
    SELECT t.due_on < %(day)s AND (substring(l.number FROM 6)::int %% %(late)s <> 0 OR t.number = 1) AS paid) x
 WHERE l.product_id = %(product)s
"""
_PAID = """
UPDATE lending_loanstanding s SET interest_booked = r.paid
  FROM lending_loan l
  JOIN (SELECT schedule_id, sum(interest_paid) AS paid FROM lending_loaninstalment GROUP BY schedule_id) r
    ON r.schedule_id = l.schedule_id WHERE l.id = s.loan_id
"""
_OWED = """
SELECT l.principal_account_id, sum(i.principal - i.principal_paid)::bigint
  FROM lending_loan l JOIN lending_loaninstalment i ON i.schedule_id = l.schedule_id
 GROUP BY l.principal_account_id ORDER BY 1
"""
_HAND_TABLES = """
CREATE TABLE bench_line (account_id bigint, amount bigint, day date, PRIMARY KEY (account_id, day));
CREATE TABLE bench_balance AS SELECT account_id, balance, version FROM balances_balance;
ALTER TABLE bench_balance ADD PRIMARY KEY (account_id);
CREATE TABLE bench_standing (LIKE lending_loanstanding INCLUDING ALL);
INSERT INTO bench_standing SELECT * FROM lending_loanstanding;
CREATE UNLOGGED TABLE bench_calc AS SELECT NULL::uuid AS loan_id, 0::bigint AS account_id, 0::bigint AS interest,
    0 AS past, ''::text AS bucket, 0::bigint AS late WHERE false
"""
_HAND = """
TRUNCATE bench_calc;
INSERT INTO bench_calc SELECT q.id, q.interest_account_id, q.interest, q.past, q.bucket, q.late_principal
  FROM ({calculated}) q;
INSERT INTO bench_line SELECT account_id, interest, %(day)s FROM bench_calc;
UPDATE bench_balance b SET balance = b.balance - c.interest, version = b.version + 1
  FROM bench_calc c WHERE b.account_id = c.account_id;
UPDATE bench_standing s SET booked_through = %(horizon)s, interest_booked = s.interest_booked + c.interest,
       penalties_booked = s.penalties_booked + round(c.late * 0.001), days_past_due = c.past, bucket = c.bucket,
       as_of = %(day)s FROM bench_calc c WHERE s.loan_id = c.loan_id
"""


def bank_fill(count: int, day: dt.date, start: dt.date) -> None:
    """A product, the loans with their schedules, and what is owed of them in the books."""
    from django.core.management import call_command
    from django.db import connection, transaction

    from apps.identity.models import Branch
    from apps.lending import services
    from apps.lending.models import LoanInstalment, LoanSchedule
    from apps.lending.selectors import terms_on
    from apps.members.services import member_create

    call_command("migrate", verbosity=0)
    call_command("load_reference_data", verbosity=0)
    branch = Branch.objects.get(code="HQ")
    member = member_create(
        acting_user=None, kind="person", first_name="Bench", last_name="Mark", branch_id=branch.pk, joined_on=start
    )
    product = services.product_create(
        acting_user=None, code="BENCH", name="Bench", kind="personal", currency="KES", borrowers=["person"],
        number_prefix="99",
        terms=services.TermsAsked(
            start, 100, 100_000_000, 1, 60, Decimal("0.12"), Decimal(0), Decimal(1),
            penalties=[{"base": "overdue_principal", "rate": "0.001"}],
        ),
    )  # fmt: skip
    terms = terms_on(product_id=product.pk, day=start)
    assert terms is not None
    position = services.position_offered(
        terms=terms, amount=PRINCIPAL, rate=Decimal("0.12"), instalments=12, start=start, first_due=None
    )
    values: dict[str, Any] = {
        "branch": branch.pk, "product": product.pk, "terms": terms.pk, "member": member.pk, "principal": PRINCIPAL,
        "start": start, "day": day, "late": LATE_ONE_IN,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("CREATE TABLE bench_template (LIKE lending_loaninstalment INCLUDING DEFAULTS)")
        every: list[Any] = list(LoanInstalment._meta.concrete_fields)
        fields = [one for one in every if one.column not in ("id", "schedule_id")]
        names, places = ", ".join(str(one.column) for one in fields), ", ".join(["%s"] * len(fields))
        for one in position.rows:
            row = LoanInstalment(
                schedule=LoanSchedule(pk=0),
                parts=[part.shown() for part in one.stretches],
                **services.row_values(one=one),
            )
            found = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
            cursor.execute(f"INSERT INTO bench_template (id, schedule_id, {names}) VALUES (0, 0, {places})", found)
        for first in range(1, count + 1, 10_000):
            with transaction.atomic():
                cursor.execute(_LOANS, {**values, "first": first, "last": min(first + 9_999, count)})
        cursor.execute(_ROWS, values)
        cursor.execute(_PAID)
    _post_owed(branch)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _post_owed(branch: Any) -> None:
    """What is owed, in the journal: many loans an entry."""
    from django.db import connection

    from apps.balances.services import Leg, internal_account_id, postings_post
    from apps.ledger.selectors import business_date_current
    from apps.lending.closing_accrual import bank_posting

    cash = internal_account_id(gl_code="1110", branch_id=branch.pk, branch_code=branch.code, currency="KES")
    with connection.cursor() as cursor:
        cursor.execute(_OWED)
        owed = [row for row in cursor.fetchall() if row[1]]
    today, entries = business_date_current(), []
    for start in range(0, len(owed), ENTRY_LOANS):
        legs = [Leg(account, -amount, "KES") for account, amount in owed[start : start + ENTRY_LOANS]]
        legs.append(Leg(cash, -sum(leg.amount for leg in legs), "KES"))
        entries.append(bank_posting(kind="loan_disbursement", legs=legs, day=today, description="Bench"))
    for start in range(0, len(entries), CALL_ENTRIES):
        result = postings_post(entries[start : start + CALL_ENTRIES], actor_id=None)
        assert all(one.ok for one in result.outcomes)


def _close(day: dt.date, spent: dict[str, list[float]]) -> None:
    from apps.lending.arrears_penalties import loans_penalise
    from apps.lending.closing_accrual import loans_accrue
    from apps.lending.closing_parts import ranges_with_loans
    from apps.lending.provisions import loans_provide

    steps: tuple[tuple[str, Callable[..., Any]], ...] = (
        ("penalties", loans_penalise), ("accrual and ageing", loans_accrue), ("provisions", loans_provide),
    )  # fmt: skip
    for name, step in steps:
        started = time.monotonic()
        for part in ranges_with_loans():
            step(partition=part, business_date=day)
        spent.setdefault(name, []).append(time.monotonic() - started)


def main() -> int:
    """Measure and report; 1 when what was booked differs from what was worked out by hand, or a proof fails."""
    import django

    django.setup()
    from django.db import connection

    from apps.accounts.partitions import Range
    from apps.ledger.models import BusinessDate
    from apps.ledger.selectors import business_date_current
    from apps.lending.closing_parts import horizon_of, versions_of
    from apps.lending.closing_proof import loans_prove
    from apps.lending.closing_sql import CALCULATED, terms_values

    count = int(os.environ.get("NUMINA_BENCH_LOANS", "100000"))
    print(f"Making {count:,} loans ...", flush=True)
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("load_reference_data", verbosity=0)
    day = business_date_current()
    bank_fill(count, day, day - dt.timedelta(days=100))
    spent: dict[str, list[float]] = {}
    _close(day, {})  # what has accrued so far, in one go
    whole = Range(0, 10**15)
    with connection.cursor() as cursor:
        cursor.execute(_HAND_TABLES)
        cursor.execute("SELECT id FROM lending_loan")
        loans = [one for (one,) in cursor.fetchall()]
    calculated = CALCULATED.replace("lending_loanstanding", "bench_standing")
    hand: list[float] = []
    for number in range(1, ROUNDS + 1):
        today = day + dt.timedelta(days=number)
        BusinessDate.objects.update(current=today)
        started = time.monotonic()
        values = terms_values(versions_of(whole)) | {"day": today, "horizon": horizon_of(today), "loans": loans}
        with connection.cursor() as cursor:
            for statement in _HAND.split(";\n"):
                cursor.execute(statement.format(calculated=calculated), values)
        hand.append(time.monotonic() - started)
        _close(today, spent)
        ours = [sum(times[number - 1] for times in spent.values())]
        print(f"round {number}  ours {ours[0]:.1f} s  by hand {hand[-1]:.1f} s", flush=True)
    differ = _differences()
    started = time.monotonic()
    facts = loans_prove(business_date=today)
    proof = time.monotonic() - started
    total = [sum(found) for found in zip(*spent.values(), strict=True)]
    print(
        f"{os.cpu_count()} cores, {platform.machine()}, fsync on, {facts['loans']:,} active loans, 12 instalments each"
    )
    for name, times in spent.items():
        print(f"median of {name}: {statistics.median(times):.1f} s")
    ratio = statistics.median(one / other for one, other in zip(total, hand, strict=True))
    middle = statistics.median(total)
    print(f"median of a day: ours {middle:.1f} s (goal {GOAL_SECONDS} s for 100,000 on 2 cores), proof {proof:.1f} s")
    print(f"by hand {statistics.median(hand):.1f} s; ours / by hand: {ratio:.1f}; {differ} loans differ")
    _repayments(today)
    loans_prove(business_date=today)
    return 1 if differ else 0


def _repayments(today: dt.date) -> None:
    """Payments of a payroll file, an instalment each, over loans with a past of their own; how many a minute."""
    import hashlib

    from apps.core import clock
    from apps.lending import services
    from apps.lending.models import Loan, LoanProduct
    from apps.lending.selectors import terms_on
    from apps.lending.services import Act, Asked, Line, LoanPast, Money

    product = LoanProduct.objects.get(code="BENCH")
    terms, some = terms_on(product_id=product.pk, day=today), Loan.objects.select_related("member", "branch")[0]
    assert terms is not None
    pasts = [
        LoanPast(
            uuid.uuid4(), some.member_id, some.member.display_name, some.branch, terms, PRINCIPAL, Decimal("0.12"), 12,
            today - dt.timedelta(days=70), 1,
        )
        for _ in range(PAYMENTS)
    ]  # fmt: skip
    services.loans_take_over(pasts=pasts, today=today, at=clock.now())
    lines = [
        Line(
            Asked(None, f"bench {n}", hashlib.sha256(f"bench {n}".encode()).digest()), past.id,
            Act("repayment", Money(106_619, channel="payroll")),
        )
        for n, past in enumerate(pasts)
    ]  # fmt: skip
    started, processor = time.monotonic(), time.process_time()
    results = services.acts_carry_out(lines=lines, user=None, at=clock.now())
    spent, processor = time.monotonic() - started, time.process_time() - processor
    assert all(one.event_id is not None for one in results)
    print(
        f"{PAYMENTS:,} payments together: {PAYMENTS * 60 / spent:,.0f} a minute, "
        f"{1000 * processor / PAYMENTS:.1f} ms of our processor time each (goal 10,000 a minute)"
    )


def _differences() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM lending_loanstanding s JOIN bench_standing b USING (loan_id)"
            " WHERE (s.interest_booked, s.days_past_due, s.bucket) IS DISTINCT FROM"
            " (b.interest_booked, b.days_past_due, b.bucket)"
        )
        return int(cursor.fetchone()[0])


if __name__ == "__main__":
    sys.exit(main())
