"""What the counter's pages show: tills at work, standing instructions, cheques and a cash machine.

All of it goes through the services of payments. Each part can be repeated: keys and numbers are the same every time.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import random
import uuid
from decimal import Decimal

from apps.backoffice.seeding.names import EMPLOYERS, PLACES
from apps.backoffice.seeding.people import AccountPlan, Plan
from apps.balances.selectors import balances_read
from apps.core.money import Money
from apps.identity.models import Branch, User
from apps.ledger.selectors import journal_entries
from apps.payments import services
from apps.payments.models import ChequeBook, StandingInstruction, Terminal, Till
from apps.payments.selectors import session_current
from apps.payments.services import Asked, Details, Drawn, Terms

SHILLING = 100
LEAST = 20_000 * SHILLING  # on accounts that the counter's people use
TILLS = ((1, "Till 1"), (2, "Till 2"))
BANKS = ("KCBLKENX", "EQBLKENA", "BARCKENX")


class Counter:
    """The counters of the demo bank. `entries` is the number of journal entries that it added."""

    def __init__(
        self, plan: Plan, *, blocked: set[int], staff: dict[str, User], branches: dict[str, Branch], at: dt.datetime
    ) -> None:
        self._plan, self._staff, self._branches, self._at = plan, staff, branches, at
        self._rng = random.Random(f"{plan.seed}:{plan.profile.name}:counter")  # noqa: S311  (must repeat, not be secret)
        able = [a for a in plan.accounts if a.index not in blocked and a.currency == "KES" and a.balance > LEAST]
        held = balances_read(account_ids=[account.ledger_id for account in able])
        self._able = [account for account in able if held[account.ledger_id].available > LEAST]

    def play(self) -> int:
        """Set everything up and let a morning pass; how many entries of the journal that took."""
        before = journal_entries(refused=True).count()
        for place in PLACES:
            self._till(place.code)
        self._instructions()
        self._cheques()
        self._machine()
        return journal_entries(refused=True).count() - before

    def _of(self, code: str) -> list[AccountPlan]:
        return [account for account in self._able if account.member.place.code == code]

    def _asked(self, user: User, key: str) -> Asked:
        return Asked(user=user, key=f"seed-{key}", fingerprint=hashlib.sha256(key.encode()).digest())

    # -- tills

    def _till(self, code: str) -> None:
        """Two tills a branch; at the first one somebody works since this morning."""
        for number, name in TILLS:
            if not Till.objects.filter(branch=self._branches[code], number=number).exists():
                services.till_create(
                    acting_user=None,
                    branch_code=code,
                    number=number,
                    name=f"{name}, {self._branches[code].name}",
                    currency="KES",
                    holding_limit=1_500_000 * SHILLING,
                    transaction_limit=500_000 * SHILLING,
                    tolerance=50 * SHILLING,
                )
        till = Till.objects.get(branch=self._branches[code], number=1)
        teller, manager = self._staff[f"teller:{code}"], self._staff[f"manager:{code}"]
        if session_current(teller_id=teller.pk) is not None:
            return
        session = services.session_open(acting_user=teller, till_id=till.pk, count={}, at=self._at)
        float_ = services.vault_transfer_ask(
            acting_user=teller, session_id=session.pk, direction="to_till",
            amount=Money(30_000 * SHILLING, "KES"), count={"100000": 20, "50000": 20}, at=self._at,
        )  # fmt: skip
        services.vault_transfer_decide(
            acting_user=manager, transfer_id=float_.pk, expected_version=float_.version, confirm=True, at=self._at
        )
        for number, account in enumerate(self._of(code)[:4]):
            amount = Money(self._rng.randrange(5, 60) * 100 * SHILLING, "KES")
            act, kind = (services.cash_take, "deposit") if number % 2 == 0 else (services.cash_pay, "withdrawal")
            act(
                asked=self._asked(teller, f"counter-{code}-{number}"), session_id=session.pk, account=account.number,
                amount=amount, count={}, at=self._at,
                details=Details(description=f"Cash {kind}", channel="branch", counterparty=account.member.display_name),
            )  # fmt: skip
        services.vault_transfer_ask(
            acting_user=teller, session_id=session.pk, direction="to_vault", amount=Money(10_000 * SHILLING, "KES"),
            count={"100000": 10}, at=self._at,
        )  # fmt: skip

    # -- standing instructions

    def _instructions(self) -> None:
        """Rent, savings and a sweep of the first members; one of them paused, one paid today."""
        today = self._plan.today
        own = [a for a in self._able if a.member.index == 0]
        others = [a for a in self._able if a.member.index > 0]
        if len(others) < 5:
            return
        terms = (
            Terms("fixed", "FREQ=MONTHLY;BYMONTHDAY=1", today, amount=12_500 * SHILLING, description="Rent", retries=3),
            Terms("fixed", "FREQ=WEEKLY;BYDAY=FR", today, amount=500 * SHILLING, description="Club", count_max=52),
            Terms("sweep", "FREQ=MONTHLY;BYMONTHDAY=31", today, keep=15_000 * SHILLING, convention="preceding",
                  description="To savings"),
            Terms("percentage", "FREQ=DAILY", today, percentage=Decimal("2.5"), amount_max=1_000 * SHILLING,
                  convention="none", description="Set aside"),
        )  # fmt: skip
        payers = [*own[:1], *others[:4]][: len(terms)]
        made = []
        for payer, payee, one in zip(payers, others[-len(terms) :], terms, strict=False):
            if payer is payee or StandingInstruction.objects.filter(source=payer.id).exists():
                continue
            user = self._staff[f"teller:{payer.member.place.code}"]
            made.append(
                services.instruction_create(
                    acting_user=user, source=payer.number, destination=payee.number, terms=one, at=self._at
                )
            )
        for instruction in made:
            if instruction.kind == "percentage":
                services.instruction_run(instruction_id=instruction.pk, business_date=today, at=self._at)
            if instruction.count_max:
                services.instruction_pause(
                    acting_user=instruction.created_by, instruction_id=instruction.pk,
                    expected_version=instruction.version, reason="Away until next month", at=self._at,
                )  # fmt: skip

    # -- cheques

    def _cheques(self) -> None:
        """Cheques in clearing, one that came back, and two books with a leaf paid and leaves stopped."""
        for number, account in enumerate(self._able[5:10]):
            code = account.member.place.code
            teller, manager = self._staff[f"teller:{code}"], self._staff[f"manager:{code}"]
            drawn = Drawn(
                BANKS[number % len(BANKS)], f"11{number:08d}", f"{100_017 + number}", self._rng.choice(EMPLOYERS)
            )
            cheque, known = services.cheque_deposit(
                asked=self._asked(teller, f"cheque-{number}"), account=account.number,
                amount=Money(self._rng.randrange(10, 90) * 1_000 * SHILLING, "KES"), drawn=drawn, at=self._at,
            )  # fmt: skip
            if number == 1 and not known:
                services.cheque_return(
                    acting_user=manager, cheque_id=cheque.pk, expected_version=cheque.version,
                    reason="Refer to drawer", at=self._at,
                )  # fmt: skip
        for number, account in enumerate(self._able[10:12]):
            if ChequeBook.objects.filter(account=account.id).exists():
                continue
            teller = self._staff[f"teller:{account.member.place.code}"]
            services.cheque_book_issue(
                acting_user=teller, account=account.number, leaves=25, issued_on=self._plan.today
            )
            services.cheque_pay(
                asked=self._asked(teller, f"leaf-{number}"), account=account.number, number=1,
                amount=Money(2_400 * SHILLING, "KES"), payee="City water", session_id=None, at=self._at,
            )  # fmt: skip
            services.cheque_stop(
                acting_user=teller, account=account.number, first=7, last=8, reason="Lost on the way", at=self._at
            )

    def _machine(self) -> None:
        """A cash machine that has asked for money and not taken it yet."""
        if not Terminal.objects.filter(code="ATM-NBO-1").exists():
            services.terminal_create(
                acting_user=None, code="ATM-NBO-1", name="Cash machine, Moi Avenue", channel="atm", currency="KES",
                amount_max=40_000 * SHILLING, hold_minutes=60,
            )  # fmt: skip
        for number, account in enumerate(self._able[12:14]):
            teller = self._staff[f"teller:{account.member.place.code}"]
            services.authorisation_place(
                asked=self._asked(teller, f"atm-{number}"), terminal_code="ATM-NBO-1", account=account.number,
                amount=Money(4_000 * SHILLING, "KES"), reference=f"{uuid.uuid5(uuid.NAMESPACE_OID, str(number))}"[:12],
                at=self._at,
            )  # fmt: skip
