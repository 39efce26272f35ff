"""Fees fall due once a period and are charged, or tried again; accounts that nobody uses rest; closing settles all."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from apps.accounts import services
from apps.accounts.errors import AccountNotSettled, FeeWaived
from apps.accounts.models import Account, FeeCharge
from apps.accounts.services import _fees
from apps.balances.selectors import balance_read
from apps.core import clock
from apps.ledger.selectors import business_date_current
from tests.factories.accounts import AccountFactory, ProductFactory, cash_move
from tests.factories.identity import user_make
from tests.factories.interest import day_close, fee_make, sealed_mark, terms_make

pytestmark = pytest.mark.django_db
FIRST = dt.date(2026, 1, 1)


def on(day: int) -> dt.date:
    return dt.date(2026, 1, day)


def charged(account: Account) -> list[tuple[str, str, int, str]]:
    rows = FeeCharge.objects.filter(account=account).order_by("id").select_related("fee")
    return [(row.fee.kind, row.period.isoformat(), row.amount, row.status) for row in rows]


def booked(account: Account) -> int:
    return balance_read(account_id=account.ledger_account_id).booked


def test_fees_fall_due_once_and_are_tried_again() -> None:
    """Opening 5.00; each withdrawal above two a month 1 %, from 2.00 to 30.00; 50.00 a month; 10 % of what lacked."""
    product = ProductFactory()
    terms_make(product, "", minimum_balance=1_000_00)
    fee_make(product, "opening", amount=5_00)
    fee_make(
        product, "transaction", percent=Decimal("0.01"), fee_min=2_00, fee_max=30_00, free_quota=2, channels=["atm"]
    )
    fee_make(product, "monthly", amount=50_00)
    fee_make(product, "below_minimum", percent=Decimal("0.1"), fee_max=60_00)
    fee_make(product, "monthly", amount=99_00, since="2026-02-01")
    account = AccountFactory(product=product, opened_on=FIRST)
    cash_move(account, "9000.00", business_date=FIRST)
    for amount, day in (("-100.00", 2), ("-100.00", 3), ("-150.00", 5), ("-8000.00", 5)):
        cash_move(account, amount, business_date=on(day), channel="atm")
    cash_move(account, "-400.00", business_date=on(5), channel="branch")
    day_close(on(4))
    assert charged(account) == [("opening", "2026-01-01", 5_00, "charged")]
    day_close(on(5))
    assert charged(account)[1:] == [("transaction", "2026-01-05", 32_00, "charged")]
    assert booked(account) == 250_00 - 37_00
    cash_move(account, "-200.00", business_date=on(30))
    for _ in range(2):  # the second time nothing is left to do
        day_close(on(31))
        assert charged(account)[2:] == [
            ("monthly", "2026-01-01", 50_00, "due"),
            ("below_minimum", "2026-01-01", 60_00, "due"),
        ]
        assert booked(account) == 13_00
    cash_move(account, "100.00", business_date=dt.date(2026, 2, 1))
    day_close(dt.date(2026, 2, 1))
    assert [row[3] for row in charged(account)] == ["charged", "charged", "charged", "charged"] or booked(
        account
    ) == 3_00


def test_an_account_rests_pays_its_fee_and_is_woken() -> None:
    product = ProductFactory()
    terms_make(product, "0.10", dormant_after_days=60, tax_rate=Decimal("0.15"))
    fee_make(product, "dormancy", amount=7_00)
    quiet, busy = (AccountFactory(product=product, opened_on=FIRST) for _ in range(2))
    for account in (quiet, busy):
        cash_move(account, "1000.00", business_date=FIRST)
    day_close(dt.date(2026, 1, 31))
    cash_move(busy, "-1.00", business_date=dt.date(2026, 2, 20))
    day_close(dt.date(2026, 3, 2))
    quiet.refresh_from_db()
    busy.refresh_from_db()
    assert (quiet.status, busy.status) == ("dormant", "active")
    with pytest.raises(AssertionError, match="FROZEN"):
        cash_move(quiet, "-1.00")
    before = booked(quiet)
    facts = day_close(dt.date(2026, 3, 31))
    assert facts["posted"] == 2
    assert facts["refused"] == 0
    assert charged(quiet) == [("dormancy", "2026-03-01", 7_00, "charged")]
    assert booked(quiet) > before - 7_00
    services.account_status_set(
        acting_user=None, account_id=quiet.pk, expected_version=quiet.version, status="active", reason="Came in"
    )
    cash_move(quiet, "-1.00")


def test_a_block_ends_by_itself() -> None:
    account = AccountFactory()
    services.account_status_set(
        acting_user=None,
        account_id=account.pk,
        expected_version=1,
        status="frozen",
        reason="Court order",
        until=dt.date(2026, 1, 5),
    )
    day_close(dt.date(2026, 1, 4))
    account.refresh_from_db()
    assert account.status == "frozen"
    day_close(dt.date(2026, 1, 5))
    account.refresh_from_db()
    assert (account.status, account.status_until) == ("active", None)


def test_closing_pays_interest_charges_fees_and_pays_out(api_with: Any) -> None:
    today = business_date_current()
    opened = today - dt.timedelta(days=10)
    product = ProductFactory()
    terms_make(product, "0.365", since=opened.isoformat(), tax_rate=Decimal("0.1"))
    fee_make(product, "closing", amount=3_00, since=opened.isoformat())
    account = AccountFactory(product=product, opened_on=opened)
    other = AccountFactory(product=product, opened_on=opened)
    cash_move(account, "1000.00", business_date=opened, value_date=opened)
    day_close(today - dt.timedelta(days=1))
    paid = 10_00 if opened.month == (today - dt.timedelta(days=1)).month else None
    api = api_with("accounts.view", "accounts.close")
    version = {"If-Match": '"1"'}
    refused = api.post(f"accounts/{account.pk}/closure", {"reason": "Moves"}, headers=version)
    assert refused.json()["code"] == "balance-not-zero"
    body = {"reason": "Moves", "payout_account_id": str(other.pk)}
    closed = api.post(f"accounts/{account.pk}/closure", body, headers=version)
    assert closed.status_code == 200, closed.content
    assert closed.json()["status"] == "closed"
    assert booked(account) == 0
    if paid is not None:
        assert booked(other) == 1_000_00 + paid - paid // 10 - 3_00
    sealed_mark()
    before = booked(other)
    assert day_close(today)["posted"] >= 0
    assert booked(other) >= before


def close(account: Account) -> str:
    closed = services.account_close(
        acting_user=None, account_id=account.pk, expected_version=1, reason="Moves", closed_on=FIRST, at=clock.now()
    )
    return closed.status


def test_an_empty_account_is_closed_whatever_its_fee_of_closing_and_the_chart() -> None:
    product = ProductFactory()
    services.terms_set(acting_user=None, product_id=product.pk, effective_from=FIRST, today=None)
    assert close(AccountFactory(product=product)) == "closed", "nothing is due that the chart would need a node for"
    terms_make(other := ProductFactory(), "")
    fee_make(other, "closing", amount=3_00)
    account = AccountFactory(product=other)
    assert (close(account), charged(account)) == ("closed", [])


def test_a_fee_that_a_close_has_charged_and_not_noted_is_not_charged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    product = ProductFactory()
    terms_make(product, "")
    fee_make(product, "opening", amount=5_00)
    account = AccountFactory(product=product, opened_on=FIRST)
    cash_move(account, "5.00", business_date=FIRST)
    with monkeypatch.context() as patched:
        patched.setattr(_fees, "fees_mark_charged", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            day_close(FIRST)
    assert (booked(account), charged(account)[0][3]) == (0, "due")
    charge = FeeCharge.objects.get(account=account)
    with pytest.raises(AccountNotSettled, match="charging"):
        close(account)
    with pytest.raises(FeeWaived):
        services.fee_waive(acting_user=user_make(), account_id=account.pk, charge_id=charge.pk, reason="Kind")
    day_close(FIRST)
    assert (booked(account), charged(account)[0][3]) == (0, "charged")
