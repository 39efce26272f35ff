"""What the posting function decides, and that it decides it for ever."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.db import connection

from apps.balances.errors import refusal_of
from apps.balances.models import TransactionKey
from apps.balances.services import in_database, postings_post
from apps.core.errors import DomainError
from apps.ledger.errors import BusinessDateInFuture, PeriodClosed
from apps.ledger.models import AccountingPeriod, JournalEntry, JournalLine
from apps.ledger.selectors import business_date_current
from tests.factories.postings import Books, balance_of, refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def books() -> Books:
    return Books()


def test_a_transfer_writes_entry_lines_balances_and_key(books: Books) -> None:
    alice, bob = books.customer(1_000), books.customer()
    outcome = books.move(alice, bob, 250, description="Rent")
    assert (outcome.code, outcome.replayed) == ("OK", False)
    entry = JournalEntry.objects.get(pk=outcome.journal_id)
    assert (entry.kind, entry.line_count, entry.description) == ("transfer", 2, "Rent")
    assert entry.business_date == entry.value_date == business_date_current()
    lines = [
        (line.account_id, line.side, line.amount, line.balance_before, line.balance_after) for line in entry.lines.all()
    ]
    assert lines == [(alice, "D", 250, 1_000, 750), (bob, "C", 250, 0, 250)]
    assert (balance_of(alice).balance, balance_of(alice).version) == (750, 2)
    assert TransactionKey.objects.get(pk=entry.transaction_id).journal_id == entry.pk


@pytest.mark.parametrize(
    ("status", "direction", "code"),
    [
        ("F", "out", "FROZEN"), ("F", "in", "FROZEN"), ("D", "out", "FROZEN"), ("D", "in", "OK"),
        ("C", "in", "FROZEN"), ("C", "out", "OK"),
    ],
)  # fmt: skip
def test_a_blocked_account_refuses_its_direction(books: Books, status: str, direction: str, code: str) -> None:
    blocked, other = books.customer(500, status=status), books.customer(500)
    source, destination = (blocked, other) if direction == "out" else (other, blocked)
    assert books.move(source, destination, 100).code == code


def test_more_than_available_is_refused_and_recorded_without_lines(books: Books) -> None:
    alice, bob = books.customer(100), books.customer()
    outcome = books.move(alice, bob, 101)
    assert outcome.code == "NSF"
    assert not JournalLine.objects.filter(journal_id=outcome.journal_id).exists()
    assert JournalEntry.objects.get(pk=outcome.journal_id).line_count == 0
    assert (balance_of(alice).balance, balance_of(alice).version) == (100, 1)


def test_overdraft_limit_is_never_exceeded(books: Books) -> None:
    alice, bob = books.customer(100, limit=50), books.customer()
    assert books.move(alice, bob, 151).code == "NSF"
    assert books.move(alice, bob, 150).code == "OK"
    assert books.move(alice, bob, 1).code == "NSF"


def test_held_money_is_not_available(books: Books) -> None:
    alice, bob = books.customer(100), books.customer()
    with in_database([alice], actor_id=None) as book:
        book.change(alice, held_delta=40)
    assert books.move(alice, bob, 61).code == "NSF"
    assert books.move(alice, bob, 60).code == "OK"


def test_a_closed_account_takes_nothing(books: Books) -> None:
    closed = books.customer(status="X")
    assert books.move(books.cash(), closed, 1).code == "CLOSED"


def test_another_currency_is_refused(books: Books) -> None:
    alice, dollars = books.customer(100), books.customer(currency="USD")
    assert books.move(alice, dollars, 10).code == "CCY"


def test_amounts_and_balances_beyond_what_is_exact_are_refused(books: Books) -> None:
    rich = books.customer()
    assert books.move(books.cash(), rich, 10**13).code == "OK"
    assert books.move(books.cash(), rich, 10**13 + 1).code == "LIMIT"


def test_the_bank_itself_may_go_below_zero(books: Books) -> None:
    assert books.move(books.cash(), books.internal("1110"), 10**9).code == "OK"


def test_a_repeat_gets_the_first_outcome_also_of_a_refusal(books: Books) -> None:
    alice, bob = books.customer(100), books.customer()
    for amount, code in ((60, "OK"), (60, "NSF")):
        posting = books.posting((alice, -amount), (bob, amount), key=f"key-{code}")
        (first,) = books.post(posting)
        books.move(books.cash(), alice, 1_000)
        (second,) = books.post(posting)
        assert (first.code, first.replayed) == (code, False)
        assert (second.code, second.journal_id, second.replayed) == (code, first.journal_id, True)
        books.move(alice, books.cash(), 1_000)


def test_a_key_for_another_request_is_refused(books: Books) -> None:
    alice, bob = books.customer(100), books.customer()
    assert books.post(books.posting((alice, -1), (bob, 1), key="k"))[0].code == "OK"
    (reused,) = books.post(books.posting((alice, -2), (bob, 2), key="k"))
    assert (reused.code, reused.journal_id) == ("REUSED", None)
    assert balance_of(alice).balance == 99


def test_items_of_a_batch_see_those_before_them(books: Books) -> None:
    alice, bob = books.customer(100), books.customer()
    outcomes = books.post(
        books.posting((alice, -80), (bob, 80)),
        books.posting((alice, -80), (bob, 80)),
        books.posting((bob, -50), (alice, 50)),
        books.posting((alice, -70), (bob, 70)),
    )
    assert [outcome.code for outcome in outcomes] == ["OK", "NSF", "OK", "OK"]
    assert (balance_of(alice).balance, balance_of(bob).balance) == (0, 100)
    assert [outcome.journal_id for outcome in outcomes] == sorted(outcome.journal_id or 0 for outcome in outcomes)


def test_an_atomic_batch_is_all_or_nothing(books: Books) -> None:
    alice, bob = books.customer(100), books.customer()
    postings = [books.posting((alice, -80), (bob, 80)), books.posting((alice, -80), (bob, 80))]
    assert [outcome.code for outcome in books.post(*postings, atomic=True)] == ["BATCH", "NSF"]
    assert (balance_of(alice).balance, balance_of(alice).version, balance_of(bob).balance) == (100, 1, 0)
    again = books.post(*postings, atomic=True)
    assert [(outcome.code, outcome.replayed) for outcome in again] == [("BATCH", True), ("NSF", True)]


def test_a_reused_key_refuses_the_whole_atomic_batch(books: Books) -> None:
    alice, bob = books.customer(100), books.customer()
    books.post(books.posting((alice, -1), (bob, 1), key="k"))
    outcomes = books.post(
        books.posting((alice, -5), (bob, 5)), books.posting((alice, -2), (bob, 2), key="k"), atomic=True
    )
    assert [outcome.code for outcome in outcomes] == ["BATCH", "REUSED"]
    assert balance_of(alice).balance == 99


def test_legs_of_one_posting_may_share_an_account(books: Books) -> None:
    alice, bob, fees = books.customer(100), books.customer(), books.internal("4220")
    (outcome,) = books.post(books.posting((alice, -90), (bob, 90), (alice, -10), (fees, 10)))
    assert outcome.code == "OK"
    lines = JournalLine.objects.filter(journal_id=outcome.journal_id, account_id=alice).order_by("line_no")
    assert [(line.balance_before, line.balance_after, line.account_version) for line in lines] == [
        (100, 10, 2),
        (10, 0, 3),
    ]


def test_a_posting_that_fails_late_leaves_nothing_of_its_first_legs(books: Books) -> None:
    alice, bob, closed = books.customer(100), books.customer(), books.customer(status="X")
    outcomes = books.post(
        books.posting((alice, -90), (bob, 80), (closed, 10)), books.posting((alice, -100), (bob, 100))
    )
    assert [outcome.code for outcome in outcomes] == ["CLOSED", "OK"]
    assert balance_of(alice).version == 2


def test_overdraw_raises_the_limit_exactly(books: Books) -> None:
    alice, bob = books.customer(100, limit=30), books.customer()
    books.post(books.posting((alice, -300), (bob, 300)), overdraw=True)
    assert (balance_of(alice).balance, balance_of(alice).overdraft_limit) == (-200, 200)
    books.post(books.posting((bob, -50), (alice, 50)), overdraw=True)
    assert (balance_of(alice).balance, balance_of(alice).overdraft_limit) == (-150, 200)
    assert balance_of(bob).overdraft_limit == 0


def test_an_entry_is_reversed_once_also_within_one_call(books: Books) -> None:
    alice, bob = books.customer(100), books.customer()
    paid = books.move(alice, bob, 50)
    postings = [books.posting((bob, -50), (alice, 50), reverses=paid.journal_id, kind="reversal") for _ in range(2)]
    assert [outcome.code for outcome in books.post(*postings)] == ["OK", "REVERSED"]
    third = books.posting((bob, -50), (alice, 50), reverses=paid.journal_id, kind="reversal")
    assert books.post(third)[0].code == "REVERSED"
    assert balance_of(alice).balance == 100


def test_history_is_posted_to_its_business_date_and_never_ahead(books: Books) -> None:
    today = business_date_current()
    alice = books.customer(100)
    outcome = books.move(books.cash(), alice, 5, business_date=today - dt.timedelta(days=40))
    assert (
        JournalLine.objects.filter(journal_id=outcome.journal_id, business_date=today - dt.timedelta(days=40)).count()
        == 2
    )
    with pytest.raises(BusinessDateInFuture):
        books.move(books.cash(), alice, 5, business_date=today + dt.timedelta(days=1))


def test_nothing_not_even_a_refusal_is_written_into_a_closed_period(books: Books) -> None:
    day = dt.date(1990, 6, 15)
    AccountingPeriod.objects.create(code=uuid.uuid4().hex[:20], starts_on=day, ends_on=day, status="closed")
    alice, bob = books.customer(100), books.customer()
    for amount in (50, 500):
        with refused(PeriodClosed):
            books.move(alice, bob, amount, business_date=day)
    assert not JournalEntry.objects.filter(business_date=day).exists()


def test_mistakes_of_the_calling_code_raise(books: Books) -> None:
    alice, bob = books.customer(100), books.customer()
    once = books.posting((alice, -1), (bob, 1))
    for postings in (
        [],
        [books.posting((alice, -1), (bob, 2))],
        [books.posting((alice, -1))],
        [books.posting((alice, 0), (bob, 0))],
        [books.posting((alice, -(10**19)), (bob, 10**19))],
        [books.posting((alice, -1, "KES"), (bob, 1, "USD"))],
        [once, once],
        [once, Books(branch=books.branch).posting((alice, -1), (bob, 1))],
    ):
        with pytest.raises(ValueError, match=r"."):
            postings_post(postings, actor_id=None)


def test_every_refused_outcome_is_an_error_with_a_code() -> None:
    for code in [*JournalEntry.Outcome.values, "REUSED"]:
        if code != "OK":
            assert isinstance(refusal_of(code), DomainError)


def test_texts_come_back_as_they_were_written(books: Books) -> None:
    alice = books.customer(100)
    for text in ('a "quoted" \\ back{slash}', "NULL", "", "','", "ünï—cödé 中", "a\nb"):
        outcome = books.move(books.cash(), alice, 1, description=text, reference=text[:60])
        assert JournalEntry.objects.get(pk=outcome.journal_id).description == text


def test_postgresql_keeps_the_plan_of_the_hottest_statement(books: Books) -> None:
    alice, bob = books.customer(1_000), books.customer()
    books.move(alice, bob, 1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        kept = " ".join(row[0] for row in cursor.fetchall())
    assert "balances_post_pair" in kept
