"""What the pages of deposits show: terms at once and by instalments, shares with a dividend, a joint account's mandate.

All of it goes through the services of accounts, from the first day of the open month, whose interest is accrued. Each
part can be repeated: what is there is left alone.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from decimal import Decimal

from apps.accounts import actions, services
from apps.accounts.models import Account, AccountProduct, Dividend, MandateRule, Nominee, TermDeposit
from apps.accounts.services import MandateTerms
from apps.approvals.services import request_submit
from apps.backoffice.seeding.people import AccountPlan, Plan
from apps.balances.selectors import balances_read
from apps.balances.services import Leg, Posting, postings_post
from apps.identity.models import User
from apps.ledger.selectors import journal_entries

SHILLING = 100
LEAST = 40_000 * SHILLING  # what was on the account all month
FIXED = ((3, "payout"), (6, "renew_principal"), (12, "renew_all"))  # months, and what is done then
RECURRING = ((12, "monthly"), (24, "quarterly"))
SHAREHOLDERS, SHARES = 6, 5_000 * SHILLING
ALONE = 20_000 * SHILLING  # any holder of the joint account up to this, all of them above
NOTE = "Asked to be called before payments above KES 100,000."


class Deposits:
    """Deposits of the demo bank; `opened` counts accounts. A small bank may have too few full ones for all of them."""

    def __init__(self, plan: Plan, *, blocked: set[int], staff: dict[str, User], at: dt.datetime) -> None:
        self._plan, self._staff, self._at = plan, staff, at
        self._first = plan.today.replace(day=1)
        self.opened = 0
        people = [
            a for a in plan.accounts
            if a.index not in blocked and a.currency == "KES" and a.member.kind == "person" and a.member.index > 0
            and a.interest_base > LEAST and not a.holders and a.opened_on < self._first
        ]  # fmt: skip
        held = balances_read(account_ids=[account.ledger_id for account in people])
        self._able = [account for account in people if held[account.ledger_id].available > LEAST]

    def play(self) -> int:
        """Set everything up; how many entries of the journal that took."""
        before = journal_entries(refused=True).count()
        spare = iter(self._able)
        for months, instruction in FIXED:
            self._term(next(spare, None), "FIX-KES", 25_000 * SHILLING, months, instruction)
        for months, frequency in RECURRING:
            self._term(next(spare, None), "RD-KES", 2_000 * SHILLING, months, "payout", frequency)
        for _ in range(SHAREHOLDERS):
            self._shares(next(spare, None))
        self._joint(next(spare, None), next(spare, None))
        return journal_entries(refused=True).count() - before

    def _account(self, owner: AccountPlan, product: str, user: User) -> Account:
        kept = Account.objects.filter(member=owner.member.id, product__code=product).first()
        if kept is not None:
            return kept
        self.opened += 1
        return services.account_open(
            acting_user=user,
            product_id=AccountProduct.objects.get(code=product).pk,
            member_id=owner.member.id,
            opened_on=self._first,
        )

    def _manager(self, owner: AccountPlan) -> User:
        return self._staff[f"manager:{owner.member.place.code}"]

    def _term(
        self, owner: AccountPlan | None, product: str, amount: int, months: int, instruction: str, frequency: str = ""
    ) -> None:
        if owner is None:
            return
        user = self._manager(owner)
        account = self._account(owner, product, user)
        if not TermDeposit.objects.filter(account=account).exists():
            services.term_deposit_place(
                acting_user=user, account_id=account.pk, source_id=owner.id, amount=amount, months=months,
                instruction=instruction, frequency=frequency, today=self._first,
            )  # fmt: skip

    def _shares(self, owner: AccountPlan | None) -> None:
        if owner is None:
            return
        user = self._manager(owner)
        account = self._account(owner, "SHR-KES", user)
        key = f"seed-shares-{owner.number}"
        posting = Posting(
            transaction_id=uuid.uuid5(user.pk, key),
            client_id=str(user.pk),
            key=key,
            fingerprint=hashlib.sha256(key.encode()).digest(),
            kind="transfer",
            legs=(Leg(owner.ledger_id, -SHARES, "KES"), Leg(account.ledger_account_id, SHARES, "KES")),
            business_date=self._first,
            channel="branch",
            description="Shares bought",
        )
        postings_post([posting], actor_id=user.pk, correlation_id="seed")

    def _joint(self, owner: AccountPlan | None, partner: AccountPlan | None) -> None:
        """A couple's account: either signs for small amounts, both for large ones; a nominee, and a note."""
        if owner is None or partner is None or MandateRule.objects.filter(account=owner.id).exists():
            return
        user, today = self._manager(owner), self._plan.today
        services.holder_add(
            acting_user=user, account_id=owner.id, expected_version=self._version(owner), member_id=partner.member.id,
            role="joint", since=today, today=today,
        )  # fmt: skip
        services.mandate_set(
            acting_user=user, account_id=owner.id, expected_version=self._version(owner),
            rules=[MandateTerms(ALONE, "any"), MandateTerms(None, "all")], since=today, today=today,
        )  # fmt: skip
        if not Nominee.objects.filter(account=owner.id).exists():
            services.nominee_set(
                acting_user=user, account_id=owner.id, expected_version=self._version(owner), name="Grace Wambui",
                relationship="Daughter", contact="+254700000000", today=today,
            )  # fmt: skip
        account = Account.objects.get(pk=owner.id)
        services.note_add(acting_user=user, account=account, text=NOTE, at=self._at)

    def _version(self, owner: AccountPlan) -> int:
        return int(Account.objects.values_list("version", flat=True).get(pk=owner.id))

    def dividend(self) -> None:
        """An interim dividend on the shares of this month, waiting for approval; once the month's days are accrued."""
        product = AccountProduct.objects.get(code="SHR-KES")
        until = self._plan.today - dt.timedelta(days=1)
        if until < self._first or Dividend.objects.exists() or not Account.objects.filter(product=product).exists():
            return
        finance = User.objects.prefetch_related("user_roles__role").get(pk=self._staff["finance"].pk)
        drawn = services.dividend_draw(
            acting_user=finance, product_id=product.pk, starts_on=self._first, ends_on=until, rate=Decimal("0.01"),
            tax_rate=Decimal("0.05"), basis="average", pay_to="deposits", today=self._plan.today,
        )  # fmt: skip
        request_submit(
            kind=actions.DIVIDEND, maker=finance, at=self._at, key="demo dividend",
            payload=actions.dividend_payload(dividend=drawn, version=drawn.version),
        )  # fmt: skip
