"""What the figures of the bank say beyond their sums: trends, seasons, outliers, forecasts, spreads, cohorts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from uuid import UUID

from apps.calculations.insights import (
    Cohort,
    Distribution,
    Forecast,
    Outlier,
    Trend,
    cohorts,
    distribution,
    forecast,
    outliers,
    seasonality,
    trend,
)
from apps.reporting.analytics import chart_read
from apps.reporting.errors import InsightTooFew
from apps.reporting.facts import Question, interval_next, reading
from apps.reporting.metrics import METRICS

MONTHS_LEAST = 4
AHEAD = 6
VALUES_MAX = 1_000_000
COHORT_MONTHS = 12

YEARS = 3
"""How far back months are looked at."""

METHOD = (
    "Straight line of least squares, with the months' season taken out and put back where two whole years are known. "
    "Back-test: the last months were hidden, forecast from those before, and compared; the error is the mean of the "
    "differences as shares of what was real, beside that of repeating the month a year (or a month) before. Outliers "
    "lie beyond one and a half times the distance of the quartiles of the monthly changes."
)


def question_of(*, metric: str, currency: str, until: dt.date, branch_ids: Sequence[UUID] | None) -> Question:
    """What an insight asks of a metric: all of it together, by month, over three years."""
    return Question(
        metric=metric, since=dt.date(until.year - YEARS, until.month, 1), until=until, interval="month",
        currency=currency if METRICS[metric].money else "",
        branch_ids=None if branch_ids is None else tuple(sorted(branch_ids)),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Insight:
    """A monthly series, complete months only, with what can be said of it. Values are minor units or counts.

    `season` is a factor for each calendar month, January first; empty with less than two whole years.
    """

    months: Sequence[dt.date]
    values: Sequence[int]
    line: Trend
    odd: Sequence[Outlier]
    ahead: Forecast
    next_months: Sequence[dt.date]
    season: Sequence[Fraction] = ()


def insight_read(question: Question, *, counts: bool) -> Insight:
    """The insight of a metric by whole months. Raises `InsightTooFew` for fewer than four."""
    chart = chart_read(question)
    values: Sequence[int | None] = (
        (chart.series[0].counts if counts else chart.series[0].amounts) if chart.series else []
    )
    known = [(month, value) for month, value in zip(chart.labels, values, strict=False) if value is not None]
    while known and known[0][1] == 0:
        known.pop(0)  # before it began
    if known and interval_next(known[-1][0], "month") > question.until + dt.timedelta(days=1):
        known.pop()  # the month is not over
    if len(known) < MONTHS_LEAST:
        raise InsightTooFew(f"{len(known)} whole months are known, {MONTHS_LEAST} are needed.")
    months, series = [month for month, _ in known], [value for _, value in known]
    changes = [after - before for before, after in pairwise(series)]
    following = [interval_next(months[-1], "month")]
    while len(following) < AHEAD:
        following.append(interval_next(following[-1], "month"))
    return Insight(
        months, series, trend(series), outliers(changes) if len(changes) >= MONTHS_LEAST else [],
        forecast(series, steps=AHEAD), following, _season(months, series),
    )  # fmt: skip


def _season(months: Sequence[dt.date], values: Sequence[int]) -> Sequence[Fraction]:
    """The factors of the calendar months, where two whole years are known."""
    if len(values) < 2 * 12:
        return ()
    found = seasonality(values, 12)  # in the order of the series: its first month first
    first = months[0].month - 1
    return [found[(month - first) % 12] for month in range(12)]


_BALANCES = """
SELECT b.balance FROM accounts_account c JOIN balances_balance b ON b.account_id = c.ledger_account_id
 WHERE c.status <> 'closed' AND c.currency = %(currency)s
   AND (%(branches)s::uuid[] IS NULL OR c.branch_id = ANY (%(branches)s::uuid[])) LIMIT %(most)s
"""


def deposits_spread(*, currency: str, branch_ids: Sequence[UUID] | None) -> Distribution:
    """How the balances of open deposit accounts are spread now. Raises `InsightTooFew` where there are none."""
    with reading() as cursor:
        cursor.execute(_BALANCES, {"currency": currency, "branches": _list(branch_ids), "most": VALUES_MAX})
        values = [balance for (balance,) in cursor.fetchall()]
    if not values:
        raise InsightTooFew("There are no accounts in this currency.")
    return distribution(values)


_BEGAN = """
SELECT m.id::text, m.joined_on FROM members_member m WHERE m.joined_on >= %(first)s
   AND (%(branches)s::uuid[] IS NULL OR m.branch_id = ANY (%(branches)s::uuid[]))
"""
_ACTIVE = """
SELECT DISTINCT c.member_id::text, date_trunc('month', l.business_date)::date
  FROM members_member m JOIN accounts_account c ON c.member_id = m.id
  JOIN ledger_line l ON l.account_id = c.ledger_account_id AND l.business_date >= %(first)s
 WHERE m.joined_on >= %(first)s AND (%(branches)s::uuid[] IS NULL OR m.branch_id = ANY (%(branches)s::uuid[]))
"""


def member_cohorts(*, until: dt.date, branch_ids: Sequence[UUID] | None) -> list[Cohort]:
    """Members by the month they joined, over a year: how many had an entry on an account in each month after."""
    index = until.year * 12 + until.month - COHORT_MONTHS
    first = dt.date(index // 12, index % 12 + 1, 1)
    parameters = {"first": first, "branches": _list(branch_ids)}
    with reading() as cursor:
        cursor.execute(_BEGAN, parameters)
        began = dict(cursor.fetchall())
        cursor.execute(_ACTIVE, parameters)
        return cohorts(began, cursor.fetchall(), until=until)


def _list(branch_ids: Sequence[UUID] | None) -> list[UUID] | None:
    return None if branch_ids is None else list(branch_ids)
