"""Term deposits: placed, renewed or paid out when due, broken early; to the cent."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from apps.accounts import services
from apps.accounts.errors import AccountNotSettled
from apps.accounts.models import Account, TermDeposit
from apps.accounts.services import _term_deposits as term_services
from apps.balances.selectors import balance_read
from tests.factories.accounts import AccountFactory, ProductFactory, cash_move
from tests.factories.books import gl_account_ready
from tests.factories.interest import day_close, fee_make, terms_make
from tests.factories.members import MemberFactory

pytestmark = pytest.mark.django_db
FIRST = dt.date(2026, 1, 1)


def placed(instruction: str, **terms: Any) -> tuple[Account, Account]:
    """10,000.00 at 3.65 % for one month from 1 January: 1.00 a day, 31.00 when it is due."""
    gl_account_ready("2140")
    product = ProductFactory(kind="fixed_term", gl_account="2140")
    terms_make(product, "0.0365", posting="at_end", **terms)
    member = MemberFactory()
    source = AccountFactory(member=member, opened_on=FIRST)
    account = AccountFactory(member=member, product=product, opened_on=FIRST)
    cash_move(source, "10000.00", business_date=FIRST)
    services.term_deposit_place(
        acting_user=None, account_id=account.pk, source_id=source.pk, amount=10_000_00, months=1,
        instruction=instruction, today=FIRST,
    )  # fmt: skip
    return account, source


def booked(*accounts: Account) -> list[int]:
    return [balance_read(account_id=account.ledger_account_id).booked for account in accounts]


@pytest.mark.parametrize(
    ("instruction", "after", "status"),
    [
        ("payout", [0, 10_026_35], "matured"),
        ("renew_principal", [10_000_00, 26_35], "renewed"),
        ("renew_all", [10_026_35, 0], "renewed"),
    ],
)
def test_a_term_is_paid_out_or_renewed_once(instruction: str, after: list[int], status: str) -> None:
    """31.00 of interest, 15 % of it tax. The rate of the first day holds, whatever comes in between."""
    account, source = placed(instruction, tax_rate=Decimal("0.15"))
    services.terms_set(
        acting_user=None, product_id=account.product_id, effective_from=dt.date(2026, 1, 10), today=None,
        rates=[[0, "0.5"]], posting="at_end",
    )  # fmt: skip
    with pytest.raises(AssertionError, match="FROZEN"):
        cash_move(account, "-1.00")
    day_close(dt.date(2026, 1, 30))
    assert booked(account, source) == [10_000_00, 0]
    for _ in range(2):
        day_close(dt.date(2026, 1, 31))
        assert booked(account, source) == after
    terms = list(TermDeposit.objects.filter(account=account).order_by("starts_on"))
    assert terms[0].status == status
    assert [term.status for term in terms[1:]] == (["active"] if status == "renewed" else [])
    account.refresh_from_db()
    assert account.status == ("debit_blocked" if status == "renewed" else "active")
    assert day_close(dt.date(2026, 2, 1))["corrections"] == 0


def test_a_term_broken_early_earns_the_early_rate() -> None:
    """Ten days at 3.65 % are 10.00; broken, they earn 1.46 %: 4.00."""
    account, source = placed("payout", early_rate=Decimal("0.0146"))
    day_close(dt.date(2026, 1, 10))
    term = TermDeposit.objects.get(account=account)
    with pytest.raises(AccountNotSettled):  # the 11th has not accrued
        services.term_deposit_break(acting_user=None, term_id=term.pk, expected_version=1, today=dt.date(2026, 1, 12))
    services.term_deposit_break(acting_user=None, term_id=term.pk, expected_version=1, today=dt.date(2026, 1, 11))
    assert booked(account, source) == [0, 10_004_00]
    facts = day_close(dt.date(2026, 1, 11))
    assert facts["corrections"] == 0
    assert facts["posted"] == 0


def test_a_term_that_the_books_refuse_to_pay_out_waits_and_one_that_was_broken_meanwhile_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account, source = placed("payout")
    other, theirs = placed("renew_all", early_rate=Decimal("0.0146"))
    source.refresh_from_db()
    blocked = services.account_status_set(
        acting_user=None, account_id=source.pk, expected_version=source.version, status="frozen", reason="Court order"
    )
    ids = term_services.closure_ledger_ids

    def broken_meanwhile(**names: Any) -> list[int]:
        monkeypatch.setattr(term_services, "closure_ledger_ids", ids)
        term = TermDeposit.objects.get(account=other)
        services.term_deposit_break(acting_user=None, term_id=term.pk, expected_version=1, today=dt.date(2026, 1, 31))
        return ids(**names)

    day_close(dt.date(2026, 1, 30))
    monkeypatch.setattr(term_services, "closure_ledger_ids", broken_meanwhile)
    facts = day_close(dt.date(2026, 1, 31))
    assert [facts[name] for name in ("paid_out", "renewed", "waiting")] == [0, 0, 1]
    assert booked(other, theirs) == [0, 10_012_00], "30 days at 1.46 %"
    assert TermDeposit.objects.get(account=other).status == "broken"
    services.account_status_set(
        acting_user=None, account_id=source.pk, expected_version=blocked.version, status="active", reason="Lifted"
    )
    assert day_close(dt.date(2026, 2, 1))["paid_out"] == 1
    assert booked(account, source) == [0, 10_031_00], "interest to the day on which it was due"


@pytest.mark.parametrize(("fee", "left", "status"), [(10_031_00, 0, "matured"), (10_031_01, 10_031_00, "renewed")])
def test_a_block_of_a_term_is_a_freeze_and_fees_however_high_do_not_keep_it(fee: int, left: int, status: str) -> None:
    """A block of credits alone would free the debits; a renewal of nothing would stop the close of the bank."""
    account, source = placed("renew_all")
    account.refresh_from_db()
    for block in ("credit_blocked", "frozen"):
        account = services.account_status_set(
            acting_user=None, account_id=account.pk, expected_version=account.version, status=block, reason="Court"
        )
        assert account.status == "frozen"
        with pytest.raises(AssertionError, match="FROZEN"):
            cash_move(account, "-1.00")
    account = services.account_status_set(
        acting_user=None, account_id=account.pk, expected_version=account.version, status="active", reason="Lifted"
    )
    assert account.status == "debit_blocked"
    fee_make(account.product, "monthly", amount=fee)
    assert day_close(dt.date(2026, 1, 31))["waiting"] == 0
    assert booked(account, source) == [left, 0]
    assert TermDeposit.objects.get(account=account, starts_on=FIRST).status == status


def test_term_deposits_over_http(api_with: Any) -> None:
    account, source = placed("payout")
    api = api_with("accounts.view", "accounts.update")
    shown = api.get("term-deposits", {"account_id": str(account.pk)}).json()["data"]
    assert [row["matures_on"] for row in shown] == ["2026-02-01"]
    url = f"term-deposits/{shown[0]['id']}"
    changed = api.patch(url, {"instruction": "renew_all"}, headers={"If-Match": '"1"'})
    assert (changed.json()["instruction"], changed["ETag"]) == ("renew_all", '"2"')
    body = {
        "account_id": str(source.pk), "source_account_id": str(account.pk), "months": 1, "instruction": "payout",
        "amount": {"amount": "1.00", "currency": "KES"},
    }  # fmt: skip
    assert api.post("term-deposits", body).json()["code"] == "term-deposit-invalid"
    assert api_with("accounts.view", scope="own").get(url).status_code == 404
