"""The counter as a bookkeeping book: what stands in the journal, debits first."""

from __future__ import annotations

import pytest

from apps.core import clock
from apps.core.money import Money
from apps.ledger.models import JournalEntry, JournalLine
from apps.payments.services import (
    Asked,
    Drawn,
    cheque_clear,
    cheque_deposit,
    cheque_return,
    session_confirm,
    session_count,
)
from tests.factories.accounts import AccountFactory
from tests.factories.books import gl_account_ready
from tests.payments.tills import Counter

Line = tuple[str, str, str]


@pytest.fixture
def counter(db: None) -> Counter:
    for code in ("1220", "1260", "4250"):
        gl_account_ready(code)
    return Counter()


def lines(transaction_id: object) -> list[Line]:
    """(chart code, side, amount) of an entry, debits first."""
    entry = JournalEntry.objects.get(transaction_id=transaction_id)
    found = JournalLine.objects.filter(journal=entry).select_related("account__gl_account")
    rows = [(line.account.gl_account.code, line.side, Money(line.amount, line.currency).amount) for line in found]
    return sorted(rows, key=lambda row: (row[1] != "D", row[0]))


def test_cash_taken_paid_and_missing_at_the_count(counter: Counter) -> None:
    counter.open()
    taken = counter.cash("deposits", "900.00").json()
    assert lines(taken["id"]) == [("1120", "D", "900.00"), ("2110", "C", "900.00")]
    paid = counter.cash("withdrawals", "100.00").json()
    assert lines(paid["id"]) == [("2110", "D", "100.00"), ("1120", "C", "100.00")]
    brought = counter.decide(counter.vault("to_vault", "500.00")).json()
    assert lines(brought["id"]) == [("1110", "D", "500.00"), ("1120", "C", "500.00")]
    teller, boss, at = counter.teller.user, counter.supervisor.user, clock.now()
    assert teller is not None
    assert boss is not None
    session = session_count(
        acting_user=teller, session_id=counter.session["id"], expected_version=1, count={"20000": 1}, note="", at=at
    )
    session = session_confirm(
        acting_user=boss, session_id=session.pk, expected_version=session.version, accept=True, note="Short", at=at
    )
    assert lines(session.difference_id) == [("5720", "D", "100.00"), ("1120", "C", "100.00")]


def test_a_cheque_that_clears_and_one_that_comes_back(counter: Counter) -> None:
    account, user, at = AccountFactory(balance="2000.00", branch=counter.branch), counter.teller.user, clock.now()
    assert user is not None
    cheques = []
    for number in ("1", "2"):
        asked = Asked(user=user, key=f"{account.number} {number}", fingerprint=b"\0" * 32)
        drawn = Drawn("KCBLKENX", "1100220033", number)
        cheque, _ = cheque_deposit(asked=asked, account=account.number, amount=Money(700_00, "KES"), drawn=drawn, at=at)
        assert lines(cheque.transaction_id) == [("1260", "D", "700.00"), ("2110", "C", "700.00")]
        cheques.append(cheque)
    good, bad = cheques
    assert cheque_clear(acting_user=user, cheque_id=good.pk, at=at)
    good.refresh_from_db()
    assert lines(good.settlement_id) == [("1220", "D", "700.00"), ("1260", "C", "700.00")]
    bad = cheque_return(acting_user=user, cheque_id=bad.pk, expected_version=1, reason="No funds", at=at)
    assert lines(bad.settlement_id) == [("2110", "D", "700.00"), ("1260", "C", "700.00")]
    assert lines(bad.fee_id) == [("2110", "D", "1000.00"), ("4250", "C", "1000.00")]
