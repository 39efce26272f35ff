"""Fees at the close: first what is due, set-based and once a period; then the charges, tried again when refused."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction

from apps.accounts import locks
from apps.accounts.models import AccountProduct, CloseMark, FeeCharge, ProductFee
from apps.accounts.partitions import Range, range_of
from apps.accounts.product_books import PURPOSES, books_of
from apps.accounts.selectors import fees_on
from apps.accounts.services._bank_postings import CLIENT, bank_posting, bank_transaction_id
from apps.balances import services as balances
from apps.balances.services import Leg, Posting
from apps.calculations.rounding import whole_round

KIND = "fee"
CHUNK = 500
_MONTHLY = (ProductFee.Kind.MONTHLY, ProductFee.Kind.BELOW_MINIMUM, ProductFee.Kind.DORMANCY)

_BY_EVENT = (ProductFee.Kind.CLOSING, ProductFee.Kind.MISSED)

_AMOUNT = """greatest(%(fee_min)s::bigint, least(%(fee_max)s::bigint, %(amount)s::bigint
             + round(%(percent)s::numeric * greatest({base}, 0))::bigint))"""
_INSERT = """
INSERT INTO accounts_fee_charge (account_id, fee_id, period, base, count, amount, due_on, status)
SELECT x.id, %(fee)s, {period}, x.base, x.count, x.amount, %(day)s, 'due' FROM ({found}) x WHERE x.amount > 0
    ON CONFLICT (account_id, fee_id, period) DO NOTHING
"""
_ACCOUNTS = """a.product_id = %(product)s AND a.ledger_account_id BETWEEN %(low)s AND %(high)s
       AND a.status <> 'closed'"""
_FOUND = """
    SELECT b.id, b.opened_on, b.base::bigint AS base, 1 AS count, {amount} AS amount
      FROM (SELECT a.id, a.opened_on, {base} AS base FROM accounts_account a WHERE {accounts}{more}) b"""
_CLOSING_BALANCE = """coalesce((SELECT s.booked FROM accounts_day_balance s
        WHERE s.account_id = a.ledger_account_id AND s.day <= %(day)s ORDER BY s.day DESC LIMIT 1), 0)"""
# The lowest balance at the end of a day of the month, from the opening of the account on.
_LOWEST = """least(coalesce((SELECT s.booked FROM accounts_day_balance s WHERE s.account_id = a.ledger_account_id
        AND s.day <= greatest(%(month)s, a.opened_on) ORDER BY s.day DESC LIMIT 1), 0),
        (SELECT min(s.booked) FROM accounts_day_balance s WHERE s.account_id = a.ledger_account_id
            AND s.day > greatest(%(month)s, a.opened_on) AND s.day <= %(day)s))"""
# The minimum that holds at the end of the month.
_REQUIRED = """coalesce((SELECT t.minimum_balance FROM accounts_productterms t WHERE t.product_id = a.product_id
        AND t.effective_from <= %(day)s ORDER BY t.effective_from DESC LIMIT 1), 0)"""
# Movements out by the owner that no close has looked at: later entries, and those of later dates that were there
# already. All of the month count towards what is free.
_MOVEMENTS = """
    SELECT m.id, sum(m.moved)::bigint AS base, count(*) AS count, sum({amount}) AS amount FROM (
        SELECT a.id, l.amount AS moved, l.journal_id > %(after)s OR l.business_date > %(noted)s AS fresh,
               row_number() OVER (PARTITION BY a.id, date_trunc('month', l.business_date)
                                  ORDER BY l.journal_id, l.line_no) AS place
          FROM accounts_account a
          JOIN ledger_line l ON l.account_id = a.ledger_account_id AND l.side = 'D'
           AND l.business_date BETWEEN %(month)s AND %(day)s AND l.business_date >= %(since)s
          JOIN ledger_journal j ON j.id = l.journal_id AND j.business_date BETWEEN %(month)s AND %(day)s
           AND j.channel <> 'bank' AND j.kind <> 'reversal'
           AND (cardinality(%(channels)s::text[]) = 0 OR j.channel = ANY (%(channels)s::text[]))
         WHERE {accounts} AND l.journal_id <= %(sealed)s
    ) m
     WHERE m.place > %(free)s AND m.fresh GROUP BY m.id"""

# A close charges many fees, and then notes which: what lies between the two is charged, and must not be charged again.
_UNNOTED = """
SELECT EXISTS (
    SELECT FROM ledger_line l
      JOIN ledger_journal j ON j.id = l.journal_id AND j.kind = %s
      JOIN balances_transaction_key k ON k.transaction_id = j.transaction_id AND k.client_id = %s
     WHERE l.account_id = %s AND l.business_date >= %s
       AND NOT EXISTS (SELECT FROM accounts_fee_charge c
                        WHERE c.account_id = %s AND c.transaction_id = j.transaction_id))
"""


@transaction.atomic
def fees_assess(*, partition: str, business_date: dt.date, through: dt.date) -> dict[str, int]:
    """Note the fees that fall due on a range of accounts at the close of `business_date`; each once a period.

    Fees of a month fall due at the close with which its last day goes (`through`), with the balances of that day.
    Returns facts: fees.
    """
    mark = locks.close_mark_lock(partition=partition)
    accounts = range_of(partition)
    month_ends = through.day == calendar.monthrange(through.year, through.month)[1]
    written = 0
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        for fee in fees_on(day=business_date, kinds=ProductFee.Kind.values).order_by("product", "created_at", "id"):
            if fee.kind in _MONTHLY and not month_ends:
                continue
            statement = _statement(fee)
            if statement is None:
                continue
            cursor.execute(statement, _values(fee, accounts, business_date, mark))
            written += cursor.rowcount
    mark.fees_journal_id = mark.journal_id
    mark.fees_on = max(mark.fees_on or business_date, business_date)
    mark.save(update_fields=["fees_journal_id", "fees_on"])
    return {"fees": written}


def _statement(fee: ProductFee) -> str | None:
    kind = ProductFee.Kind
    if fee.kind == kind.TRANSACTION:
        found = _MOVEMENTS.format(amount=_AMOUNT.format(base="m.moved"), accounts=_ACCOUNTS)
        return _INSERT.format(period="%(day)s", found=found)
    if fee.kind in _BY_EVENT:
        return None
    base, more, period = _CLOSING_BALANCE, "", "%(month)s"
    if fee.kind == kind.OPENING:
        base, period = "0", "x.opened_on"
        more = " AND a.opened_on BETWEEN %(since)s AND %(day)s"
    elif fee.kind == kind.DORMANCY:
        more = " AND a.status = 'dormant'"
    elif fee.kind == kind.BELOW_MINIMUM:
        base = f"{_REQUIRED} - {_LOWEST}"
        more = f" AND {_LOWEST} < {_REQUIRED}"
    found = _FOUND.format(amount=_AMOUNT.format(base="b.base"), base=base, accounts=_ACCOUNTS, more=more)
    return _INSERT.format(period=period, found=found)


def _values(fee: ProductFee, accounts: Range, day: dt.date, mark: CloseMark) -> dict[str, Any]:
    return {
        "fee": fee.pk,
        "product": fee.product_id,
        "low": accounts.low,
        "high": accounts.high,
        "day": day,
        "month": day.replace(day=1),
        "since": fee.effective_from,
        "channels": fee.channels,
        "free": fee.free_quota,
        "sealed": mark.journal_id,
        "after": mark.fees_journal_id,
        "noted": mark.fees_on or dt.date.min,
        "amount": fee.amount,
        "percent": fee.percent,
        "fee_min": fee.fee_min,
        "fee_max": fee.fee_max if fee.fee_max is not None else 10**15,
    }


class DueFee(NamedTuple):
    """A fee to charge, with where it is charged."""

    id: int
    amount: int
    name: str
    account_id: UUID
    ledger_id: int
    number: str
    status: str
    branch_id: UUID
    branch_code: str
    product_id: UUID
    terms_id: UUID | None
    due_on: dt.date

    @property
    def is_shut(self) -> bool:
        """Does the account take no debits but the bank's: dormant, or a term that runs?"""
        return self.status == "dormant" or (self.status == "debit_blocked" and self.terms_id is not None)


def fees_due(*, accounts: Range | None = None, account_id: UUID | None = None) -> list[DueFee]:
    """Fees that are noted and not charged, of a range or of one account, the oldest first."""
    found = FeeCharge.objects.filter(status=FeeCharge.Status.DUE)
    if account_id is not None:
        found = found.filter(account=account_id)
    elif accounts is not None:
        found = found.filter(account__ledger_account__gte=accounts.low, account__ledger_account__lte=accounts.high)
    names = (
        "id", "amount", "fee__name", "account_id", "account__ledger_account_id", "account__number", "account__status",
        "account__branch_id", "account__branch__code", "account__product_id", "account__fixed_terms_id", "due_on",
    )  # fmt: skip
    return [DueFee(*row) for row in found.order_by("id").values_list(*names)]


def fees_unnoted(*, account_id: UUID, ledger_id: int, since: dt.date) -> bool:
    """Has a close charged a fee that was due on an account since a day, and not noted so yet? Under its lock."""
    with connection.cursor() as cursor:
        cursor.execute(_UNNOTED, [KIND, CLIENT, ledger_id, since, account_id])
        return bool(cursor.fetchone()[0])


def fees_charge(*, partition: str, business_date: dt.date) -> dict[str, int]:
    """Charge the fees that are due on a range of accounts. What is refused stays due and is tried at each close.

    Returns facts: charged, refused.
    """
    charged = refused = 0
    dues = fees_due(accounts=range_of(partition))
    codes = _income_codes(dues)
    shut = [due for due in dues if due.is_shut]
    others = [due for due in dues if not due.is_shut]
    for start in range(0, len(others), CHUNK):
        part = others[start : start + CHUNK]
        result = balances.postings_post([fee_posting(due, codes, business_date) for due in part], actor_id=None)
        good = {due.id for due, outcome in zip(part, result.outcomes, strict=True) if outcome.ok}
        fees_mark_charged([due for due in part if due.id in good], business_date)
        charged, refused = charged + len(good), refused + len(part) - len(good)
    for due in shut:
        if _charge_shut(due, codes, business_date):
            charged += 1
        else:
            refused += 1
    return {"charged": charged, "refused": refused}


def fee_amount(fee: ProductFee, base: int) -> int:
    """amount + percent x base (minor units, half up), within the fee's limits."""
    amount = max(fee.fee_min, fee.amount + whole_round(fee.percent * base, "half_up"))
    return min(amount, fee.fee_max) if fee.fee_max is not None else amount


def _income_codes(dues: Iterable[DueFee]) -> dict[UUID, tuple[str, str]]:
    products = AccountProduct.objects.select_related(*PURPOSES).in_bulk({due.product_id for due in dues})
    return {pk: (books_of(product).fee_income, product.currency_id) for pk, product in products.items()}


def fee_posting(due: DueFee, codes: dict[UUID, tuple[str, str]], business_date: dt.date) -> Posting:
    """The entry of a fee: from the account to fee income. A refused one gets a new key at the next close."""
    code, currency = codes[due.product_id]
    income = balances.internal_account_id(
        gl_code=code, branch_id=due.branch_id, branch_code=due.branch_code, currency=currency
    )
    legs = (Leg(due.ledger_id, -due.amount, currency), Leg(income, due.amount, currency))
    return bank_posting(
        key=f"{KIND}:{due.id}:{business_date}", kind=KIND, legs=legs, business_date=business_date, description=due.name
    )


def fees_mark_charged(dues: Sequence[DueFee], business_date: dt.date) -> None:
    """Note that fees were charged, inside or outside of a transaction; the posting's key makes it safe twice."""
    rows = [
        FeeCharge(
            id=due.id,
            status=FeeCharge.Status.CHARGED,
            charged_on=business_date,
            transaction_id=bank_transaction_id(f"{KIND}:{due.id}:{business_date}"),
        )
        for due in dues
    ]
    FeeCharge.objects.bulk_update(rows, ["status", "charged_on", "transaction_id"])


def _charge_shut(due: DueFee, codes: dict[UUID, tuple[str, str]], business_date: dt.date) -> bool:
    """A dormant account, and one with a running term, takes no debits but the bank's own: opened for this one and
    closed again, as one act."""
    posting = fee_posting(due, codes, business_date)
    with balances.in_database([leg.account_id for leg in posting.legs], actor_id=None) as book:
        state = book.balance(due.ledger_id)
        if state.available < due.amount or state.status != "D":
            return False
        book.change(due.ledger_id, status="O")
        book.post(posting)
        book.change(due.ledger_id, status="D")
        fees_mark_charged([due], business_date)
    return True
