"""Dividends on shares: drawn up set-based, decided on, paid once by a job that may be run again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count, Min, Sum

from apps.accounts import locks
from apps.accounts.errors import DividendDecided, DividendInvalid, DividendTaken
from apps.accounts.models import AccountProduct, CloseMark, Dividend, DividendShare
from apps.accounts.partitions import ranges_with_accounts
from apps.accounts.product_books import PURPOSES, books_of
from apps.accounts.services._bank_postings import bank_posting, bank_transaction_id
from apps.audit.services import record
from apps.balances import services as balances
from apps.balances.services import Leg, Posting
from apps.core.api.etag import version_check
from apps.core.errors import NotFound
from apps.jobs.services import job_start

if TYPE_CHECKING:
    from apps.identity.models import User

JOB = "accounts.dividend_pay"
KIND = "dividend"
DECLARED, UNCLAIMED = "3330", "2230"
CHUNK = 250
DAYS_MAX = 366

_OPENING = """coalesce((SELECT s.valued FROM accounts_day_balance s WHERE s.account_id = a.ledger_account_id
        AND s.day <= {day} ORDER BY s.day DESC LIMIT 1), 0)"""
_WITHIN = "s.account_id = a.ledger_account_id AND s.day > %(since)s AND s.day <= %(until)s"
_MINIMUM = """least({opening}, (SELECT min(s.valued) FROM accounts_day_balance s WHERE {within}))"""
_AVERAGE = """(SELECT round(sum(greatest(r.valued, 0)::numeric * (r.until - r.day)) / %(days)s)
        FROM (SELECT q.valued, q.day, lead(q.day, 1, %(until)s::date + 1) OVER (ORDER BY q.day) AS until FROM (
            SELECT %(since)s::date AS day, {opening} AS valued
            UNION ALL SELECT s.day, s.valued FROM accounts_day_balance s WHERE {within}) q) r)"""
_AT_START = _OPENING.format(day="%(since)s")
# Days before an account was opened count as nothing, so whoever comes late gets less.
_BASES = {
    Dividend.Basis.CLOSING: _OPENING.format(day="%(until)s"),
    Dividend.Basis.MINIMUM: _MINIMUM.format(opening=_AT_START, within=_WITHIN),
    Dividend.Basis.AVERAGE: _AVERAGE.format(opening=_AT_START, within=_WITHIN),
}
_DEPOSITS = """coalesce((SELECT b.id FROM accounts_account b JOIN accounts_accountproduct p ON p.id = b.product_id
        WHERE b.member_id = w.member_id AND b.currency = w.currency AND b.status = 'active'
          AND p.kind IN ('savings', 'current', 'wallet') ORDER BY b.opened_on, b.number LIMIT 1), w.id)"""
_DRAW = """
INSERT INTO accounts_dividend_share (dividend_id, account_id, target_id, base, gross, tax, status)
SELECT %(dividend)s, w.id, {target}, w.base, w.gross, round(w.gross * %(tax)s)::bigint, 'due'
  FROM (SELECT x.*, round(x.base * %(rate)s)::bigint AS gross FROM (
            SELECT a.id, a.member_id, a.currency, greatest({base}, 0)::bigint AS base FROM accounts_account a
             WHERE a.product_id = %(product)s AND a.status <> 'closed' AND a.opened_on <= %(until)s) x) w
 WHERE w.gross > round(w.gross * %(tax)s)
 ORDER BY w.id
"""


@transaction.atomic
def dividend_draw(
    *,
    acting_user: User | None,
    product_id: UUID,
    starts_on: dt.date,
    ends_on: dt.date,
    rate: Decimal,
    tax_rate: Decimal,
    basis: str,
    pay_to: str,
    today: dt.date,
) -> Dividend:
    """Work out a dividend on the shares of a product for a period that is closed, and keep what each account would get.

    gross = round(base x rate), tax = round(gross x tax_rate), both half up to minor units; who would be left nothing
    gets nothing. Balances are those by value date, as of now. Raises `NotFound`, `DividendInvalid` with a pointer,
    `DividendTaken` while another dividend on days of the period stands.
    """
    product = locks.product_lock(pk=product_id)
    if product is None:
        raise NotFound("No such product.")
    _check(product, starts_on, ends_on, rate, tax_rate, today)
    dividend = Dividend.objects.create(
        product=product,
        starts_on=starts_on,
        ends_on=ends_on,
        rate=rate,
        tax_rate=tax_rate,
        basis=Dividend.Basis(basis).value,
        pay_to=Dividend.PayTo(pay_to).value,
    )
    target = _DEPOSITS if dividend.pay_to == Dividend.PayTo.DEPOSITS else "w.id"
    values: dict[str, Any] = {
        "dividend": dividend.pk,
        "product": product.pk,
        "since": starts_on,
        "until": ends_on,
        "days": (ends_on - starts_on).days + 1,
        "rate": rate,
        "tax": tax_rate,
    }
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(_DRAW.format(base=_BASES[Dividend.Basis(basis)], target=target), values)
    sums = dividend.shares.aggregate(number=Count("pk"), gross=Sum("gross"), tax=Sum("tax"))
    dividend.accounts, dividend.gross, dividend.tax = sums["number"], sums["gross"] or 0, sums["tax"] or 0
    dividend.save(update_fields=["accounts", "gross", "tax"])
    _recorded("drawn", dividend, acting_user)
    return dividend


@transaction.atomic
def dividend_withdraw(*, acting_user: User | None, dividend_id: UUID, expected_version: int) -> Dividend:
    """Take back a dividend that is not being paid. Raises `NotFound`, `PreconditionFailed`, `DividendDecided`."""
    dividend = _draft(dividend_id, expected_version)
    dividend.shares.all().delete()
    dividend.status, dividend.version = Dividend.Status.WITHDRAWN, dividend.version + 1
    dividend.save(update_fields=["status", "version", "updated_at"])
    _recorded("withdrawn", dividend, acting_user)
    return dividend


@transaction.atomic
def dividend_pay(*, acting_user: User, dividend_id: UUID, expected_version: int, at: dt.datetime) -> Dividend:
    """Have a dividend paid as it was drawn up, in the background. Raises `NotFound`, `PreconditionFailed`,
    `DividendDecided` when it was withdrawn or is being paid, `DividendInvalid` when nobody gets anything."""
    dividend = _draft(dividend_id, expected_version)
    if not dividend.accounts:
        raise DividendInvalid("No account gets anything.")
    job, _ = job_start(acting_user=acting_user, kind=JOB, at=at, payload={"dividend_id": str(dividend.pk)})
    dividend.status, dividend.version, dividend.job_id = Dividend.Status.PAYING, dividend.version + 1, job.pk
    dividend.save(update_fields=["status", "version", "job_id", "updated_at"])
    _recorded("approved", dividend, acting_user)
    return dividend


def dividend_shares_pay(
    *, dividend_id: UUID, business_date: dt.date, on_progress: Callable[[int, int], None] | None = None
) -> dict[str, int]:
    """Pay what is due of a dividend; safe to run again from any point. Returns facts: paid, refused.

    Each share has one key for ever. What an account refuses, because it is blocked or closed, is kept for its owner
    in unclaimed balances. Raises `NotFound`.
    """
    dividend = Dividend.objects.select_related(*[f"product__{one}" for one in PURPOSES]).filter(pk=dividend_id).first()
    if dividend is None:
        raise NotFound("No such dividend.")
    while rows := list(_due(dividend)[:CHUNK]):
        _chunk_pay(dividend, rows, business_date)
        if on_progress is not None:
            on_progress(dividend.accounts - _due(dividend).count(), dividend.accounts)
    facts = dict.fromkeys(("paid", "refused"), 0)
    for status, number in dividend.shares.values_list("status").annotate(number=Count("pk")):
        facts[status] = number
    with transaction.atomic():
        changed = Dividend.objects.filter(pk=dividend.pk, status=Dividend.Status.PAYING).update(
            status=Dividend.Status.PAID, paid_on=business_date, version=dividend.version + 1
        )
        if changed:
            dividend.refresh_from_db()
            _recorded("paid", dividend, None)
    return facts


def _due(dividend: Dividend) -> Any:
    found = DividendShare.objects.filter(dividend=dividend, status=DividendShare.Status.DUE)
    return found.select_related("account__branch", "target").order_by("pk")


def _chunk_pay(dividend: Dividend, rows: Sequence[DividendShare], day: dt.date) -> None:
    """Post a chunk, what was refused a second time elsewhere, and mark it; the keys make it once after any crash."""
    result = balances.postings_post([_posting(dividend, row, day) for row in rows], actor_id=None)
    refused = [row for row, outcome in zip(rows, result.outcomes, strict=True) if not outcome.ok]
    if refused:
        again = [_posting(dividend, row, day, unclaimed=True) for row in refused]
        if not all(outcome.ok for outcome in balances.postings_post(again, actor_id=None).outcomes):
            raise RuntimeError("unclaimed balances refused a posting")
    for row in rows:
        row.status = DividendShare.Status.REFUSED if row in refused else DividendShare.Status.PAID
        row.transaction_id = bank_transaction_id(_key(row, unclaimed=row in refused))
    DividendShare.objects.bulk_update(rows, ["status", "transaction_id"])


def _key(row: DividendShare, *, unclaimed: bool) -> str:
    return f"{KIND}:{row.pk}:unclaimed" if unclaimed else f"{KIND}:{row.pk}"


def _posting(dividend: Dividend, row: DividendShare, day: dt.date, *, unclaimed: bool = False) -> Posting:
    """From dividends declared: the net to the account, or to unclaimed balances, and the tax to what is owed of it."""
    account, currency = row.account, row.account.currency

    def inner(code: str) -> int:
        return balances.internal_account_id(
            gl_code=code, branch_id=account.branch_id, branch_code=account.branch.code, currency=currency
        )

    net_to = inner(UNCLAIMED) if unclaimed else row.target.ledger_account_id
    legs = [Leg(inner(DECLARED), -row.gross, currency), Leg(net_to, row.gross - row.tax, currency)]
    if row.tax:
        legs.append(Leg(inner(books_of(dividend.product).tax_payable), row.tax, currency))
    return bank_posting(
        key=_key(row, unclaimed=unclaimed),
        kind=KIND,
        legs=legs,
        business_date=day,
        description=f"Dividend {dividend.starts_on} to {dividend.ends_on}, shares {account.number}",
    )


def _check(
    product: AccountProduct, starts_on: dt.date, ends_on: dt.date, rate: Decimal, tax_rate: Decimal, today: dt.date
) -> None:
    if product.kind != AccountProduct.Kind.SHARE:
        raise DividendInvalid("Only shares get dividends.", pointer="/product_id")
    if not 0 <= (ends_on - starts_on).days < DAYS_MAX:
        raise DividendInvalid("From one day to a year.", pointer="/ends_on")
    if not 0 < rate <= 1:
        raise DividendInvalid("A fraction: 0.08 is 8 %.", pointer="/rate")
    if not 0 <= tax_rate < 1:
        raise DividendInvalid("A fraction below 1.", pointer="/tax_rate")
    parts = ranges_with_accounts()
    marks = CloseMark.objects.filter(partition__in=parts).aggregate(number=Count("pk"), day=Min("accrued_through"))
    closed = marks["day"] if marks["number"] == len(parts) else None
    if ends_on >= today or closed is None or closed < ends_on:
        raise DividendInvalid("The period is not closed yet.", pointer="/ends_on")
    standing = Dividend.objects.filter(product=product, starts_on__lte=ends_on, ends_on__gte=starts_on)
    if standing.exclude(status=Dividend.Status.WITHDRAWN).exists():
        raise DividendTaken


def _draft(dividend_id: UUID, expected_version: int) -> Dividend:
    dividend = locks.dividend_lock(pk=dividend_id)
    if dividend is None:
        raise NotFound("No such dividend.")
    version_check(current=dividend.version, expected=expected_version)
    if dividend.status != Dividend.Status.DRAFT:
        raise DividendDecided
    return dividend


def _recorded(what: str, dividend: Dividend, acting_user: User | None) -> None:
    names = ("starts_on", "ends_on", "rate", "tax_rate", "basis", "pay_to", "status", "accounts", "gross", "tax")
    after = {name: getattr(dividend, name) for name in names}
    record(action=f"accounts.dividend.{what}", acting_user=acting_user, target=dividend.product, after=after)
