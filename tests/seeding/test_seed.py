"""The demo bank: complete, the same for the same seed, and with books that prove."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction

from apps.accounts.models import Account, AccountHolder, TermDeposit
from apps.accounts.selectors import accounts_visible_to
from apps.accounts.services import account_status_set
from apps.approvals.models import ApprovalRequest
from apps.audit.models import AuditEvent
from apps.backoffice.seeding import run, writer
from apps.backoffice.seeding.books import Entry
from apps.backoffice.seeding.days import days_play
from apps.backoffice.seeding.people import Plan, plan_make
from apps.backoffice.seeding.profiles import PROFILES, Profile
from apps.balances.selectors import balance_read, balances_read, books_verify
from apps.core.check_digits import luhn_valid
from apps.core.money import Money
from apps.identity.models import Branch, User
from apps.ledger.models import AccountingPeriod, JournalEntry, LedgerAccount
from apps.ledger.selectors import TrialBalance, business_date_current, trial_balance
from apps.lending.models import Collateral, CreditLine, Guarantor, LoanGroup, LoanOfficer
from apps.members.models import Member
from tests.factories.members import MemberFactory

TODAY = dt.date(2026, 11, 20)
TINY = PROFILES["tiny"]
CASH = ("1110", "1120", "1210", "1220", "1310")
PLANNED = ("CUR-KES", "WAL-KES", "SAV-KES", "SAV-USD", "CUR-EUR", "BIZ-KES")


def played(profile: Profile = TINY, seed: int = 42, today: dt.date = TODAY) -> tuple[Plan, list[Entry]]:
    """A plan and all its entries, with made-up ledger ids, without a database."""
    plan = plan_make(profile=profile, seed=seed, today=today)
    for account in plan.accounts:
        account.ledger_id = 1_000 + account.index
    ids: dict[tuple[str, ...], int] = {}
    days = days_play(plan, resolve=lambda *key: ids.setdefault(key, len(ids) + 1))
    return plan, [entry for day in days for entry in day]


def seed(**options: Any) -> dict[str, Any]:
    """Run the command and return its JSON; empty when it did nothing."""
    output = StringIO()
    call_command("seed", profile="tiny", json=True, stdout=output, **options)
    return json.loads(output.getvalue() or "{}")


@pytest.fixture(scope="class")
def seeded(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Any]]:
    """The tiny bank for all tests of a class, which only look at it; undone after the last."""
    with django_db_blocker.unblock(), rolled_back():
        yield seed()


def net_by_code(balance: TrialBalance) -> dict[tuple[str, str], int]:
    return {(row.currency, row.code): row.net for row in balance.rows}


class TestPlan:
    def test_same_seed_gives_the_same_bank(self) -> None:
        (one, entries), (two, again) = played(), played()
        assert [(m.id, m.number, m.display_name) for m in one.members] == [
            (m.id, m.number, m.display_name) for m in two.members
        ]
        assert [(a.id, a.number, a.balance) for a in one.accounts] == [
            (a.id, a.number, a.balance) for a in two.accounts
        ]
        assert entries == again

    def test_another_seed_gives_another_bank(self) -> None:
        (one, entries), (two, others) = played(), played(seed=43)
        assert [m.display_name for m in one.members[1:]] != [m.display_name for m in two.members[1:]]
        assert not {e.posting.transaction_id for e in entries} & {e.posting.transaction_id for e in others}

    @pytest.mark.parametrize(
        "today",
        [dt.date(2026, 11, 20), dt.date(2026, 3, 1), dt.date(2024, 2, 29), dt.date(2027, 1, 31), dt.date(2026, 5, 10)],
    )
    def test_exact_number_of_entries_on_any_day(self, today: dt.date) -> None:
        plan, entries = played(today=today)
        assert len(entries) == TINY.transactions - TINY.reversals
        assert len(plan.accounts) == TINY.accounts
        assert len(plan.members) == TINY.members
        assert {entry.posting.business_date for entry in entries} <= {
            plan.first + dt.timedelta(days=n) for n in range((today - plan.first).days + 1)
        }

    def test_every_entry_sums_to_zero_and_days_go_forward(self) -> None:
        _, entries = played()
        assert all(sum(leg.amount for leg in entry.posting.legs) == 0 for entry in entries)
        days = [entry.posting.business_date for entry in entries]
        assert days == sorted(days)  # type: ignore[type-var]

    def test_nobody_is_overdrawn_beyond_the_limit(self) -> None:
        plan, _ = played()
        assert all(account.available >= 0 for account in plan.accounts)

    def test_a_longer_bank_has_all_that_the_demo_shows(self) -> None:
        """A year of the demo's habits in small: what screens and reports are there to show exists."""
        profile = Profile("small", members=400, accounts=640, transactions=12_000, months=12, reversals=3)
        plan, entries = played(profile)
        texts = {entry.posting.description.split(" ")[0] for entry in entries}
        assert {"Salary", "Rent", "School", "Takings", "Airtime", "ATM", "Interest", "Settlement:", "Wages,"} <= texts
        school = {e.posting.business_date.month for e in entries if e.posting.description.startswith("School fees")}  # type: ignore[union-attr]
        assert school == {1, 5, 9}
        assert {account.currency for account in plan.accounts} == {"KES", "USD", "EUR"}
        assert any(account.balance < 0 for account in plan.accounts)
        assert any(account.holders for account in plan.accounts)
        assert any(member.dormant for member in plan.members)
        assert {entry.expected for entry in entries} == {"OK", "NSF"}


class TestSeeded:
    def test_counts(self, seeded: dict[str, Any]) -> None:
        assert Member.objects.count() == TINY.members
        assert TINY.accounts < Account.objects.count() == seeded["accounts"]
        entries = JournalEntry.objects.exclude(kind="interest_accrual")
        assert entries.count() == TINY.transactions + seeded["counter"] + seeded["loans"] == seeded["entries"]
        assert JournalEntry.objects.exclude(outcome="OK").count() == seeded["refused"]
        assert set(Branch.objects.values_list("code", flat=True)) >= {"HQ", "NBO", "KSM", "MSA"}
        for branch in ("NBO", "KSM", "MSA"):
            assert User.objects.filter(branch__code=branch, roles__code="branch_manager").exists()
        assert set(Account.objects.values_list("currency", flat=True)) == {"KES", "USD", "EUR"}
        assert set(Account.objects.values_list("status", flat=True)) == {
            "active",
            "frozen",
            "debit_blocked",
            "credit_blocked",
        }
        assert AccountHolder.objects.exists()
        assert TermDeposit.objects.exists()
        assert all(model.objects.exists() for model in (LoanGroup, CreditLine, Collateral, Guarantor, LoanOfficer))

    def test_the_books_prove(self, seeded: dict[str, Any]) -> None:
        assert seeded["ok"]
        assert books_verify().faults == []
        balance = trial_balance(as_of=business_date_current())
        assert set(balance.differences.values()) == {0}
        assert set(balance.differences) == {"KES", "USD", "EUR"}

    def test_cash_is_never_negative_and_opening_balances_are_used_up(self, seeded: dict[str, Any]) -> None:
        net = net_by_code(trial_balance(as_of=business_date_current()))
        for (currency, code), amount in net.items():
            if code in CASH:
                assert amount <= 0, f"{code} {currency} is overdrawn by {amount}"
            if code == "3390":
                assert amount == 0
        for branch in Branch.objects.filter(code__in=["NBO", "KSM", "MSA"]):
            tills = net_by_code(trial_balance(as_of=business_date_current(), branch_ids=[branch.pk]))
            assert tills["KES", "1120"] < 0

    def test_every_month_has_a_period_that_takes_a_history_of_ones_own(self, seeded: dict[str, Any]) -> None:
        states = list(AccountingPeriod.objects.order_by("starts_on").values_list("status", flat=True))
        assert states == ["open"] * TINY.months

    def test_members_and_accounts_have_their_history(self, seeded: dict[str, Any]) -> None:
        assert Member.history.count() >= TINY.members
        assert Account.history.filter(history_type="+").count() == seeded["accounts"]
        assert AccountHolder.history.count() == AccountHolder.objects.count()

    def test_numbers_are_checked_and_the_sequences_go_on_after_them(self, seeded: dict[str, Any]) -> None:
        numbers = Account.objects.values_list("number", flat=True)
        assert all(luhn_valid(number) for number in numbers)
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval('members_number_seq'), nextval('accounts_number_seq')")
            assert cursor.fetchone() >= (TINY.members + 1, TINY.accounts + 1)

    def test_transfers_that_wait_for_approval_can_be_carried_out(self, seeded: dict[str, Any]) -> None:
        waiting = [one.payload for one in ApprovalRequest.objects.filter(kind="payments.transfer")]
        assert len(waiting) == 3
        for payload in waiting:
            source = Account.objects.get(number=payload["source"])
            has = balance_read(account_id=source.ledger_account_id).available
            assert has >= Money.parse(payload["amount"], "KES").minor

    def test_account_status_and_limit_are_those_of_the_balance(self, seeded: dict[str, Any]) -> None:
        wanted = {"active": "O", "frozen": "F", "debit_blocked": "D", "credit_blocked": "C"}
        accounts = list(Account.objects.all())
        views = balances_read(account_ids=[account.ledger_account_id for account in accounts])
        for account in accounts:
            view = views[account.ledger_account_id]
            assert (view.status, view.overdraft_limit) == (wanted[account.status], account.overdraft_limit)

    def test_the_member_login_has_three_accounts_with_history(self, seeded: dict[str, Any]) -> None:
        user = User.objects.get(email="member@numina.example")
        accounts = list(accounts_visible_to(user).filter(member__user=user))
        assert {account.product.code for account in accounts} == {"CUR-KES", "SAV-KES", "WAL-KES"}
        for account in accounts:
            assert account.ledger_account.lines.count() >= 5
            assert account.status == "active"

    def test_cash_was_taken_by_the_teller_of_the_branch(self, seeded: dict[str, Any]) -> None:
        entries = JournalEntry.objects.filter(channel="branch", description="Cash deposit").prefetch_related(
            "lines__account__branch"
        )
        tellers = {user.pk: user.branch for user in User.objects.filter(roles__code="teller")}
        assert entries
        for entry in entries:
            till = next(line.account for line in entry.lines.all() if line.account.kind == LedgerAccount.Kind.INTERNAL)
            assert tellers[entry.actor] == till.branch

    def test_a_second_time_is_refused_and_says_what_to_do(self, seeded: dict[str, Any]) -> None:
        with pytest.raises(CommandError, match=r"there already .*make down"):
            seed()

    def test_if_empty_is_quiet_when_there_are_members(self, seeded: dict[str, Any]) -> None:
        output = StringIO()
        call_command("seed", profile="demo", if_empty=True, stdout=output)
        assert output.getvalue() == ""


class TestRefusals:
    def test_members_of_others_are_in_the_way(self, db: None) -> None:
        MemberFactory()
        with pytest.raises(CommandError, match="needs an empty one"):
            seed()
        assert seed(if_empty=True) == {}

    def test_refused_where_demo_data_is_not_allowed(self, db: None, settings: Any) -> None:
        settings.NUMINA = {**settings.NUMINA, "DEMO_ALLOWED": False}
        with pytest.raises(CommandError, match="refuses it"):
            seed()
        assert not Member.objects.exists()

    def test_cut_off_with_another_profile_says_how_to_finish(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        cut_off_after(monkeypatch, calls=20)
        with pytest.raises(RuntimeError, match="cut off"):
            seed()
        with pytest.raises(CommandError, match="half seeded: finish it with --profile tiny --seed 42"):
            seed(seed=7)


class TestResume:
    def test_two_runs_give_equal_books_even_when_one_was_cut_off(
        self, db: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with rolled_back():
            seed()
            whole = snapshot()
        with monkeypatch.context() as patch:
            cut_off_after(patch, calls=100)
            with pytest.raises(RuntimeError, match="cut off"):
                seed()
        assert 0 < JournalEntry.objects.count() < TINY.transactions
        report = seed(if_empty=True)
        assert report["resumed"]
        assert report["ok"]
        assert snapshot() == whole
        assert AuditEvent.objects.filter(action="backoffice.seed.started").count() == 1

    def test_books_that_moved_in_between_are_noticed(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as patch:
            cut_off_after(patch, calls=100)
            with pytest.raises(RuntimeError, match="cut off"):
                seed()
        ids = list(Account.objects.values_list("id", "version", "member__user_id"))

        for pk, version, _ in ids:
            account_status_set(
                acting_user=None, account_id=pk, expected_version=version, status="frozen", reason="test"
            )
        with pytest.raises(CommandError, match="moved since"):
            seed()


def snapshot() -> tuple[Any, ...]:
    """What must be the same in two banks of one seed."""
    return (
        net_by_code(trial_balance(as_of=business_date_current())),
        list(Member.objects.order_by("number").values_list("id", "number", "first_name", "last_name")),
        # What services open and post has ids of its makers, which are new in every bank: deposits, shares, the counter.
        list(
            Account.objects.filter(product__code__in=PLANNED).order_by("number").values_list("id", "number", "status")
        ),
        list(
            JournalEntry.objects.filter(correlation_id="seed")
            .exclude(description="Shares bought")
            .order_by("id")
            .values_list("transaction_id", "outcome", "business_date")
        ),
    )


def cut_off_after(monkeypatch: pytest.MonkeyPatch, *, calls: int) -> None:
    """Have the seeding die after so many postings calls."""
    real, left = writer.postings_post, [calls]

    def post(*args: Any, **options: Any) -> Any:
        if left[0] == 0:
            raise RuntimeError("cut off")
        left[0] -= 1
        return real(*args, **options)

    monkeypatch.setattr(writer, "postings_post", post)


class rolled_back:  # noqa: N801  (reads as a word in a with statement)
    """Undo what the block did."""

    def __enter__(self) -> None:
        self._atomic = transaction.atomic()
        self._atomic._from_testcase = True  # type: ignore[attr-defined]  # money may move inside, as in a test's own block
        self._atomic.__enter__()

    def __exit__(self, *error: Any) -> None:
        transaction.set_rollback(True)
        self._atomic.__exit__(None, None, None)


def test_background_poster_stops_at_the_first_failure() -> None:
    done: list[int] = []

    def work(number: int) -> None:
        if number == 2:
            raise ValueError("no")
        done.append(number)

    def submit_all() -> None:
        with writer._Background() as poster:
            for number in range(10):
                poster.submit(work, number)

    poster_start = writer._session_set
    writer._session_set = lambda: None  # type: ignore[assignment]
    try:
        with pytest.raises(ValueError, match="no"):
            submit_all()
    finally:
        writer._session_set = poster_start
    assert done == [0, 1]


def test_reset_text_names_the_commands() -> None:
    assert "make down" in run.RESET
