"""Paying interest by calendar: from the payable to the account, tax withheld; overdraft interest from the account."""

from __future__ import annotations

import datetime as dt
import functools
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection, transaction

from apps.accounts import locks
from apps.accounts.interest_terms import boundary_at
from apps.accounts.models import AccountProduct, InterestPosting, InterestTotal, ProductTerms
from apps.accounts.partitions import Range, range_of
from apps.accounts.product_books import PURPOSES, ProductBooks, books_of
from apps.accounts.services._accrual import Totals, totals_add
from apps.accounts.services._bank_postings import bank_posting, bank_transaction_id
from apps.balances import services as balances
from apps.balances.services import Leg
from apps.core.currencies import minor_format
from apps.core.money import minor_round

KIND = "interest"
CHUNK = 2_000

# What has accrued before a date and is not paid. The running period is read for all accounts at once; of accounts that
# were paid within it, and of days before it, day by day (OFFSET 0: by the whole key, never all days of the account,
# whatever the statistics say); corrections of days paid before through an index of their own.
_DUE = """
WITH who AS MATERIALIZED (
    SELECT a.id, a.ledger_account_id, a.branch_id, br.code, p.until, p.business_date,
           coalesce(p.carried_earned, 0) AS carried_earned, coalesce(p.carried_owed, 0) AS carried_owed,
           greatest(coalesce(p.until, a.opened_on), %(first)s) AS since, coalesce(p.until <= %(period)s, true) AS whole,
           (SELECT r.id FROM accounts_interest_posting r WHERE r.account_id = a.id AND r.status = 'refused' LIMIT 1)
               AS refused
      FROM accounts_account a
      JOIN identity_branch br ON br.id = a.branch_id
      LEFT JOIN LATERAL (
          SELECT i.until, i.business_date, i.carried_earned, i.carried_owed FROM accounts_interest_posting i
           WHERE i.account_id = a.id AND i.status = 'posted' ORDER BY i.until DESC, i.id DESC LIMIT 1) p ON true
     WHERE {chosen} AND a.status <> 'closed' AND (p.until IS NULL OR p.until < %(until)s)
)
SELECT w.id::text, w.ledger_account_id, w.branch_id::text, w.code, w.since, w.refused,
       w.carried_earned + coalesce(m.earned, 0) + coalesce(o.earned, 0) + coalesce(c.earned, 0),
       w.carried_owed + coalesce(m.owed, 0) + coalesce(o.owed, 0) + coalesce(c.owed, 0)
  FROM who w
  LEFT JOIN (SELECT account_id, sum(earned) AS earned, sum(owed) AS owed FROM accounts_accrual
              WHERE day >= %(period)s AND day < %(until)s AND account_id BETWEEN %(low)s AND %(high)s
              GROUP BY account_id) m ON m.account_id = w.ledger_account_id AND w.whole
  LEFT JOIN LATERAL (
      SELECT sum(x.earned) AS earned, sum(x.owed) AS owed
        FROM generate_series(w.since, CASE WHEN w.whole THEN %(period)s ELSE %(until)s END - interval '1 day',
                             interval '1 day') AS d (day)
       CROSS JOIN LATERAL (SELECT y.earned, y.owed FROM accounts_accrual y
                            WHERE y.day = d.day::date AND y.account_id = w.ledger_account_id OFFSET 0) x
       WHERE w.since < CASE WHEN w.whole THEN %(period)s ELSE %(until)s END) o ON true
  LEFT JOIN LATERAL (
      SELECT sum(x.earned) AS earned, sum(x.owed) AS owed FROM accounts_accrual x
       WHERE w.until IS NOT NULL AND x.is_correction AND x.account_id = w.ledger_account_id
         AND x.accrued_on > w.business_date AND x.day < w.until) c ON true
 WHERE w.carried_earned <> 0 OR w.carried_owed <> 0 OR m.account_id IS NOT NULL OR o.earned IS NOT NULL
    OR c.earned IS NOT NULL
 ORDER BY w.ledger_account_id
"""
_BY_PRODUCT = """a.product_id = %(product)s AND a.fixed_terms_id IS NULL
       AND a.ledger_account_id BETWEEN %(low)s AND %(high)s"""
_BY_TERMS = """a.product_id = %(product)s AND a.fixed_terms_id = %(terms)s
       AND a.ledger_account_id BETWEEN %(low)s AND %(high)s"""
_REFUSED_ONLY = (
    " AND EXISTS (SELECT FROM accounts_interest_posting r WHERE r.account_id = a.id AND r.status = 'refused')"
)
_ONE = "a.id = %(account)s"
_COLUMNS = (
    "account_id", "since", "until", "business_date", "earned", "owed", "credit", "debit", "tax", "carried_earned",
    "carried_owed", "transaction_id", "status",
)  # fmt: skip
_COPY = f"COPY accounts_interest_posting ({', '.join(_COLUMNS)}) FROM STDIN"


# A struct, and keys as texts: a close makes a million of them, and only writes the keys down again.
class Due(msgspec.Struct, frozen=True, gc=False):
    """What is due on one account, exactly, and what of it is booked; minor units. The keys are texts."""

    account_id: str
    ledger_id: int
    branch_id: str
    branch_code: str
    since: dt.date
    refused: int | None
    earned: Decimal
    owed: Decimal
    credit: int
    debit: int
    tax: int

    def carried(self, terms: ProductTerms) -> tuple[Decimal, Decimal]:
        """What goes on to the next posting: (earned, owed)."""
        if terms.remainder == ProductTerms.Remainder.DROP:
            return Decimal(0), Decimal(0)
        return self.earned - self.credit, self.owed - self.debit


def interest_due(
    *,
    terms: ProductTerms,
    until: dt.date,
    accounts: Range | None = None,
    account_id: UUID | None = None,
    agreed: bool = False,
    again: bool = False,
) -> list[Due]:
    """What accrued for the days before `until` and is not paid, rounded by the terms: of a range, or of one account.

    `agreed` means accounts that have these terms for themselves; `again` only those that refused before.
    """
    chosen = _ONE if account_id else (_BY_TERMS if agreed else _BY_PRODUCT)
    period = boundary_at(terms.posting, until - dt.timedelta(days=1))
    if account_id or again or period is None:
        period = until
    values: dict[str, Any] = {
        "account": account_id,
        "product": terms.product_id,
        "terms": terms.pk,
        "low": accounts.low if accounts else 0,
        "high": accounts.high if accounts else 0,
        "until": until,
        "period": period,
        "first": _first_day(terms),
    }
    with connection.cursor() as cursor:
        cursor.execute(_DUE.format(chosen=chosen + (_REFUSED_ONLY if again else "")), values)
        return [_rounded(terms, row) for row in cursor.fetchall()]


def _first_day(terms: ProductTerms) -> dt.date:
    first = ProductTerms.objects.filter(product=terms.product_id).order_by("effective_from").first()
    return first.effective_from if first else terms.effective_from


def _rounded(terms: ProductTerms, row: Sequence[Any]) -> Due:
    """Interest is rounded when it is posted, once; tax is taken of what is posted, rounded half up."""
    account_id, ledger_id, branch_id, branch_code, since, refused, earned, owed = row
    unit, mode = terms.posting_unit, terms.posting_rounding
    credit = minor_round(earned, unit, mode) if earned else 0
    debit = minor_round(owed, unit, mode) if owed else 0
    tax = minor_round(credit * Decimal(terms.tax_rate), 1, "half_up") if credit and terms.tax_rate else 0
    return Due(account_id, ledger_id, branch_id, branch_code, since, refused, earned, owed, credit, debit, tax)


def interest_post(*, partition: str, business_date: dt.date, through: dt.date) -> dict[str, int]:
    """Pay the interest of a range of accounts whose posting date has come, at the close of `business_date`.

    Interest of the days up to `through` may be paid; it counts from the posting date on. What an account refuses is
    tried again at the next close. Each account once a date, whatever happens in between. Returns facts: posted,
    refused.
    """
    accounts = range_of(partition)
    posted = refused = 0
    after = through + dt.timedelta(days=1)
    with transaction.atomic():
        mark = locks.close_mark_lock(partition=partition)
    for terms, agreed in _terms_in_force(accounts, through):
        until = boundary_at(terms.posting, after)
        if until is None:
            continue
        again = mark.posted_until is not None and until <= mark.posted_until
        dues = interest_due(terms=terms, until=until, accounts=accounts, agreed=agreed, again=again)
        for start in range(0, len(dues), CHUNK):
            good, bad = dues_post(terms, dues[start : start + CHUNK], until=until, business_date=business_date)
            posted, refused = posted + good, refused + bad
    with transaction.atomic():
        mark = locks.close_mark_lock(partition=partition)
        mark.posted_until = max(mark.posted_until or after, after)
        mark.save(update_fields=["posted_until"])
    return {"posted": posted, "refused": refused}


def _terms_in_force(accounts: Range, day: dt.date) -> list[tuple[ProductTerms, bool]]:
    newest: dict[UUID, ProductTerms] = {}
    known = ProductTerms.objects.select_related("product").order_by("effective_from")
    for terms in known.filter(effective_from__lte=day):
        newest[terms.product_id] = terms
    held = known.filter(pk__in=_agreed_ids(accounts))
    return [(terms, False) for terms in newest.values()] + [(terms, True) for terms in held]


def _agreed_ids(accounts: Range) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT fixed_terms_id FROM accounts_account"
            " WHERE fixed_terms_id IS NOT NULL AND ledger_account_id BETWEEN %s AND %s",
            list(accounts),
        )
        return [row[0] for row in cursor.fetchall()]


def dues_post(terms: ProductTerms, dues: Sequence[Due], *, until: dt.date, business_date: dt.date) -> tuple[int, int]:
    """Book what is due on some accounts and remember it: (posted, refused). Outside of any transaction."""
    product = AccountProduct.objects.select_related(*PURPOSES).get(pk=terms.product_id)
    books, currency = books_of(product), product.currency_id
    bank = functools.cache(functools.partial(_bank_account, currency=currency))
    keys, postings = [], []
    for due in dues:
        legs = interest_legs(due, books, currency, bank=bank)
        if legs:
            posting = bank_posting(
                key=posting_key(due, until, business_date),
                kind=KIND,
                legs=legs,
                business_date=business_date,
                value_date=until,
                description=interest_text(due, until, currency),
            )
            keys.append(due.account_id)
            postings.append(posting)
    outcomes: dict[str, bool] = {}
    if postings:
        result = balances.postings_post(postings, actor_id=None)
        outcomes = {key: outcome.ok for key, outcome in zip(keys, result.outcomes, strict=True)}
    ids = {key: posting.transaction_id for key, posting in zip(keys, postings, strict=True)}
    dues_record(terms, dues, outcomes, until=until, business_date=business_date, ids=ids)
    refused = sum(not ok for ok in outcomes.values())
    return len(dues) - refused, refused


def interest_text(due: Due, until: dt.date, currency: str) -> str:
    """What the statement says: the days, and the parts of the amount where there are several."""
    words = _days_text(due.since, until)
    if not (due.tax or due.debit):
        return words
    parts = [(due.credit, "earned"), (-due.tax, "tax"), (-due.debit, "on overdraft")]
    told = [f"{word} {minor_format(amount, currency)}" for amount, word in parts if amount]
    return words if len(told) < 2 else f"{words}: {', '.join(told)}"


@functools.lru_cache(maxsize=1_000)
def _days_text(since: dt.date, until: dt.date) -> str:
    return f"Interest {since} to {until - dt.timedelta(days=1)}"


def posting_key(due: Due, until: dt.date, business_date: dt.date) -> str:
    """What makes a posting of interest happen once."""
    return f"{KIND}:{due.account_id}{_key_end(until, business_date)}"


@functools.lru_cache(maxsize=100)
def _key_end(until: dt.date, business_date: dt.date) -> str:
    return f":{until}:{business_date}"


def _bank_account(code: str, branch_id: str, branch_code: str, *, currency: str) -> int:
    return balances.internal_account_id(
        gl_code=code, branch_id=UUID(branch_id), branch_code=branch_code, currency=currency
    )


def interest_legs(
    due: Due, books: ProductBooks, currency: str, *, bank: Callable[[str, str, str], int] | None = None
) -> list[Leg]:
    """Interest from the payable, overdraft interest to the receivable, tax to the payable; the net on the account.

    One leg on the account: an account that takes no debits still gets its interest, less the tax. What was paid too
    much goes the other way. `bank` finds the bank's own account of a chart code, branch and branch code.
    """
    bank = bank or functools.partial(_bank_account, currency=currency)
    sides = (
        (books.interest_payable, -due.credit),
        (books.tax_payable, due.tax),
        (books.overdraft_receivable, due.debit),
    )
    legs = [Leg(bank(code, due.branch_id, due.branch_code), amount, currency) for code, amount in sides if amount]
    net = due.credit - due.tax - due.debit
    if net:
        legs.append(Leg(due.ledger_id, net, currency))
    return sorted(legs, key=_amount)


_amount = attrgetter("amount")


@transaction.atomic
def dues_record(
    terms: ProductTerms,
    dues: Sequence[Due],
    outcomes: Mapping[str, bool],
    *,
    until: dt.date,
    business_date: dt.date,
    ids: Mapping[str, UUID] | None = None,
) -> None:
    """Keep what was paid and what was refused; a remainder that is dropped leaves the totals of what accrued.

    By account: `outcomes` of postings (none: it was posted), `ids` of transactions where the caller has them.
    """
    new: list[str] = []
    again: list[InterestPosting] = []
    totals: Totals = defaultdict(Decimal)
    for due in dues:
        ok = outcomes.get(due.account_id, True)
        known = ids.get(due.account_id) if ids else None
        transaction_id = known or bank_transaction_id(posting_key(due, until, business_date))
        row = _row(terms, due, ok=ok, until=until, business_date=business_date, transaction_id=transaction_id)
        if due.refused:
            again.append(InterestPosting(id=due.refused, **dict(zip(_COLUMNS, row, strict=True))))
        else:
            new.append("\t".join(map(str, row)))
        if ok and terms.remainder == ProductTerms.Remainder.DROP:
            sides = (("earned", due.credit - due.earned), ("owed", due.debit - due.owed))
            for side, dropped in sides:
                totals[terms.product_id, UUID(due.branch_id), InterestTotal.Side(side).value] += dropped
    if new:
        with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(_COPY) as copy:
            copy.write("\n".join(new) + "\n")
    if again:
        InterestPosting.objects.bulk_update(again, [name for name in _COLUMNS if name != "account_id"])
    totals_add(totals)


def _row(
    terms: ProductTerms, due: Due, *, ok: bool, until: dt.date, business_date: dt.date, transaction_id: UUID
) -> tuple[Any, ...]:
    """What is kept of a posting, in the order of `_COLUMNS`; nothing that COPY would have to escape."""
    return (
        due.account_id,
        due.since,
        until,
        business_date,
        due.earned,
        due.owed,
        due.credit,
        due.debit,
        due.tax,
        *due.carried(terms),
        transaction_id,
        (InterestPosting.Status.POSTED if ok else InterestPosting.Status.REFUSED).value,
    )
