"""Collateral, guarantors with held savings, promises, groups and their meetings, credit lines, alerts."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from unittest.mock import Mock

import pytest

from apps.accounts.models import Account
from apps.balances.errors import InsufficientFunds
from apps.balances.selectors import balance_read
from apps.core import clock
from apps.core.errors import Conflict, DomainError, InvalidAmount
from apps.lending import alerts, groups, services
from apps.lending.arrears_promises import pause_add, promise_make
from apps.lending.closing_proof import loans_prove
from apps.lending.collateral import collateral_add, collateral_release, coverage_read, valuation_add
from apps.lending.credit_lines import (
    credit_line_change,
    credit_line_decide,
    credit_line_draw,
    credit_line_owed,
    credit_line_repay,
    credit_line_request,
    credit_lines_accrue,
)
from apps.lending.errors import CreditLineExceeded, CreditLineStateWrong, GroupNotPossible, OwnApplication
from apps.lending.groups import Paid, collection_take, group_create, group_join, group_leave, loans_of
from apps.lending.guarantors import guarantor_add, guarantor_release
from apps.lending.models import CreditLine, CreditLineDay, LoanStanding, PaymentPromise
from apps.notifications.models import Delivery, Notification
from apps.payments.services import hold_release
from tests.factories.accounts import AccountFactory
from tests.factories.identity import BranchFactory, user_make
from tests.factories.lending import asked, loan_make, owed, product_make
from tests.factories.lending_days import loans_close, today_set
from tests.factories.members import MemberFactory
from tests.factories.tills import till_session

pytestmark = pytest.mark.django_db
START = dt.date(2026, 1, 1)


def available(account: Account) -> int:
    return balance_read(account_id=account.ledger_account_id).available


def test_collateral_counts_by_its_newest_value_and_share_until_it_is_released() -> None:
    today_set(START)
    loan, at = loan_make(principal=1_000_000, start=START), clock.now()
    thing = collateral_add(
        acting_user=None, loan_id=loan.pk, kind="vehicle", description="Lorry KBX 123", share=Decimal("0.6"), at=at
    )
    for day, amount in ((1, 900_000), (15, 1_000_001), (10, 5)):
        valuation_add(
            acting_user=None, collateral_id=thing.pk, valued_on=dt.date(2025, 6, day), amount=amount,
            valuer="Valuers Ltd", today=START, at=at,
        )  # fmt: skip
    assert coverage_read(loan=loan)["share"] == Decimal("0.6000"), "of 10,000.01 sixty per cent, down"
    collateral_release(acting_user=None, collateral_id=thing.pk, today=START, at=at)
    assert coverage_read(loan=loan)["collateral"] == 0
    with pytest.raises(DomainError):
        collateral_release(acting_user=None, collateral_id=thing.pk, today=START, at=at)


def test_savings_of_a_guarantor_are_held_and_given_back() -> None:
    loan, savings, at = loan_make(), AccountFactory(balance="500.00"), clock.now()
    make: dict[str, Any] = {"acting_user": None, "loan_id": loan.pk, "member_id": savings.member_id, "at": at}
    with pytest.raises(InsufficientFunds):
        guarantor_add(**make, amount=60_000, account_id=savings.pk)
    guarantor = guarantor_add(**make, amount=30_000, account_id=savings.pk)
    assert available(savings) == 20_000
    with pytest.raises(DomainError, match="already"):
        guarantor_add(**make, amount=1)
    with pytest.raises(DomainError, match="himself"):
        guarantor_add(acting_user=None, loan_id=loan.pk, member_id=loan.member_id, amount=1, at=at)
    assert coverage_read(loan=loan)["guarantees"] == 30_000
    with pytest.raises(Conflict, match="release the guarantor"):
        hold_release(user=user_make("payments.hold"), hold_id=guarantor.hold_id or loan.pk, expected_version=1, at=at)
    guarantor_release(acting_user=None, guarantor_id=guarantor.pk, today=START, at=at)
    assert available(savings) == 50_000


def test_promises_are_kept_or_missed_and_pauses_stop_the_ageing() -> None:
    today_set(START)
    officer, at = user_make(), clock.now()
    loan = loan_make(start=START)
    day = dt.date(2026, 2, 20)
    today_set(day)
    for amount in (50_000, 900_000):
        promise_make(acting_user=officer, loan_id=loan.pk, due_on=day, amount=amount, today=day, at=at)
    services.loan_repay(asked=asked(), loan_id=loan.pk, money=services.Money(60_000), at=at)
    pause_add(
        acting_user=officer, loan_id=loan.pk, starts_on=dt.date(2026, 2, 6), ends_on=dt.date(2026, 2, 16),
        reason="Flood", today=day, at=at,
    )  # fmt: skip
    loans_close(day)
    standing = LoanStanding.objects.get(pk=loan.pk)
    assert (standing.days_past_due, standing.bucket) == (19, "1 to 30 days")
    facts = alerts.alerts_send(business_date=day, at=at)
    assert (facts["kept"], facts["missed"], facts["promises"]) == (1, 1, 1)
    again = alerts.alerts_send(business_date=day, at=at)
    assert (again["kept"], again["missed"], again["promises"]) == (0, 0, 0)
    assert set(PaymentPromise.objects.values_list("status", flat=True)) == {"kept", "missed"}


def test_borrowers_hear_once_of_what_is_due_and_of_what_is_late() -> None:
    today_set(START)
    borrower = user_make(scope="own")
    account = AccountFactory(member=MemberFactory(user=borrower), balance="10.00")
    loan_make(account=account, start=START)
    told, kinds = [], ("lending.due_soon", "lending.overdue")
    for day in (dt.date(2026, 1, 29), dt.date(2026, 1, 30), dt.date(2026, 2, 2), dt.date(2026, 2, 3)):
        loans_close(day)
        alerts.alerts_send(business_date=day, at=clock.now())
        told.append(Notification.objects.filter(recipient=borrower, kind__in=kinds).count())
    assert told == [1, 1, 2, 2]
    assert Delivery.objects.filter(notification__kind__in=kinds, recipient=borrower, channel="email").count() == 2


def test_a_meeting_is_collected_on_one_sheet_and_members_answer_for_each_other(monkeypatch: Any) -> None:
    today_set(START)
    branch, at = BranchFactory(), clock.now()
    group = group_create(acting_user=None, name="Umoja", branch_id=branch.pk, meets_on=3, at=at)
    product, loans = product_make(kind="group"), []
    for _ in range(2):
        account = AccountFactory(member=MemberFactory(branch=branch), branch=branch, balance="10.00")
        group_join(acting_user=None, group=group, member_id=account.member_id, today=START, at=at)
        loans.append(loan_make(product=product, account=account, principal=100_000, instalments=2, start=START))
    own = loan_make(account=account, principal=100_000, instalments=2, start=START)  # of a member alone
    assert [loan.pk for loan in loans_of(group)] == [loan.pk for loan in loans]
    with pytest.raises(GroupNotPossible):
        group_join(acting_user=None, group=group, member_id=loans[0].member_id, today=START, at=at)
    day = dt.date(2026, 2, 1)
    today_set(day)
    sheet = asked(till_session(user_make(branch=branch)).teller)
    rows = [Paid(loans[0].number, 50_751), Paid(loans[1].number, 20_000)]
    with pytest.raises(GroupNotPossible, match="No active loan"):
        collection_take(asked=sheet, group=group, rows=[Paid(own.number, 1)], channel="cash", today=day, at=at)
    meetings = {
        collection_take(asked=sheet, group=group, rows=rows, channel="cash", today=day, at=at).pk for _ in range(2)
    }
    (meeting,) = group.meetings.all()
    assert meetings == {meeting.pk}
    assert (meeting.due, meeting.collected, meeting.missing) == (101_502, 70_751, 30_751)
    # The same sheet twice at one moment: the first look finds nothing yet.
    monkeypatch.setattr(groups, "_known", Mock(side_effect=[None, meeting]))
    again = collection_take(asked=sheet, group=group, rows=rows, channel="cash", today=day, at=at)
    assert (again.pk, group.meetings.count()) == (meeting.pk, 1)
    assert owed(loans[0])[0] == 100_000 - 49_751
    with pytest.raises(GroupNotPossible, match="answers"):
        group_leave(acting_user=None, group=group, member_id=loans[0].member_id, today=day, at=at)


def test_a_credit_line_is_drawn_paid_back_and_bears_interest_on_what_was_used() -> None:
    today_set(START)
    product, account = product_make(kind="credit_line"), AccountFactory(balance="100.00")
    clerk, chief, at = user_make(), user_make(), clock.now()
    line = credit_line_request(
        acting_user=clerk, product_id=product.pk, member_id=account.member_id, account_id=account.pk, limit=1_000_000,
        business_date=START, at=at,
    )  # fmt: skip
    with pytest.raises(CreditLineStateWrong):
        credit_line_draw(asked=asked(clerk), line_id=line.pk, amount=1, at=at)
    decide: dict[str, Any] = {"line_id": line.pk, "approve": True, "business_date": START, "at": at}
    with pytest.raises(OwnApplication):
        credit_line_decide(acting_user=clerk, **decide)
    credit_line_decide(acting_user=chief, **decide, limit=365_000, rate=Decimal("0.10"), review_on=dt.date(2026, 3, 1))
    draw = asked(clerk)
    events = {credit_line_draw(asked=draw, line_id=line.pk, amount=365_000, at=at).pk for _ in range(2)}
    assert len(events) == 1, "once under one key"
    with pytest.raises(CreditLineExceeded):
        credit_line_draw(asked=asked(clerk), line_id=line.pk, amount=1, at=at)
    for day in (dt.date(2026, 1, 10), dt.date(2026, 1, 10)):
        today_set(day)
        credit_lines_accrue(business_date=day)
    line = CreditLine.objects.get(pk=line.pk)
    assert credit_line_owed(line) == (365_000, 1_000), "ten nights at 100 a night"
    assert CreditLineDay.objects.get(line=line).nights == 10
    paid = credit_line_repay(asked=asked(clerk), line_id=line.pk, amount=201_000, at=at)
    assert (paid.principal, paid.interest) == (200_000, 1_000)
    with pytest.raises(CreditLineExceeded):
        credit_line_repay(asked=asked(clerk), line_id=line.pk, amount=165_001, at=at)
    loans_prove(business_date=START)
    today_set(dt.date(2026, 3, 1))
    with pytest.raises(CreditLineStateWrong, match="reviewed"):
        credit_line_draw(asked=asked(clerk), line_id=line.pk, amount=1, at=at)
    with pytest.raises(CreditLineStateWrong, match="owed"):
        credit_line_change(acting_user=chief, line_id=line.pk, action="close", note="No longer wanted", at=at)
    with pytest.raises(InvalidAmount, match=r"KES 1\.00 to 1,000,000\.00"):
        credit_line_change(
            acting_user=chief, line_id=line.pk, action="review", limit=100_000_001, note="Typed wrong", at=at
        )
    credit_line_repay(asked=asked(clerk), line_id=line.pk, amount=165_000, at=at)
    credit_line_change(acting_user=chief, line_id=line.pk, action="close", note="No longer wanted", at=at)
    assert CreditLine.objects.get(pk=line.pk).status == "closed"
