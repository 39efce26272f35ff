"""Entries of the close of business for one loan, as a bookkeeper would write them: debit positive, in KES.

12,000.00 at 12 % a year over 12 months by equal parts of principal: 120.00 of interest in the first month, 31 days.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from apps.core import clock
from apps.ledger.selectors import trial_balance
from apps.lending import services
from apps.lending.models import Loan, LoanStanding, ProvisionChange
from apps.lending.provisions import provision_policy_set
from tests.factories.lending import asked, loan_make, product_make
from tests.factories.lending_days import loans_close, today_set

pytestmark = pytest.mark.django_db
START = dt.date(2026, 1, 1)
TERMS = {
    "conventions": {"amortization": "equal_principal"},
    "arrears": {
        "non_accrual_days": 90,
        "on_time": "0.01",
        "buckets": [
            {"name": "1 to 30", "first_day": 1, "last_day": 30, "provision": "0.10"},
            {"name": "31 to 90", "first_day": 31, "last_day": 90, "provision": "0.50"},
            {"name": "over 90", "first_day": 91, "provision": "1"},
        ],
    },
}


def borrowed(**terms: object) -> Loan:
    today_set(START)
    return loan_make(product=product_make(**(TERMS | terms)), principal=1_200_000, start=START)


def book(loan: Loan, code: str) -> Decimal:
    """An account of the chart at the loan's branch, positive on the debit side."""
    rows = trial_balance(as_of=dt.date(2027, 12, 31), branch_ids=[loan.branch_id]).rows
    return Decimal(-sum(row.net for row in rows if row.code == code)) / 100


def books(loan: Loan, *codes: str) -> list[Decimal]:
    return [book(loan, code) for code in codes]


def test_a_close_earns_the_interest_of_the_night() -> None:
    """1450 to 4110: 120.00 x 10 / 31 = 38.71 by the morning of 11 January."""
    loan = borrowed()
    loans_close(dt.date(2026, 1, 10))
    assert books(loan, "1450", "4110") == [Decimal("38.71"), Decimal("-38.71")]


def test_interest_of_a_loan_that_is_very_late_goes_to_suspense_and_comes_back_when_it_is_cured() -> None:
    """4110 to 1470 for what was earned and not paid; the other way when nothing is overdue any more."""
    loan = borrowed()
    for day in (dt.date(2026, 2, 15), dt.date(2026, 5, 2)):
        loans_close(day)
    assert LoanStanding.objects.get(pk=loan.pk).is_non_accrual is False, "90 days late since 1 February"
    loans_close(dt.date(2026, 5, 3))
    owed = book(loan, "1450")
    assert books(loan, "1470", "4110") == [-owed, Decimal(0)], "all of it is in suspense, none is income"
    loans_close(dt.date(2026, 5, 4))
    assert book(loan, "4110") == 0, "and what it earns from now on"
    today_set(dt.date(2026, 5, 5))
    overdue = LoanStanding.objects.get(pk=loan.pk)
    services.loan_repay(
        asked=asked(), loan_id=loan.pk, at=clock.now(),
        money=services.Money(overdue.overdue_principal + overdue.overdue_interest),
    )  # fmt: skip
    loans_close(dt.date(2026, 5, 5))
    standing = LoanStanding.objects.get(pk=loan.pk)
    assert (standing.is_non_accrual, standing.suspended) == (False, 0)
    assert book(loan, "1470") == 0
    assert -book(loan, "4110") == Decimal(standing.interest_booked) / 100


def test_provisions_by_bucket_grow_with_lateness_and_are_written_back() -> None:
    """5310 to 1510: 1 %, then 10 % of 12,000.00; over 30 days 50 % in stage 2 (1520); written back when it is paid."""
    loan = borrowed()
    expected = (
        (dt.date(2026, 1, 5), "1510", "-120.00"),
        (dt.date(2026, 2, 15), "1510", "-1200.00"),
        (dt.date(2026, 3, 20), "1520", "-6000.00"),
    )
    for day, code, amount in expected:
        loans_close(day)
        assert books(loan, code, "5310") == [Decimal(amount), -Decimal(amount)]
    assert book(loan, "1510") == 0, "moved to the other stage"
    today_set(dt.date(2026, 3, 21))
    standing = LoanStanding.objects.get(pk=loan.pk)
    services.loan_repay(
        asked=asked(), loan_id=loan.pk, at=clock.now(),
        money=services.Money(standing.overdue_principal + standing.overdue_interest),
    )  # fmt: skip
    loans_close(dt.date(2026, 3, 21))
    left = Decimal(1_200_000 - standing.overdue_principal) / 100
    assert books(loan, "1510", "1520", "5310") == [-left / 100, Decimal(0), left / 100], "1 % of what is left"
    assert [one.required for one in ProvisionChange.objects.filter(loan=loan)][1:3] == [600_000, 120_000]


def test_expected_losses_by_ifrs_9() -> None:
    """EAD x PD x LGD: (12,000.00 + 3.87) x 2 % x 45 % = 108.03; lifetime 20 % in stage 2; 45 % in stage 3."""
    loan = borrowed()
    provision_policy_set(
        acting_user=None, product_id=loan.product_id, effective_from=START, today=START, at=clock.now(), method="ifrs9",
        pd_12_months=Decimal("0.02"), pd_lifetime=Decimal("0.2"), lgd=Decimal("0.45"), cure_days=10,
    )  # fmt: skip
    loans_close(START)
    assert books(loan, "1510", "5310") == [Decimal("-108.03"), Decimal("108.03")]
    loans_close(dt.date(2026, 3, 10))
    exposure = 1_200_000 + int(book(loan, "1450") * 100)
    assert -book(loan, "1520") * 100 == (Decimal(exposure) * Decimal("0.09")).quantize(Decimal(1))
    loans_close(dt.date(2026, 5, 10))
    assert -book(loan, "1530") == Decimal("5400.00"), "interest is in suspense, so it is no exposure"
    today_set(dt.date(2026, 5, 11))
    late = LoanStanding.objects.get(loan=loan)
    money = services.Money(late.overdue_principal + late.overdue_interest, channel="mobile")
    services.loan_repay(asked=asked(), loan_id=loan.pk, money=money, at=clock.now())
    stages = []
    for day in (19, 20, 20, 21):  # the close of the 20th broke off and is run again
        loans_close(dt.date(2026, 5, day))
        stages.append(LoanStanding.objects.get(loan=loan).stage)
    assert stages == [3, 2, 2, 1], "ten days without arrears, and a stage back at a time"
