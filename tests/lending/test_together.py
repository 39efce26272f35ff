"""Many payments at once are what they would be one by one; cash of loans goes through the teller's own till."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from apps.core import clock
from apps.identity.models import User
from apps.ledger.selectors import business_date_current
from apps.lending import services
from apps.lending.closing_proof import loans_prove
from apps.lending.errors import LoanOverpaid
from apps.lending.models import Loan, LoanEvent, LoanProduct
from apps.lending.services import Act, Asked, Line, Money
from apps.members.models import Member
from apps.payments.errors import NeedsAnotherPerson, TillNotOpen
from apps.payments.models import TillMovement
from apps.payments.selectors import session_report
from tests.factories.identity import user_make
from tests.factories.lending import asked, loan_make, product_make
from tests.factories.tills import till_session

pytestmark = pytest.mark.django_db
SHARES = (0, 53_310, 106_619, 300_000)
STANDING = (
    "booked_through", "interest_booked", "charges_booked", "suspended", "days_past_due", "overdue_principal",
    "next_due_on", "next_due_amount",
)  # fmt: skip
PAID = ("number", "due_on", "principal_paid", "interest_paid", "paid_on", "closing")


def looks(loan: Loan) -> Any:
    """All that is kept of a loan, without its own keys."""
    loan = Loan.objects.select_related("standing").get(pk=loan.pk)
    events = LoanEvent.objects.filter(loan=loan).order_by("sequence")
    return (
        loan.status, loan.version, loan.closed_on, [getattr(loan.standing, name) for name in STANDING],
        list(loan.schedule.rows.order_by("number").values_list(*PAID)) if loan.schedule else [],
        list(events.values_list("sequence", "kind", "amount", "principal", "interest", "overpaid", "channel")),
        loan.history.count(), loan.history.first().history_change_reason,
    )  # fmt: skip


def payment(loan: Loan, amount: int, user: User, *, way: str = "payroll", who: Asked | None = None) -> Line:
    return Line(who or asked(user), loan.pk, Act("repayment", Money(amount, channel=way)))


@pytest.fixture
def product() -> LoanProduct:
    return product_make()


def test_together_they_are_what_they_are_one_by_one(product: LoanProduct) -> None:
    start, user = business_date_current() - dt.timedelta(days=75), user_make()
    twins = [[loan_make(product=product, start=start) for _ in SHARES] for _ in range(2)]
    for loan, amount in zip(twins[0], SHARES, strict=True):
        for share in (amount, 1_000):
            line = payment(loan, share, user)
            if share:
                services.act_carry_out(asked=line.asked, loan_id=loan.pk, act=line.act, at=clock.now())
    lines = [payment(loan, share, user) for loan, share in zip(twins[1], SHARES, strict=True)]
    lines += [payment(loan, 1_000, user) for loan in twins[1]]
    results = services.acts_carry_out(lines=lines, user=user, at=clock.now())
    assert [one.error.code if one.error else "" for one in results] == ["invalid-amount"] + [""] * 7
    assert [looks(loan) for loan in twins[1]] == [looks(loan) for loan in twins[0]]
    loans_prove(business_date=business_date_current())
    again = services.acts_carry_out(lines=lines[1:], user=user, at=clock.now())
    assert [one.event_id for one in again] == [one.event_id for one in results[1:]]
    assert all(one.replayed for one in again)


def test_what_the_books_or_the_loan_refuse_is_refused_alone(product: LoanProduct) -> None:
    user, start = user_make(), business_date_current() - dt.timedelta(days=5)
    loans = [loan_make(product=product, principal=10_000, instalments=2, start=start) for _ in range(3)]
    Loan.objects.filter(pk=loans[1].pk).update(account=None)
    lines = [payment(loan, 20_000, user) for loan in loans]
    results = services.acts_carry_out(lines=lines, user=user, at=clock.now())
    assert isinstance(results[1].error, LoanOverpaid)
    assert [bool(one.event_id) for one in results] == [True, False, True]
    loans_prove(business_date=business_date_current())


def test_cash_of_a_loan_goes_through_the_tellers_own_open_till(product: LoanProduct) -> None:
    loan = loan_make(product=product, start=business_date_current() - dt.timedelta(days=40))
    session = till_session()
    other = user_make()
    with pytest.raises(TillNotOpen):
        services.loan_repay(asked=asked(other), loan_id=loan.pk, money=Money(5_000, channel="cash"), at=clock.now())
    lines = [payment(loan, 5_000, session.teller, way="cash"), payment(loan, 2_000, session.teller, way="cash")]
    results = services.acts_carry_out(lines=lines, user=session.teller, at=clock.now())
    assert [one.error for one in results] == [None, None]
    assert set(TillMovement.objects.filter(session=session).values_list("amount", flat=True)) == {5_000, 2_000}
    report = session_report(session)
    assert (report.ties, report.closing) == (True, session.opening_books + 7_000)
    Member.objects.filter(pk=loan.member_id).update(user=session.teller)
    with pytest.raises(NeedsAnotherPerson):
        services.loan_repay(
            asked=asked(session.teller), loan_id=loan.pk, money=Money(5_000, channel="cash"), at=clock.now()
        )
