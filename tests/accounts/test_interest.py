"""Interest by the day: what SQL accrues is what the calculation engine says, and the books follow to the cent."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Sum
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from apps.accounts import services
from apps.accounts.errors import AccountNotSettled
from apps.accounts.interest_terms import engine_terms
from apps.accounts.models import Account, Accrual, DayBalance, InterestPosting, InterestTotal
from apps.balances.selectors import balance_read
from apps.balances.services import internal_account_id
from apps.calculations.interest import Account as EngineAccount
from apps.calculations.interest import Movement, interest_calculate
from apps.core import clock
from tests.factories.accounts import AccountFactory, ProductFactory, cash_move
from tests.factories.interest import closes_forget, day_close, terms_make

pytestmark = pytest.mark.django_db
FIRST = dt.date(2026, 1, 1)


def day(number: int) -> dt.date:
    """The days from 1 January 2026, beginning with 0."""
    return FIRST + dt.timedelta(days=number)


def account_make(product: Any, **options: Any) -> Account:
    return AccountFactory(product=product, opened_on=FIRST, **options)


def earned(account: Account) -> Decimal:
    found = Accrual.objects.filter(account_id=account.ledger_account_id).aggregate(e=Sum("earned"), o=Sum("owed"))
    return (found["e"] or Decimal(0)) - (found["o"] or Decimal(0))


def booked_id(ledger_id: int) -> int:
    return balance_read(account_id=ledger_id).booked


def booked(account: Account) -> int:
    return booked_id(account.ledger_account_id)


TERMS: list[dict[str, Any]] = [
    {"day_count": "ACT/365F"},
    {"day_count": "ACT/360", "compounding": "daily", "remainder": "drop"},
    {"rates": [[0, "0.01"], [1_000_00, "0.025"], [5_000_00, "0.0375"]], "tiering": "banded"},
    {"rates": [[0, "0"], [1_000_00, "0.025"]], "interest_minimum": 500_00, "overdraft_rates": [[0, "0.18"]]},
    {"balance_method": "minimum", "rates": [[0, "0.01"], [1_000_00, "0.03"]]},
    {"balance_method": "average", "day_count": "ACT/ACT ISDA", "posting": "quarterly"},
    {"posting": "weekly", "posting_rounding": "down", "posting_unit": 5, "tax_rate": Decimal("0.15")},
]


@pytest.mark.parametrize("number", range(len(TERMS)))
@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_what_is_accrued_is_what_the_engine_says(db: None, number: int, data: st.DataObject) -> None:
    """Movements on their day, or all of them after the month was paid and back-dated; closed in leaps or by the day."""
    closes_forget()
    product = ProductFactory(overdraft_limit_max=10_000_00)
    options = dict(TERMS[number])
    terms = terms_make(product, rates=options.pop("rates", [[0, "0.0365"]]), **options)
    account = account_make(product, overdraft_limit=10_000_00)
    late = data.draw(st.booleans())
    numbers = sorted(data.draw(st.lists(st.integers(0, 34), min_size=1, max_size=4)))
    moves = [Movement(day(n), data.draw(st.integers(-200_000, 400_000).filter(bool))) for n in numbers]
    todo = list(moves)
    for at in data.draw(st.sampled_from([(34, 36), (5, 30, 33, 36), (0, 29, 30, 31, 36)])):
        while todo and todo[0].date <= day(at) and (not late or at >= 34):
            move = todo.pop(0)
            cash_move(account, f"{move.minor / 100:.2f}", value_date=move.date)
        day_close(day(at))
    assert not todo
    paid = InterestPosting.objects.filter(account=account, status="posted").order_by("until")
    posted = [Movement(row.until, row.credit - row.debit - row.tax) for row in paid]
    movements = tuple(sorted([*moves, *posted], key=lambda one: one.date))
    engine = interest_calculate(
        replace(engine_terms(terms), capitalise=False), EngineAccount(FIRST, day(37), 0, movements)
    )
    # The engine rounds each day of a period on its own; the accruals of a period are rounded as one.
    leeway = 0 if terms.balance_method == "daily" else Decimal("0.00005")
    assert abs(earned(account) - engine.interest) <= leeway
    assert booked(account) == sum(one.minor for one in movements)
    books_follow(account)
    before = earned(account), booked(account), Accrual.objects.count()
    day_close(day(36))
    assert (earned(account), booked(account), Accrual.objects.count()) == before


def books_follow(account: Account) -> None:
    """The general ledger owes what accrued and is not paid, to the cent; the balances by day are those of the lines."""
    totals = {row.side: row for row in InterestTotal.objects.filter(product=account.product)}
    paid = InterestPosting.objects.filter(account=account, status="posted").aggregate(c=Sum("credit"), d=Sum("debit"))
    for side, minus, code in (("earned", "c", "2210"), ("owed", "d", "1445")):
        if side not in totals:
            continue
        assert totals[side].booked == round(totals[side].exact)
        sign = 1 if side == "earned" else -1
        inner = internal_account_id(
            gl_code=code, branch_id=account.branch_id, branch_code=account.branch.code, currency="KES"
        )
        assert sign * booked_id(inner) == totals[side].booked - (paid[minus] or 0)
    newest = DayBalance.objects.filter(account_id=account.ledger_account_id).order_by("-day").first()
    assert newest is not None
    assert newest.valued == booked(account)


def test_an_account_is_closed_with_all_its_interest_or_told_to_wait(db: None) -> None:
    """36.5 % a year of 1,000.00: 1.00 a day, also of days that no close has seen; a late value date waits."""
    product = ProductFactory()
    terms_make(product, "0.365")
    paid, late, other = account_make(product), account_make(product), AccountFactory(opened_on=FIRST)
    for account in (paid, late):
        cash_move(account, "1000.00", business_date=FIRST)
    day_close(day(8))
    cash_move(late, "1000.00", business_date=day(10), value_date=FIRST)

    def close(account: Account, number: int) -> None:
        account.refresh_from_db()
        services.account_close(
            acting_user=None, account_id=account.pk, expected_version=account.version, reason="Asked for",
            closed_on=day(number), at=clock.now(), payout_to=other.pk,
        )  # fmt: skip

    close(paid, 10)
    assert booked(other) == 1_010_00
    with pytest.raises(AccountNotSettled):
        close(late, 10)
    day_close(day(10))
    close(late, 11)
    assert booked(other) == 1_010_00 + 2_022_00
    day_close(day(11))
    totals = InterestTotal.objects.filter(product=product)
    assert sum(total.booked for total in totals) == 32_00, "what was paid"
