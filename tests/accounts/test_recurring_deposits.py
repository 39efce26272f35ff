"""Recurring deposits: instalments at the close, in time, late or missed; interest on each from its day; to the cent."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from apps.accounts import services
from apps.accounts.models import Account, FeeCharge, TermDeposit, TermInstalment
from apps.balances.selectors import balance_read
from tests.factories.accounts import AccountFactory, ProductFactory, cash_move
from tests.factories.books import gl_account_ready
from tests.factories.interest import day_close, fee_make, terms_make
from tests.factories.members import MemberFactory

pytestmark = pytest.mark.django_db
FIRST = dt.date(2026, 1, 1)


def opened(money: str, *, instruction: str = "payout", months: int = 3) -> tuple[Account, Account, TermDeposit]:
    """3,650.00 a month at 3.65 %: each instalment earns 0.365 a day; a missed one costs 2 %, at most 60.00."""
    gl_account_ready("2150")
    product = ProductFactory(kind="recurring", gl_account="2150")
    terms_make(product, "0.0365", posting="at_end", grace_days=3, early_rate=Decimal("0.0073"), tax_rate=Decimal("0.1"))
    fee_make(product, "missed", percent=Decimal("0.02"), fee_max=60_00)
    member = MemberFactory()
    source = AccountFactory(member=member, opened_on=FIRST)
    account = AccountFactory(member=member, product=product, opened_on=FIRST)
    cash_move(source, money, business_date=FIRST)
    term = services.term_deposit_place(
        acting_user=None, account_id=account.pk, source_id=source.pk, amount=3_650_00, months=months,
        instruction=instruction, frequency="monthly", today=FIRST,
    )  # fmt: skip
    return account, source, term


def booked(*accounts: Account) -> list[int]:
    return [balance_read(account_id=account.ledger_account_id).booked for account in accounts]


def states(term: TermDeposit) -> list[str]:
    return list(TermInstalment.objects.filter(term=term).order_by("number").values_list("status", flat=True))


def closed(*days: str) -> None:
    for day in days:
        day_close(dt.date.fromisoformat(f"2026-{day}"))


@pytest.mark.parametrize(
    ("instruction", "left", "status"),
    [("payout", 0, "matured"), ("renew_principal", 10_950_00, "renewed")],
)
def test_all_instalments_in_time(instruction: str, left: int, status: str) -> None:
    """90, 59 and 29 days (it came two days late) at 0.365 are 64.97; a tenth of it, half up, is the tax."""
    account, source, term = opened("7300.00", instruction=instruction)
    assert booked(account, source) == [3_650_00, 3_650_00]
    closed("01-01", "02-01")
    assert booked(account, source) == [7_300_00, 0]
    closed("03-01", "03-02")
    assert states(term) == ["paid", "paid", "due"]
    cash_move(source, "3650.00", business_date=dt.date(2026, 3, 3))
    for _ in range(2):
        facts = day_close(dt.date(2026, 3, 3))
        assert (facts["corrections"], booked(account, source)) == (0, [10_950_00, 0])
    closed("03-31")
    term.refresh_from_db()
    assert booked(account, source) == [left, 10_950_00 + 64_97 - 6_50 - left]
    assert term.status == status
    assert [one.status for one in TermDeposit.objects.exclude(pk=term.pk)] == (
        ["active"] if status == "renewed" else []
    )


def test_missed_instalments_cost_their_fee_once_and_may_be_paid_late(api_with: Any) -> None:
    account, source, term = opened("3650.00")
    closed("02-01", "02-03")
    assert states(term) == ["paid", "due", "due"]
    closed("02-04", "02-05")
    assert states(term) == ["paid", "missed", "due"]
    charge = FeeCharge.objects.get(account=account)
    assert (charge.amount, charge.status) == (60_00, "charged")
    assert booked(account) == [3_590_00]
    api = api_with("accounts.view", "accounts.update")
    url = f"term-deposits/{term.pk}/instalments"
    assert api.post(url, headers={"If-Match": '"1"'}).json()["code"] == "insufficient-funds"
    cash_move(source, "3650.00")
    paid = api.post(url, headers={"If-Match": '"1"'})
    assert (paid.status_code, paid.json()["number"]) == (200, 2)
    shown = api.get(url, {"status": "paid"}).json()["data"]
    assert [row["number"] for row in shown] == [1, 2]
    assert api.get(f"term-deposits/{term.pk}").json()["principal"]["amount"] == "7300.00"


def test_broken_early_each_instalment_earns_the_early_rate_from_its_day() -> None:
    """40 and 9 days at 0.073 a day are 3.577; 3.58 paid, 0.36 of it tax. The preview says so and changes nothing."""
    account, source, term = opened("7300.00", months=12)
    closed("02-01", "02-09")
    term.refresh_from_db()
    asked = {"term_id": term.pk, "expected_version": term.version, "today": dt.date(2026, 2, 10)}
    before = booked(account, source), states(term)
    shown = services.term_deposit_break_preview(**asked)
    assert (shown.interest, shown.tax, shown.fees, shown.paid_out) == (3_58, 36, 0, 7_303_22)
    assert (booked(account, source), states(term)) == before
    services.term_deposit_break(acting_user=None, **asked)
    assert booked(account, source) == [0, 7_303_22]
    assert states(term) == ["paid", "paid"] + ["dropped"] * 10
    assert day_close(dt.date(2026, 2, 10))["collected"] == 0


def test_terms_of_frozen_accounts_wait() -> None:
    account, source, term = opened("3650.00")
    services.account_status_set(
        acting_user=None, account_id=account.pk, expected_version=2, status="frozen", reason="Court order"
    )
    closed("03-30", "04-01")
    term.refresh_from_db()
    assert (term.status, booked(account, source)) == ("active", [3_650_00, 0])
    assert (states(term), FeeCharge.objects.count()) == (["paid", "due", "due"], 0), "who is frozen misses nothing"
    account.refresh_from_db()
    services.account_status_set(
        acting_user=None, account_id=account.pk, expected_version=account.version, status="active", reason="Lifted"
    )
    account.refresh_from_db()
    assert account.status == "debit_blocked"
    day_close(dt.date(2026, 4, 2))
    term.refresh_from_db()
    assert term.status == "matured"
