"""Dividends: worked out once from the balances of a closed year, paid once as worked out, whatever refuses or fails."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from apps.accounts import services
from apps.accounts.actions import DIVIDEND
from apps.accounts.errors import DividendInvalid
from apps.accounts.models import Account, Dividend, DividendShare
from apps.accounts.services import _dividends
from apps.approvals.registry import action_get
from apps.balances.selectors import balance_read
from apps.balances.services import internal_account_id
from apps.core.money import Money
from apps.ledger.selectors import business_date_current
from tests.factories.accounts import AccountFactory, ProductFactory, cash_move
from tests.factories.books import gl_account_ready
from tests.factories.interest import day_close, terms_make
from tests.factories.members import MemberFactory

pytestmark = pytest.mark.django_db
YEAR, END = dt.date(2025, 1, 1), dt.date(2025, 12, 31)


def booked(account: Account) -> int:
    return balance_read(account_id=account.ledger_account_id).booked


def shares() -> tuple[Any, list[Account], Account]:
    """10,000.00 all year, 3,650.00 from 1 July on, 1,000.00 that fell to 400.00; and savings of the first owner."""
    for code in ("3110", "3330", "2230"):
        gl_account_ready(code)
    product = ProductFactory(kind="share", gl_account="3110")
    terms_make(product, "", since="2025-01-01")
    old, late, less = (
        AccountFactory(product=product, member=MemberFactory(), opened_on=day)
        for day in (YEAR, dt.date(2025, 7, 1), YEAR)
    )
    cash_move(old, "10000.00", value_date=YEAR, business_date=YEAR)
    cash_move(late, "3650.00", value_date=dt.date(2025, 7, 1), business_date=dt.date(2025, 7, 1))
    cash_move(less, "1000.00", value_date=YEAR, business_date=YEAR)
    cash_move(less, "-600.00", value_date=dt.date(2025, 12, 22), business_date=dt.date(2025, 12, 22))
    savings = AccountFactory(member=old.member, opened_on=YEAR)
    day_close(END)
    return product, [old, late, less], savings


def drawn(product: Any, **values: Any) -> Dividend:
    values = {"rate": Decimal("0.08"), "tax_rate": Decimal("0.05"), "basis": "average", "pay_to": "shares", **values}
    return services.dividend_draw(
        acting_user=None, product_id=product.pk, starts_on=YEAR, ends_on=END, today=dt.date(2026, 1, 2), **values
    )


def test_bases_rates_and_taxes_to_the_cent() -> None:
    """184 of 365 days of 3,650.00 are 1,840.00 on average; ten days of 400.00 make 1,000.00 into 983.56."""
    product, accounts, _ = shares()
    for basis, bases in (
        ("average", [10_000_00, 1_840_00, 983_56]),
        ("minimum", [10_000_00, 0, 400_00]),
        ("closing", [10_000_00, 3_650_00, 400_00]),
    ):
        dividend = drawn(product, basis=basis)
        rows = {row.account_id: row for row in dividend.shares.all()}
        got = [rows[one.pk].base if one.pk in rows else 0 for one in accounts]
        assert got == bases
        for row in rows.values():
            assert row.gross == round(row.base * Decimal("0.08"))
            assert row.tax == int(row.gross * Decimal("0.05") + Decimal("0.5"))
        assert dividend.gross == sum(row.gross for row in rows.values())
        services.dividend_withdraw(acting_user=None, dividend_id=dividend.pk, expected_version=1)
    with pytest.raises(DividendInvalid, match="not closed"):
        services.dividend_draw(
            acting_user=None, product_id=product.pk, starts_on=dt.date(2026, 1, 1), ends_on=dt.date(2026, 1, 1),
            rate=Decimal("0.08"), tax_rate=Decimal(0), basis="closing", pay_to="shares", today=dt.date(2026, 3, 1),
        )  # fmt: skip


def test_paid_once_as_drawn_up_also_after_a_crash(api_with: Any, monkeypatch: Any) -> None:
    product, (old, late, less), savings = shares()
    api = api_with("products.manage", "products.view", "ledger.view", "accounts.view")
    body = {"product_id": str(product.pk), "starts_on": "2025-01-01", "ends_on": "2025-12-31", "rate": "0.08",
            "tax_rate": "0.05", "basis": "closing", "pay_to": "deposits"}  # fmt: skip
    made = api.post("dividends", body)
    assert (made.status_code, made.json()["gross"]["amount"]) == (201, "1124.00"), made.content
    assert api.post("dividends", body).json()["code"] == "dividend-taken"
    url = f"dividends/{made.json()['id']}"
    asked = action_get(DIVIDEND).preview(api.user, {"dividend_id": made.json()["id"], "version": 1})
    assert asked.amount == Money(1_124_00, "KES")
    cash_move(old, "5000.00")  # later movements change nothing
    services.account_status_set(
        acting_user=None, account_id=less.pk, expected_version=1, status="frozen", reason="Court order"
    )
    paid = api.post(f"{url}/payment", headers={"If-Match": '"1"'})
    assert (paid.status_code, paid.json()["status"]) == (200, "paying"), paid.content
    run = {"dividend_id": made.json()["id"], "business_date": business_date_current()}
    monkeypatch.setattr(_dividends, "CHUNK", 2)

    def dies(*args: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as crash:
        crash.setattr(type(DividendShare.objects), "bulk_update", dies)
        with pytest.raises(KeyboardInterrupt):
            services.dividend_shares_pay(**run)
    for _ in range(2):
        assert services.dividend_shares_pay(**run) == {"paid": 2, "refused": 1}
    # 8 % of 10,000, 3,650 and 400, less a twentieth: to savings, to the shares where there are none, kept when frozen
    assert (booked(savings), booked(late), booked(less)) == (760_00, 3_650_00 + 277_40, 400_00)
    unclaimed = internal_account_id(
        gl_code="2230", branch_id=less.branch_id, branch_code=less.branch.code, currency="KES"
    )
    assert balance_read(account_id=unclaimed).booked == 30_40
    assert api.get(url).json()["status"] == "paid"
    listed = api.get(f"{url}/shares").json()["data"]
    assert sorted((row["gross"]["amount"], row["status"]) for row in listed) == [
        ("292.00", "paid"), ("32.00", "refused"), ("800.00", "paid"),
    ]  # fmt: skip
    assert api.delete(url, headers={"If-Match": '"3"'}).json()["code"] == "dividend-decided"
