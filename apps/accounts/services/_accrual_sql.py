"""The statement that accrues one day of interest on all accounts of a range under one version of terms."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from math import gcd
from typing import Any

from apps.accounts.interest_terms import Tiers, boundary_at, day_fraction, tiers_of
from apps.accounts.models import ProductTerms

_BALANCE_AT = """(SELECT s.valued FROM accounts_day_balance s
        WHERE s.account_id = a.ledger_account_id AND s.day <= {day} ORDER BY s.day DESC LIMIT 1)"""
_COMPOUNDED = """ + coalesce((SELECT sum(c.earned - c.owed) FROM accounts_accrual c
        WHERE c.account_id = a.ledger_account_id AND c.day = ANY (%(compounded)s::date[])), 0)"""
# The lowest balance from the start of the period, or of the account, up to the day.
_MINIMUM = """least(coalesce({opening}, 0), (SELECT min(s.valued) FROM accounts_day_balance s
        WHERE s.account_id = a.ledger_account_id AND s.day > {start} AND s.day <= %(day)s))"""
# The sum of the days' balances, none below zero, over the number of days.
_AVERAGE = """(SELECT sum(greatest(r.valued, 0)::numeric * (r.until - r.day)) / (%(day)s::date + 1 - {start}) FROM (
        SELECT q.valued, q.day, lead(q.day, 1, %(day)s::date + 1) OVER (ORDER BY q.day) AS until FROM (
            SELECT {start} AS day, coalesce({opening}, 0) AS valued
            UNION ALL SELECT s.day, s.valued FROM accounts_day_balance s
             WHERE s.account_id = a.ledger_account_id AND s.day > {start} AND s.day <= %(day)s) q) r)"""
_PERIOD_START = "greatest(%(period)s::date, a.opened_on)"
# What has accrued for the day, or for the period so far: the new row has the difference.
_HAVE = """
      CROSS JOIN LATERAL (SELECT coalesce(sum(x.earned), 0) AS earned, coalesce(sum(x.owed), 0) AS owed
                            FROM accounts_accrual x
                           WHERE x.account_id = a.ledger_account_id AND x.day = ANY (%(have)s::date[])) h"""
# A day may be corrected twice in one close, as when a term was broken on it.
_TWICE = """
        ON CONFLICT (day, account_id, accrued_on) DO UPDATE
           SET earned = t.earned + excluded.earned, owed = t.owed + excluded.owed, base = excluded.base"""
# OFFSET 0 has PostgreSQL work balance and interest out once, where they are named, and not at each use.
_STATEMENT = """
WITH calc AS MATERIALIZED (
    SELECT i.account_id, i.branch_id, i.base, {earned_new} AS earned, {owed_new} AS owed
      FROM (SELECT a.ledger_account_id AS account_id, a.branch_id, b.base,
                   {earned} AS earned, {owed} AS owed{have_columns}
              FROM accounts_account a{dirty}
             CROSS JOIN LATERAL (SELECT ({base})::numeric AS base OFFSET 0) b{have}
             WHERE a.product_id = %(product)s AND a.ledger_account_id BETWEEN %(low)s AND %(high)s
               AND {agreed} AND a.opened_on <= %(day)s AND {open}
            OFFSET 0) i
     WHERE {wanted}
), written AS (
    INSERT INTO accounts_accrual AS t (day, account_id, accrued_on, terms_id, base, earned, owed, is_correction)
    SELECT %(day)s, account_id, %(accrued_on)s, %(terms)s, coalesce(base, 0), earned, owed, %(correction)s
      FROM calc{twice}
)
SELECT branch_id, count(*), coalesce(sum(earned), 0), coalesce(sum(owed), 0) FROM calc GROUP BY branch_id
"""


def accrual_statement(
    terms: ProductTerms, *, day: dt.date, agreed: bool, correction: bool
) -> tuple[str, dict[str, Any]]:
    """The SQL and its parameters, without low, high, accrued_on. It returns (branch, rows, earned, owed).

    interest = round(rate of the tier x base x year fraction), half up, to `accrual_decimals`. With `agreed` it is for
    accounts that have these terms for themselves; with `correction` for accounts in `accounts_reaccrual`, whose rows
    get the difference to what had accrued. Under terms with lowest or average balances a row is the difference of what
    the period has earned so far.
    """
    by_day = terms.balance_method == ProductTerms.Method.DAILY
    values: dict[str, Any] = {
        "day": day,
        "product": terms.product_id,
        "terms": terms.pk,
        "correction": correction,
        "decimals": terms.accrual_decimals,
        "minimum": terms.interest_minimum,
    }
    differs = correction or not by_day
    fraction = _fraction(terms, day, values) if by_day else _period_fraction(terms, day, values)
    if by_day and correction:
        values["have"] = [day]
    earned = f"CASE WHEN b.base > 0 AND b.base >= %(minimum)s THEN round(({_tiers(terms, 'rates', values)}) {fraction}"
    earned = f"{earned}, %(decimals)s) ELSE 0 END" if terms.rates else "0::numeric"
    owed = f"CASE WHEN b.base < 0 THEN round(({_tiers(terms, 'overdraft_rates', values)}) {fraction}"
    owed = f"{owed}, %(decimals)s) ELSE 0 END" if terms.overdraft_rates else "0::numeric"
    return _STATEMENT.format(
        base=_base(terms, day, values),
        earned=earned,
        owed=owed,
        earned_new="i.earned - i.had_earned" if differs else "i.earned",
        owed_new="i.owed - i.had_owed" if differs else "i.owed",
        wanted="i.earned <> i.had_earned OR i.owed <> i.had_owed" if differs else "i.earned <> 0 OR i.owed <> 0",
        have=_HAVE if differs else "",
        have_columns=", h.earned AS had_earned, h.owed AS had_owed" if differs else "",
        dirty=" JOIN accounts_reaccrual d ON d.account_id = a.ledger_account_id AND d.since <= %(day)s"
        if correction
        else "",
        twice=_TWICE if correction else "",
        # What was closed has all its days: closing it has seen to that.
        open="(a.closed_on IS NULL OR a.closed_on > %(day)s)" if correction else "a.closed_on IS NULL",
        agreed="a.fixed_terms_id = %(terms)s" if agreed else "a.fixed_terms_id IS NULL",
    ), values


def _base(terms: ProductTerms, day: dt.date, values: dict[str, Any]) -> str:
    if terms.balance_method == ProductTerms.Method.DAILY:
        base = _BALANCE_AT.format(day="%(day)s")
        days = _compounded_days(terms, day)
        if days:
            values["compounded"] = days
            return base + _COMPOUNDED
        return base
    opening = _BALANCE_AT.format(day=_PERIOD_START)
    shape = _MINIMUM if terms.balance_method == ProductTerms.Method.MINIMUM else _AVERAGE
    return shape.format(opening=opening, start=_PERIOD_START)


def _compounded_days(terms: ProductTerms, day: dt.date) -> list[dt.date]:
    """The days whose interest earns interest on `day`: since the last posting, up to the last compounding."""
    if terms.compounding == ProductTerms.Compounding.NONE:
        return []
    until = boundary_at(terms.compounding, day)
    since = boundary_at(terms.posting, day) or terms.effective_from
    if until is None or since >= until:
        return []
    return [since + dt.timedelta(days=n) for n in range((until - since).days)]


def _fraction(terms: ProductTerms, day: dt.date, values: dict[str, Any]) -> str:
    part = day_fraction(terms.day_count, day)
    values["numerator"], values["denominator"] = Decimal(part.numerator), Decimal(part.denominator)
    return "/ %(denominator)s" if part.numerator == 1 else "* %(numerator)s / %(denominator)s"


def _period_fraction(terms: ProductTerms, day: dt.date, values: dict[str, Any]) -> str:
    """Of the period up to the day; less what lies before the day on which the account was opened."""
    start = boundary_at(terms.posting, day)
    if start is None:
        raise RuntimeError("terms with lowest or average balances have a posting calendar")
    days = [start + dt.timedelta(days=n) for n in range((day - start).days + 1)]
    parts = [day_fraction(terms.day_count, one) for one in days]
    total = sum(parts[1:], parts[0])
    common = 1
    for part in [*parts, total]:
        common = common * part.denominator // gcd(common, part.denominator)
    running, before = 0, []
    for part in parts:
        before.append(running)
        running += part.numerator * (common // part.denominator)
    values |= {
        "period": start,
        "have": days,
        "starts": days,
        "before": before,
        "numerator": Decimal(running),
        "denominator": Decimal(common),
    }
    return """* (%(numerator)s - coalesce((SELECT u.part FROM unnest(%(starts)s::date[], %(before)s::numeric[])
                                     AS u (day, part) WHERE u.day = a.opened_on), 0)) / %(denominator)s"""


def _tiers(terms: ProductTerms, name: str, values: dict[str, Any]) -> str:
    """Rate x base as an expression of `b.base`: the tier's rate for all of it, or each slice at its own."""
    tiers: Tiers = tiers_of(getattr(terms, name))
    size = "b.base" if name == "rates" else "(-b.base)"
    prefix = "r" if name == "rates" else "o"
    for number, (start, rate) in enumerate(tiers):
        values[f"{prefix}from{number}"], values[f"{prefix}rate{number}"] = Decimal(start), rate
    if len(tiers) == 1:
        return f"{size} * %({prefix}rate0)s"
    if terms.tiering == ProductTerms.Tiering.WHOLE:
        cases = [
            f"WHEN {size} >= %({prefix}from{number})s THEN {size} * %({prefix}rate{number})s"
            for number in reversed(range(len(tiers)))
        ]
        return f"CASE {' '.join(cases)} END"
    slices = []
    for number in range(len(tiers)):
        top = f"least({size}, %({prefix}from{number + 1})s)" if number + 1 < len(tiers) else size
        slice_ = f"greatest({top} - %({prefix}from{number})s, 0)" if number else top  # the first begins at zero
        slices.append(f"{slice_} * %({prefix}rate{number})s")
    return " + ".join(slices)
