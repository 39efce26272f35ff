"""The books of a loan, event by event: worked examples, each line as an accountant would write it."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

import pytest

from apps.core import clock
from apps.ledger.models import JournalLine
from apps.ledger.selectors import business_date_current
from apps.lending import services
from apps.lending.errors import ApplicationOutsideProduct, LoanOverpaid
from apps.lending.models import Loan, LoanEvent, LoanInstalment, LoanStanding
from apps.lending.selectors import position_of, servicing_of
from apps.lending.services import Act, Money
from apps.lending.services._store import _MOVING, _PLANNED, row_values
from tests.factories.lending import asked, loan_make, owed, product_make

pytestmark = pytest.mark.django_db

# 12,000.00 over 12 months at 12 %: interest of 120.00 in the first month, 110.54 in the second. Begun 1 month and some
# days ago, so that one instalment (1,066.19: 946.19 and 120.00) is due.
FIRST = 106_619


def act(loan: Loan, kind: str, amount: int = 0, **more: Any) -> services.Done:
    """Carry out an event, having seen that its preview says the same as then happens."""
    money = Money(amount, channel=more.pop("channel", None), value_date=more.pop("value_date", None))
    one = Act(kind, money, **more)
    plan = services.act_plan(servicing=servicing_of(loan.pk), today=business_date_current(), user=None, act=one)
    done = services.act_carry_out(asked=asked(), loan_id=loan.pk, act=one, at=clock.now())
    after = Loan.objects.get(pk=loan.pk)
    kept = LoanInstalment.objects.filter(schedule=after.schedule_id).order_by("number").values(*_PLANNED, *_MOVING)
    assert [row_values(one=row) for row in plan.after.rows] == list(kept)
    assert owed(after) == (plan.books.principal, plan.books.interest, plan.books.charges)
    return done


def entry(done: services.Done, *, back: bool = False) -> dict[str, str]:
    """The entry of an event by code of the chart: D or C and the amount."""
    journal = done.event.reversal_journal_id if back else done.event.journal_id
    lines = JournalLine.objects.filter(journal=journal).values_list("account__gl_account__code", "side", "amount")
    return {code: f"{side} {amount / 100:.2f}" for code, side, amount in lines}


def check(loan_id: UUID) -> None:
    """What is kept of a loan is what its events give, and the books hold what they should."""
    loan = Loan.objects.get(pk=loan_id)
    position, standing = position_of(loan), LoanStanding.objects.get(pk=loan_id)
    kept = LoanInstalment.objects.filter(schedule=loan.schedule_id).order_by("number").values(*_PLANNED, *_MOVING)
    assert [row_values(one=row) for row in position.rows] == list(kept)
    for event in LoanEvent.objects.filter(loan=loan, reversed_at__isnull=True, kind="repayment"):
        portions = position.portions[event.pk]
        assert (portions.principal, portions.interest) == (event.principal, event.interest)
        assert event.amount == portions.principal + portions.interest + portions.charges + portions.overpaid
    if loan.status == "active":
        paid = position.paid("interest"), position.paid("fees", "penalties")
        assert owed(loan) == (
            position.principal, standing.interest_booked - paid[0], standing.charges_booked - paid[1]
        )  # fmt: skip


def begun(days: int = 35, **terms: Any) -> Loan:
    product = product_make(**terms) if terms else None
    # The due dates do not depend on the length of months: 30 days after the start, then each month.
    start = business_date_current() - dt.timedelta(days=days)
    return loan_make(start=start, first_due=start + dt.timedelta(days=30), product=product)


def test_paying_what_is_due_and_taking_it_back() -> None:
    loan = begun(30)
    assert owed(loan) == (1_200_000, 12_000, 0)
    disbursed = LoanEvent.objects.get(loan=loan)
    assert entry(services.Done(disbursed, loan)) == {
        "1410": "D 12000.00", "2110": "C 12000.00", "1450": "D 120.00", "4110": "C 120.00"
    }  # fmt: skip
    done = act(loan, "repayment", FIRST)
    assert entry(done) == {"2110": "D 1066.19", "1410": "C 946.19", "1450": "C 120.00"}
    assert done.event.principal == 94_619
    check(loan.pk)
    back = act(loan, "reversal", event_id=done.event.pk, reason="Wrong loan")
    assert entry(back, back=True) == {"2110": "C 1066.19", "1410": "D 946.19", "1450": "D 120.00"}
    assert owed(loan) == (1_200_000, 12_000, 0)
    check(loan.pk)


def test_a_payment_of_an_earlier_date_is_as_if_it_had_come_then() -> None:
    late, timely = begun(65), begun(65)
    today = business_date_current()
    second = act(late, "repayment", FIRST, channel="mobile", value_date=today - dt.timedelta(days=5))
    assert second.event.interest == 12_000
    act(late, "repayment", FIRST, channel="mobile", value_date=today - dt.timedelta(days=35))
    for days in (35, 5):
        act(timely, "repayment", FIRST, channel="mobile", value_date=today - dt.timedelta(days=days))
    second.event.refresh_from_db()
    assert second.event.interest == 11_054  # the money that came later moved it to the second instalment
    assert owed(late) == owed(timely)
    check(late.pk)


def test_charges_waivers_and_what_is_overpaid() -> None:
    loan = begun(30)
    assert entry(act(loan, "charge", 50_00, details={"penalty": True})) == {"1460": "D 50.00", "4140": "C 50.00"}
    assert entry(act(loan, "charge", 20_00)) == {"1460": "D 20.00", "4230": "C 20.00"}
    waived = act(loan, "waiver", 30_00, details={"component": "penalties"})
    assert entry(waived) == {"5340": "D 30.00", "1460": "C 30.00"}
    paid = act(loan, "repayment", 10_00, channel="mobile")
    assert entry(paid) == {"1240": "D 10.00", "1460": "C 10.00"}
    everything = act(loan, "repayment", 20_000_00, channel="mobile")
    assert entry(everything)["2110"].startswith("C ")  # what is more than is owed goes to the loan's account
    assert everything.loan.status == "closed"
    assert owed(loan) == (0, 0, 0)
    check(loan.pk)


def test_closing_early_and_settling_for_less() -> None:
    loan = begun(45, servicing={"closing_fee": {"share": "0.02"}})
    quote = services.payoff_quote_of(servicing=servicing_of(loan.pk), date=business_date_current())
    assert quote.principal == 1_200_000
    assert quote.fees == quote.closing.fee == 24_000  # 2 % of the principal
    settled = act(loan, "payoff", quote.total - 100_00, discount=100_00, channel="mobile")
    made = entry(settled)
    assert made["5340"] == "D 100.00"
    assert made["4230"] == "C 240.00"
    assert made["1410"] == "C 12000.00"
    assert settled.loan.status == "closed"
    assert owed(loan) == (0, 0, 0)
    act(loan, "reversal", event_id=settled.event.pk, reason="The cheque was returned")
    assert Loan.objects.get(pk=loan.pk).status == "active"
    check(loan.pk)


def test_changes_move_what_is_unpaid_into_principal() -> None:
    loan = begun(30)
    changed = act(loan, "reschedule", details={"extra_instalments": 6}, reason="Poor harvest")
    assert entry(changed) == {"1410": "D 120.00", "1450": "C 120.00"}
    assert LoanInstalment.objects.filter(schedule=changed.loan.schedule_id).count() == 18
    for kind, amount, details, why in (
        ("top_up", 988_000_01, {}, "KES 1,000,000.00"), ("rate_change", 0, {"rate": "0.61"}, "at most 60 %"),
        ("reschedule", 0, {"rate": "0.61", "extra_instalments": 1}, "at most 60 %"),
    ):  # fmt: skip
        with pytest.raises(ApplicationOutsideProduct, match=why):
            act(loan, kind, amount, details=details)
    topped = act(loan, "top_up", 3_000_00)
    assert entry(topped) == {"1410": "D 3000.00", "2110": "C 3000.00"}
    for kind, details in (("rate_change", {"rate": "0.18"}), ("moratorium", {"periods": 2, "interest": "deferred"})):
        act(loan, kind, details=details)
    rows = list(LoanInstalment.objects.filter(schedule=Loan.objects.get(pk=loan.pk).schedule_id))
    assert sum(row.principal for row in rows) == 1_200_000 + 12_000 + 300_000
    assert rows[-1].closing == 0
    check(loan.pk)


def test_writing_off_and_what_comes_in_later() -> None:
    loan = begun(30)
    LoanStanding.objects.filter(pk=loan.pk).update(provision=5_000_00, stage=3, provision_stage=3)
    written = act(loan, "write_off", reason="Moved away")
    assert entry(written) == {"1530": "D 5000.00", "5320": "D 7120.00", "1410": "C 12000.00", "1450": "C 120.00"}
    assert owed(loan) == (0, 0, 0)
    assert LoanStanding.objects.get(pk=loan.pk).provision == 0
    assert entry(act(loan, "recovery", 250_00, channel="mobile")) == {"1240": "D 250.00", "4320": "C 250.00"}
    all_of_it = written.event.details["owed"]
    with pytest.raises(LoanOverpaid, match=r"KES 0\.01 more"):
        act(loan, "recovery", all_of_it - 250_00 + 1, channel="mobile")
    act(loan, "recovery", all_of_it - 250_00, channel="mobile")


def test_by_cash_interest_is_income_when_it_is_paid() -> None:
    loan = begun(30, accounting="cash")
    disbursed = LoanEvent.objects.get(loan=loan)
    assert entry(services.Done(disbursed, loan)) == {
        "1410": "D 12000.00", "2110": "C 12000.00", "1450": "D 120.00", "1470": "C 120.00"
    }  # fmt: skip
    paid = act(loan, "repayment", 60_00, channel="mobile")
    assert entry(paid) == {"1240": "D 60.00", "1450": "C 60.00", "1470": "D 60.00", "4110": "C 60.00"}
    check(loan.pk)


def test_a_tranche_that_is_paid_back_leaves_the_loan_open_for_the_next() -> None:
    loan = loan_make(
        product=product_make(conventions={"method": "flat"}, servicing={"tranches_max": 2}), disburse=False
    )
    act(loan, "disbursement", 600_000)
    paid = act(loan, "repayment", 700_000)
    assert (paid.loan.status, paid.event.overpaid) == ("active", 28_000)
    assert entry(paid) == {"2110": "D 6720.00", "1410": "C 6000.00", "1450": "C 720.00"}, "no income before its time"
    check(loan.pk)
    again = act(loan, "disbursement", 600_000)
    check(loan.pk)
    act(loan, "reversal", event_id=again.event.pk, reason="Wrong account")
    assert Loan.objects.get(pk=loan.pk).status == "active"
    closed = act(loan, "payoff", 0)
    assert (closed.loan.status, owed(loan)) == ("closed", (0, 0, 0))


def test_tranches_and_financed_fees() -> None:
    fee = {"name": "Insurance", "kind": "financed", "base": "principal", "share": "0.05"}
    product = product_make(servicing={"tranches_max": 2}, fees=[fee])
    loan = loan_make(product=product, disburse=False)
    assert loan.principal == 1_260_000
    day = business_date_current() - dt.timedelta(days=20)
    first = act(loan, "disbursement", 600_000, value_date=day)
    assert entry(first)["2110"] == "C 5400.00"
    assert entry(first)["4230"] == "C 600.00"
    act(loan, "disbursement", 660_000)
    assert owed(loan)[0] == 1_260_000
    check(loan.pk)
