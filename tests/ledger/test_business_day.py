"""The business day rolls with the calendar of the head office, forward only; tasks run what they name."""

from __future__ import annotations

import datetime as dt

import pytest

from apps.balances.models import Hold
from apps.balances.tasks import hold_expire_due
from apps.core import clock
from apps.core.errors import NotFound
from apps.ledger.errors import BusinessDateBackwards, CurrencyNotKept, GLAccountNotFound, GLAccountNotPostable
from apps.ledger.models import BusinessDate, Currency, JournalSeal
from apps.ledger.selectors import business_date_current
from apps.ledger.services import business_date_advance, business_date_roll, ledger_account_create, period_close
from apps.ledger.tasks import business_date_roll as roll_task
from apps.ledger.tasks import journal_seal
from config.celery import app
from tests.balances.test_holds import place
from tests.factories.books import gl_account_ready
from tests.factories.postings import Books

pytestmark = pytest.mark.django_db

NAIROBI = "Africa/Nairobi"  # three hours ahead of UTC, without summer time


def test_the_day_begins_at_midnight_of_the_head_office() -> None:
    BusinessDate.objects.filter(pk=1).update(current=dt.date(2020, 1, 1))
    before = dt.datetime(2020, 1, 1, 20, 59, 59, tzinfo=dt.UTC)
    assert business_date_roll(at=before, time_zone=NAIROBI) == dt.date(2020, 1, 1)
    assert business_date_roll(at=before + dt.timedelta(seconds=1), time_zone=NAIROBI) == dt.date(2020, 1, 2)


def test_days_that_nobody_rolled_are_skipped_and_none_comes_back() -> None:
    BusinessDate.objects.filter(pk=1).update(current=dt.date(2020, 2, 28))
    at = dt.datetime(2020, 3, 2, 12, tzinfo=dt.UTC)
    assert business_date_roll(at=at, time_zone=NAIROBI) == dt.date(2020, 3, 2)
    assert business_date_roll(at=at - dt.timedelta(days=5), time_zone=NAIROBI) == dt.date(2020, 3, 2)
    with pytest.raises(BusinessDateBackwards):
        business_date_advance(acting_user=None, to=dt.date(2020, 3, 1), at=at)
    assert business_date_advance(acting_user=None, to=dt.date(2020, 3, 2), at=at) == dt.date(2020, 3, 2)


def test_a_day_ahead_of_the_calendar_stays() -> None:
    ahead = clock.now().date() + dt.timedelta(days=30)
    BusinessDate.objects.filter(pk=1).update(current=ahead)
    roll_task()
    assert business_date_current() == ahead


def test_what_the_schedule_runs_exists_and_works() -> None:
    books = Books()
    alice = books.customer(100)
    hold, _ = place(books, alice, 10, expires_at=clock.now() - dt.timedelta(seconds=1))
    outcome = books.move(alice, books.cash(), 1)
    journal_seal()
    hold_expire_due()
    roll_task()
    assert JournalSeal.objects.filter(pk=outcome.journal_id).exists()
    assert Hold.objects.get(pk=hold.pk).status == "expired"
    app.loader.import_default_modules()
    entries = app.conf.beat_schedule.values()
    assert {entry["task"] for entry in entries} <= set(app.tasks)
    seconds = {entry["task"]: entry["schedule"] for entry in entries}
    assert seconds["ledger.journal_seal"] == 5
    assert seconds["ledger.business_date_roll"] == seconds["balances.hold_expire_due"] == 60


def test_accounts_hang_where_the_chart_allows_and_in_currencies_that_are_kept() -> None:
    books = Books()
    for code in ("1000", "2110", "1110"):
        gl_account_ready(code)

    def create(code: str, kind: str, currency: str = "KES") -> object:
        return ledger_account_create(
            gl_code=code, branch_id=books.branch.pk, currency=currency, kind=kind, number=f"{code}{kind}", name="x"
        )

    for code, kind in (("1000", "internal"), ("1000", "customer"), ("1110", "customer")):
        with pytest.raises(GLAccountNotPostable):
            create(code, kind)
    with pytest.raises(GLAccountNotFound):
        create("nope", "internal")
    for currency in ("XAF", "ZZZ"):
        with pytest.raises(CurrencyNotKept):
            create("1110", "internal", currency)
    Currency.objects.filter(pk="KES").update(is_enabled=False)
    with pytest.raises(CurrencyNotKept):
        create("1110", "internal")
    with pytest.raises(NotFound):
        period_close(acting_user=None, period_id=books.branch.pk, at=clock.now())
