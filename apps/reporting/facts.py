"""Summaries of business dates for analytics: made at their close, made anew where something came late.

`facts_read` answers from them, and from the books themselves for dates that are not closed yet, so a figure of today is
today's. Answers are cached under the generation of the facts: keeping new ones makes all old answers unreachable.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.db import connection, connections, transaction
from django.db.backends.utils import CursorWrapper

from apps.core.cache_stats import CacheStats
from apps.core.ids import uuid7
from apps.ledger.selectors import business_date_current
from apps.reporting.metrics import METRICS, STOCK, Metric

RANGE_DAYS = 92
"""How many dates are made in one statement."""

TTL_SECONDS = 3600
TTL_OPEN_SECONDS = 30
"""How long an answer that has the open date in it is good for."""

stats = CacheStats("analytics")


@dataclass(frozen=True, slots=True)
class State:
    """Up to which date facts are kept, when they were, and the generation of cached answers."""

    kept_to: dt.date | None
    kept_at: dt.datetime | None
    generation: UUID
    last_entry: int


def reading() -> CursorWrapper:
    """A cursor of the replica where one is configured, else of the database."""
    return connections["replica" if "replica" in connections.settings else "default"].cursor()


def facts_state() -> State:
    """The one row of the state; an empty one before the first close."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT kept_to, kept_at, generation, last_entry FROM reporting_factsstate WHERE id = 1")
        row = cursor.fetchone()
    return State(*row) if row else State(None, None, UUID(int=0), 0)


def facts_keep(*, upto: dt.date, at: dt.datetime) -> int:
    """Make the facts of all dates up to `upto` that are new or that something came late into; how many dates.

    A late posting changes every stock after it, so dates are made anew from the earliest one touched. Safe to repeat.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(7120)")  # one at a time: two would insert the same rows
        state = facts_state()
        cursor.execute(
            "SELECT min(business_date), max(id) FROM ledger_journal WHERE id > %s AND outcome = 'OK'",
            [state.last_entry],
        )
        touched, last_entry = cursor.fetchone()
        cursor.execute("SELECT min(joined_on) FROM members_member")
        (joined,) = cursor.fetchone()
        after = state.kept_to + dt.timedelta(days=1) if state.kept_to else None
        starts = [day for day in (touched, after or joined) if day is not None]
        first = min(starts) if starts else upto
        days = (upto - first).days + 1
        for low, high in _ranges(first, upto):
            for metric in METRICS.values():
                _make(cursor, metric, low, high)
        cursor.execute(
            "INSERT INTO reporting_factsstate (id, kept_to, kept_at, generation, last_entry) VALUES (1, %s, %s, %s, %s)"
            " ON CONFLICT (id) DO UPDATE SET kept_to = greatest(reporting_factsstate.kept_to, excluded.kept_to),"
            " kept_at = excluded.kept_at, generation = excluded.generation, last_entry = excluded.last_entry",
            [upto, at, uuid7(), last_entry or state.last_entry],
        )
    return max(days, 0)


def _ranges(first: dt.date, last: dt.date) -> Iterator[tuple[dt.date, dt.date]]:
    while first <= last:
        end = min(first + dt.timedelta(days=RANGE_DAYS - 1), last)
        yield first, end
        first = end + dt.timedelta(days=1)


_FORGET = "DELETE FROM reporting_dayfact WHERE metric = %(metric)s AND day BETWEEN %(first)s AND %(last)s"
# A stock of zero is kept too: it says that the last figure is not the one of the day before.
_KEEP = """
INSERT INTO reporting_dayfact (day, branch_id, currency, key, count, amount, metric)
SELECT m.day, m.branch_id, m.currency, left(m.key, 60), m.count, m.amount, %(metric)s
  FROM ({sql}) AS m (day, branch_id, currency, key, count, amount)
"""


def _make(cursor: Any, metric: Metric, first: dt.date, last: dt.date) -> None:
    span = {"first": first, "last": last, "metric": metric.code}
    cursor.execute(_FORGET, span)
    cursor.execute(_KEEP.format(sql=metric.sql), span)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a metric. `interval` is day, week, month, quarter or year; `group` is key, branch or empty."""

    metric: str
    since: dt.date
    until: dt.date
    interval: str
    group: str = ""
    currency: str = ""
    branch_ids: tuple[UUID, ...] | None = None
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """Values by series and interval: {series: {interval's first day: (count, amount)}}, and up to when they hold."""

    values: Mapping[str, Mapping[dt.date, tuple[int, int]]]
    kept_to: dt.date | None
    is_live: bool


# A stock of an interval is that of its last date; a flow is the sum over its dates.
_READ = """
WITH days AS (
    SELECT f.day, f.branch_id, f.currency, f.key, f.count, f.amount FROM reporting_dayfact f
     WHERE f.metric = %(metric)s AND f.day BETWEEN %(since)s AND %(until)s AND f.day <= %(kept_to)s
    UNION ALL
    {live}
), wanted AS (
    SELECT date_trunc(%(interval)s, day)::date AS start, {group} AS series, day, count, amount FROM days
     WHERE (%(branches)s::uuid[] IS NULL OR branch_id = ANY (%(branches)s::uuid[]))
       AND (%(currency)s = '' OR currency = %(currency)s)
       AND (%(keys)s::text[] IS NULL OR key = ANY (%(keys)s::text[]))
), ends AS (SELECT date_trunc(%(interval)s, day)::date AS start, max(day) AS day FROM days GROUP BY 1)
SELECT w.start, w.series, sum(w.count)::bigint, sum(w.amount)::numeric
  FROM wanted w JOIN ends e ON e.start = w.start AND {moment} GROUP BY 1, 2
"""

_NOTHING = "SELECT NULL::date, NULL::uuid, NULL::text, NULL::text, NULL::bigint, NULL::numeric WHERE FALSE"
_GROUPS = {"": "''", "key": "key", "branch": "branch_id::text"}
FIRST_DAY = dt.date(1, 1, 1)


def facts_read(question: Question) -> Answer:
    """The answer, from the cache, the kept facts and, for dates after them, the books."""
    state = facts_state()
    today = business_date_current()
    until = min(question.until, today)
    is_live = until > (state.kept_to or FIRST_DAY)
    name = _cache_name(question, state)
    found = cache.get(name)
    if found is not None:
        stats.hits += 1
        return Answer(found, state.kept_to, is_live)
    stats.misses += 1
    values = _read(question, state, until, is_live)
    cache.set(name, values, TTL_OPEN_SECONDS if is_live else TTL_SECONDS)
    return Answer(values, state.kept_to, is_live)


def _read(question: Question, state: State, until: dt.date, is_live: bool) -> dict[str, dict[dt.date, tuple[int, int]]]:
    metric = METRICS[question.metric]
    first = max(question.since, (state.kept_to or FIRST_DAY) + dt.timedelta(days=1))
    live = f"SELECT * FROM ({metric.sql}) AS live" if is_live else _NOTHING  # noqa: S608 (all of it is ours)
    query = _READ.format(
        live=live, group=_GROUPS[question.group], moment="w.day = e.day" if metric.kind == STOCK else "TRUE"
    )
    parameters: dict[str, Any] = {
        "metric": question.metric, "since": question.since, "until": until, "kept_to": state.kept_to or FIRST_DAY,
        "first": first, "last": until, "interval": question.interval, "currency": question.currency,
        "branches": list(question.branch_ids) if question.branch_ids is not None else None,
        "keys": list(question.keys) or None,
    }  # fmt: skip
    values: dict[str, dict[dt.date, tuple[int, int]]] = {}
    with reading() as cursor:
        cursor.execute(query, parameters)
        for start, series, count, amount in cursor.fetchall():
            values.setdefault(series, {})[start] = (int(count), int(amount))
    return values


def _cache_name(question: Question, state: State) -> str:
    """A name that changes with the question, the generation of the facts and, by the reach of branches, the asker."""
    parts: Sequence[Any] = [str(getattr(question, field)) for field in question.__dataclass_fields__] + [
        str(state.generation)
    ]
    return "analytics:" + hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def intervals(since: dt.date, until: dt.date, interval: str) -> list[dt.date]:
    """The first days of all intervals from `since` to `until`, as PostgreSQL truncates them."""
    day, found = interval_start(since, interval), []
    while day <= until:
        found.append(day)
        day = interval_next(day, interval)
    return found


def interval_start(day: dt.date, interval: str) -> dt.date:
    """The first day of the interval that a day is in; weeks begin on Monday."""
    match interval:
        case "week":
            return day - dt.timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case "year":
            return day.replace(month=1, day=1)
    return day


def interval_next(start: dt.date, interval: str) -> dt.date:
    """The first day of the interval after the one that begins on `start`."""
    steps = {"day": 1, "week": 7}
    if interval in steps:
        return start + dt.timedelta(days=steps[interval])
    months = {"month": 1, "quarter": 3, "year": 12}[interval]
    index = start.year * 12 + start.month - 1 + months
    return dt.date(index // 12, index % 12 + 1, 1)
