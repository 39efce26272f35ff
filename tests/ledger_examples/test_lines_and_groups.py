"""Entries of credit lines, of a group's meeting and of a payroll file, as a bookkeeper would write them, in KES.

The line: 3,650.00 drawn on 10 January at 36 % a year is 3.60 a night (3,650 x 0.36 / 365), due at the end of the month.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from apps.core import clock
from apps.lending import credit_lines, services
from apps.lending.closing_lines import credit_lines_provide
from apps.lending.closing_proof import loans_prove
from apps.lending.groups import Paid, collection_take, group_create, group_join
from apps.lending.lines_explained import FIGURES, line_explain
from apps.lending.models import CreditLine, Loan, LoanProduct
from apps.lending.provisions import provision_policy_set
from tests.factories.accounts import AccountFactory
from tests.factories.books import gl_account_ready
from tests.factories.identity import user_make
from tests.factories.lending import asked, loan_make, product_make
from tests.factories.lending_days import loans_close, today_set
from tests.factories.members import MemberFactory
from tests.factories.postings import branch_new
from tests.ledger_examples.test_loans import entry
from tests.ledger_examples.test_loans_at_the_close import book

pytestmark = pytest.mark.django_db
START = dt.date(2026, 1, 10)
NIGHT = Decimal("3.60")


def drawn(**terms: Any) -> CreditLine:
    """A line of 8,000.00 at 36 %, of which 3,650.00 are drawn."""
    today_set(START)
    product = product_make(kind="credit_line", **terms)
    account = AccountFactory(balance="1000.00")
    clerk, chief = user_make(email="clerk@lines.example"), user_make(email="chief@lines.example")
    line = credit_lines.credit_line_request(
        acting_user=clerk, product_id=product.pk, member_id=account.member_id, account_id=account.pk, limit=800_000,
        business_date=START, at=clock.now(),
    )  # fmt: skip
    credit_lines.credit_line_decide(
        acting_user=chief, line_id=line.pk, approve=True, rate=Decimal("0.36"), business_date=START, at=clock.now()
    )
    event = credit_lines.credit_line_draw(asked=asked(), line_id=line.pk, amount=365_000, at=clock.now())
    assert entry(services.Done(event, None)) == {"1410": "D 3650.00", "2110": "C 3650.00"}  # type: ignore[arg-type]
    return CreditLine.objects.get(pk=line.pk)


def pay(line: CreditLine, amount: int) -> dict[str, str]:
    """Pay the line back from its account; the entry."""
    event = credit_lines.credit_line_repay(asked=asked(), line_id=line.pk, amount=amount, at=clock.now())
    return entry(services.Done(event, None))  # type: ignore[arg-type]


def close(line: CreditLine, day: dt.date) -> CreditLine:
    """The steps of lines, and the proof."""
    today_set(day)
    credit_lines.credit_lines_accrue(business_date=day)
    credit_lines_provide(business_date=day)
    loans_prove(business_date=day)
    return CreditLine.objects.get(pk=line.pk)


def books(line: Any, *codes: str) -> list[Decimal]:
    return [book(line, code) for code in codes]


def test_a_line_bears_interest_on_what_is_used_and_a_payment_goes_to_interest_first() -> None:
    line = close(drawn(), dt.date(2026, 1, 31))
    assert books(line, "1450", "4110") == [22 * NIGHT, -22 * NIGHT]
    assert pay(line, 10_000) == {"2110": "D 100.00", "1450": "C 79.20", "1410": "C 20.80"}
    line = close(line, dt.date(2026, 2, 2))
    assert line.days_past_due == 0
    assert books(line, "1470", "5310") == [0, 0]
    for figure in FIGURES:
        assert line_explain(line=line, figure=figure)["formula"]
    assert line_explain(line=line, figure="owed")["amount"] == 362_920 + 2 * 358  # 3,629.20 x 0.36 / 365 = 3.58 a night


def test_interest_of_a_very_late_line_is_in_suspense_until_it_is_paid_and_the_line_is_cured_by_and_by() -> None:
    line = drawn(arrears={"non_accrual_days": 30})
    provision_policy_set(
        acting_user=None, product_id=line.product_id, effective_from=START, today=START, at=clock.now(), method="ifrs9",
        pd_12_months=Decimal("0.02"), pd_lifetime=Decimal("0.2"), lgd=Decimal("0.5"), cure_days=5,
    )  # fmt: skip
    close(line, dt.date(2026, 1, 31))
    line = close(line, dt.date(2026, 3, 2))
    assert (line.days_past_due, line.is_non_accrual, line.suspended) == (30, False, 0)
    assert books(line, "1450", "4110", "1520") == [52 * NIGHT, -52 * NIGHT, 0]
    line = close(line, dt.date(2026, 3, 3))
    assert (line.is_non_accrual, line.stage) == (True, 3)
    assert books(line, "1450", "1470", "4110") == [53 * NIGHT, -53 * NIGHT, 0], "what was income is none any more"
    assert books(line, "1530", "5310") == [-1825, 1825], "3,650.00 x 50 %: interest in suspense is no exposure"
    today_set(dt.date(2026, 3, 4))
    assert pay(line, 5_000) == {"2110": "D 50.00", "1450": "C 50.00", "1470": "D 50.00", "4110": "C 50.00"}
    line = close(line, dt.date(2026, 3, 4))
    left = 54 * NIGHT - 50
    assert books(line, "1450", "1470", "4110") == [left, -left, -50], "late as before: the night is in suspense too"
    explained = line_explain(line=line, figure="suspended")
    assert explained["amount"] == int(left * 100)
    pay(line, int(left * 100))
    line = close(line, dt.date(2026, 3, 5))
    assert (line.days_past_due, line.is_non_accrual, line.suspended, line.stage) == (0, False, 0, 3)
    assert books(line, "1450", "1470", "4110") == [NIGHT, 0, -55 * NIGHT]
    stages = [close(line, dt.date(2026, 3, day)).stage for day in (8, 9, 9, 10)]
    assert stages == [3, 2, 2, 1], "a stage back at a time, also when a close is run again"


def test_a_meeting_of_a_group_is_a_payment_of_each_loan() -> None:
    """Two loans of 1,000.00 over two months at 12 %, by cash: 507.51 in the first month, 10.00 of it interest."""
    today_set(dt.date(2026, 1, 1))
    gl_account_ready("1430")
    product, branch = product_make(kind="group", accounting="cash"), branch_new()
    LoanProduct.objects.filter(pk=product.pk).update(mapping={"principal": "1430"})
    product.refresh_from_db()
    group = group_create(acting_user=None, name="Umoja", branch_id=branch.pk, at=clock.now())
    loans = []
    for _ in range(2):
        account = AccountFactory(member=MemberFactory(branch=branch), branch=branch)
        loan = loan_make(product=product, account=account, principal=100_000, instalments=2, start=dt.date(2026, 1, 1))
        group_join(
            acting_user=None, group=group, member_id=account.member_id, today=dt.date(2026, 1, 1), at=clock.now()
        )
        loans.append(loan)
    loans_close(dt.date(2026, 1, 31))
    assert books(loans[0], "1430", "1450", "1470", "4110") == [2000, 20, -20, 0]
    today_set(dt.date(2026, 2, 1))
    rows = [Paid(loans[0].number, 50_751), Paid(loans[1].number, 10_000)]
    meeting = collection_take(
        asked=asked(), group=group, rows=rows, channel="mobile", today=dt.date(2026, 2, 1), at=clock.now()
    )
    assert (meeting.due, meeting.collected, meeting.missing) == (101_502, 60_751, 40_751)
    assert books(loans[0], "1240", "1430", "1450", "1470", "4110") == [
        Decimal("607.51"), Decimal("1412.49"), 0, 0, -20
    ]  # fmt: skip
    loans_prove(business_date=dt.date(2026, 2, 1))


def test_a_payroll_file_has_an_entry_a_loan() -> None:
    """12,000.00 over 12 months at 12 %: 1,066.19 a month, 120.00 of the first is interest; begun a month ago."""
    today_set(dt.date(2026, 2, 1))
    loans = [loan_make(start=dt.date(2026, 1, 1)) for _ in range(2)]
    money = services.Money(106_619, channel="payroll")
    lines = [services.Line(asked(), loan.pk, services.Act("repayment", money)) for loan in loans]
    results = services.acts_carry_out(lines=lines, user=None, at=clock.now())
    events = [loan.events.get(pk=one.event_id) for loan, one in zip(loans, results, strict=True)]
    assert len({event.journal_id for event in events}) == 2
    for event in events:
        made = entry(services.Done(event, Loan.objects.get(pk=event.loan_id)))
        assert (made.pop("1410"), made.pop("1450")) == ("C 946.19", "C 120.00")
        assert list(made.values()) == ["D 1066.19"], "what the employer owes until its transfer comes"
