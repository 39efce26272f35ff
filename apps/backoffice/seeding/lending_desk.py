"""The rest of the demo's lending: groups, credit lines, what stands behind loans, promises, officers, provisions.

All of it goes through the services of lending. Run again after a break it does only what is not there yet.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import random
from collections.abc import Sequence
from decimal import Decimal

from apps.accounts.models import Account
from apps.backoffice.seeding.loans import groups_plan
from apps.backoffice.seeding.people import Plan
from apps.identity.models import Branch, User
from apps.ledger.selectors import journal_entries
from apps.lending import credit_lines
from apps.lending.arrears_promises import officer_set, promise_make
from apps.lending.closing_parts import ranges_with_loans
from apps.lending.collateral import collateral_add, valuation_add
from apps.lending.groups import group_create, group_join
from apps.lending.guarantors import guarantor_add
from apps.lending.models import (
    Collateral,
    CreditLine,
    Guarantor,
    Loan,
    LoanGroup,
    LoanGroupMember,
    LoanOfficer,
    LoanProduct,
    PaymentPromise,
)
from apps.lending.provisions import loans_provide
from apps.lending.services import Asked

SHILLING = 100
SECURED_MAX = 40
OFFICER_MAX = 60
PROMISES = 5
LINES = 3, 40  # at least, at most
CARS = ("Toyota Probox 2017", "Isuzu D-Max 2019", "Mazda Demio 2018", "Nissan Note 2016", "Subaru Forester 2015")
REASONS = ("Stock before the holidays", "Seasonal working capital", "Between orders and payments")


class LendingDesk:
    """What the pages of lending show besides loans. `play` answers with how many entries of the journal that took."""

    def __init__(self, plan: Plan, *, staff: dict[str, User], branches: dict[str, Branch], at: dt.datetime) -> None:
        self._plan, self._staff, self._branches, self._at = plan, staff, branches, at
        self._rng = random.Random(f"{plan.seed}:{plan.profile.name}:desk")  # noqa: S311  (must repeat, not be secret)

    def play(self) -> int:
        """Everything in its order."""
        before = journal_entries(refused=True).count()
        self._groups()
        self._lines()
        self._security()
        self._work()
        for partition in ranges_with_loans():
            loans_provide(partition=partition, business_date=self._plan.today)
        return journal_entries(refused=True).count() - before

    def _groups(self) -> None:
        for one in groups_plan(self._plan):
            branch = self._branches[one.place]
            group = LoanGroup.objects.filter(branch=branch, name=one.name).first() or group_create(
                acting_user=self._staff["loan_officer"], name=one.name, branch_id=branch.pk, meets_on=one.meets_on,
                at=self._at,
            )  # fmt: skip
            known = set(LoanGroupMember.objects.filter(group=group).values_list("member", flat=True))
            for member in one.members:
                if member.id not in known:
                    group_join(
                        acting_user=self._staff["loan_officer"], group=group, member_id=member.id,
                        today=one.start - dt.timedelta(days=7), at=self._at,
                    )  # fmt: skip

    def _lines(self) -> None:
        """Credit lines of traders and businesses: of eight one is still asked for, and one is blocked."""
        product = LoanProduct.objects.get(code="LINE")
        found = Account.objects.select_related("member").filter(
            currency="KES", status="active", product__code__in=("BIZ-KES", "CUR-KES"), member__status="active"
        )
        least, most = LINES
        count = min(max(len(self._plan.members) // 120, least), most)
        for n, account in enumerate(found.order_by("-product__code", "number")[:count]):
            self._line(n, account, product)

    def _line(self, n: int, account: Account, product: LoanProduct) -> None:
        officer, manager, today = self._staff["loan_officer"], self._staff["branch_manager"], self._plan.today
        line = CreditLine.objects.filter(account=account).first() or credit_lines.credit_line_request(
            acting_user=officer, product_id=product.pk, member_id=account.member_id, account_id=account.pk,
            limit=(5 + 3 * (n % 7)) * 20_000 * SHILLING, purpose=REASONS[n % len(REASONS)], business_date=today,
            at=self._at,
        )  # fmt: skip
        if n % 8 == 2:
            return
        if line.status == CreditLine.Status.REQUESTED:
            line = credit_lines.credit_line_decide(
                acting_user=manager, line_id=line.pk, approve=True, business_date=today, at=self._at,
                review_on=today + dt.timedelta(days=30 * (n % 6 + 1)),
            )  # fmt: skip
        if line.status == CreditLine.Status.ACTIVE:
            key = f"demo line {line.number}"
            asked = Asked(officer, key, hashlib.sha256(key.encode()).digest())
            amount = line.limit * (2 + n % 7) // 10
            credit_lines.credit_line_draw(asked=asked, line_id=line.pk, amount=amount, at=self._at)
        if n % 8 == 7 and line.status == CreditLine.Status.ACTIVE:
            credit_lines.credit_line_change(
                acting_user=manager, line_id=line.pk, action="block", note="Turnover on the account has fallen",
                at=self._at,
            )  # fmt: skip

    def _security(self) -> None:
        """Cars behind car loans, and members who vouch for loans of businesses."""
        for n, loan in enumerate(self._active("CAR", SECURED_MAX)):
            if not Collateral.objects.filter(loan=loan).exists():
                thing = collateral_add(
                    acting_user=self._staff["loan_officer"], loan_id=loan.pk, kind="vehicle",
                    description=CARS[n % len(CARS)], reference=f"KD{chr(65 + n % 20)} {100 + 7 * n}T",
                    share=Decimal("0.7"), owner=loan.member.display_name, at=self._at,
                )  # fmt: skip
                valuation_add(
                    acting_user=self._staff["loan_officer"], collateral_id=thing.pk,
                    valued_on=loan.started_on or self._plan.today,
                    amount=loan.principal * (100 + 10 * (n % 6)) // 100, valuer="Regent Valuers",
                    today=self._plan.today, at=self._at,
                )  # fmt: skip
        people = [one for one in self._plan.members if one.kind == "person" and not one.dormant and one.index]
        for loan in self._active("BUSINESS", SECURED_MAX):
            person = self._rng.choice(people)
            if person.id != loan.member_id and not Guarantor.objects.filter(loan=loan).exists():
                guarantor_add(
                    acting_user=self._staff["loan_officer"], loan_id=loan.pk, member_id=person.id,
                    amount=loan.principal // 2, at=self._at,
                )  # fmt: skip

    def _work(self) -> None:
        """What the demo's loan officer looks after, and what late borrowers promised."""
        officer, today = self._staff["loan_officer"], self._plan.today
        mine = Loan.objects.filter(status=Loan.Status.ACTIVE, branch=self._branches["NBO"]).order_by("number")
        for loan in mine.filter(officer__isnull=True)[: max(OFFICER_MAX - LoanOfficer.objects.count(), 0)]:
            officer_set(acting_user=None, loan_id=loan.pk, officer=officer, today=today, at=self._at)
        late = mine.filter(standing__days_past_due__gt=0, promises__isnull=True).select_related("standing")
        for n, loan in enumerate(late[: max(PROMISES - PaymentPromise.objects.count(), 0)]):
            promise_make(
                acting_user=officer, loan_id=loan.pk, due_on=today + dt.timedelta(days=n), today=today, at=self._at,
                amount=loan.standing.overdue_total, note="By phone",
            )  # fmt: skip

    def _active(self, code: str, count: int) -> Sequence[Loan]:
        loans = Loan.objects.filter(product__code=code, status=Loan.Status.ACTIVE)
        return list(loans.select_related("member").order_by("number")[:count])
