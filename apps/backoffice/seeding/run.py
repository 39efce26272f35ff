"""The one entry point: fill an empty database with a demo bank, or finish one whose seeding was cut off."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from django.conf import settings
from django.core.management import call_command

from apps.audit.services import record
from apps.backoffice.seeding import closing, writer
from apps.backoffice.seeding.approvals import requests_open
from apps.backoffice.seeding.books import NAMESPACE
from apps.backoffice.seeding.counter import Counter
from apps.backoffice.seeding.days import days_play
from apps.backoffice.seeding.deposits import Deposits
from apps.backoffice.seeding.lending_desk import LendingDesk
from apps.backoffice.seeding.loans import loans_write
from apps.backoffice.seeding.people import Plan, plan_make
from apps.backoffice.seeding.profiles import PROFILES
from apps.backoffice.seeding.state import SeedState, state_read
from apps.ledger.selectors import business_date_current

RESET = (
    "To start over: `make down`, remove the data folder (var/, or NUMINA_HOME when set), `make run`; "
    "with a database of your own: drop and create it, then `manage.py migrate`."
)


class SeedRefused(Exception):
    """The database is not one to seed. The text says why and what to do."""


class Reporter(Protocol):
    """Shows how far a step is: `with reporter.step("Members", 5000) as advance: advance(100)`."""

    def step(self, title: str, total: int | None) -> AbstractContextManager[Callable[[int], None]]: ...


@dataclass(slots=True)
class SeedReport:
    """What was done; `counter` (with deposits) and `loans` count entries. Seconds by step; `differences` of the trial
    balance by currency, minor units."""

    profile: str
    seed: int
    business_date: str
    resumed: bool = False
    members: int = 0
    accounts: int = 0
    entries: int = 0
    refused: int = 0
    counter: int = 0
    loans: int = 0
    holds: int = 0
    overdrawn: int = 0
    periods: int = 0
    sealed: int = 0
    entries_per_second: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    differences: dict[str, int] = field(default_factory=dict)
    verified: bool = False
    faults: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """The books balance and nothing was found wrong."""
        return not self.faults and not any(self.differences.values())

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "ok": self.ok}


def seed_run(
    *, profile: str, seed: int, at: dt.datetime, reporter: Reporter, if_empty: bool = False, verify: bool | None = None
) -> SeedReport | None:
    """Seed the database; returns None when `if_empty` and there is a bank already.

    What a cut-off run left is finished with the business day it began with. `verify` None leaves the proof from the
    lines to the profile. Raises `SeedRefused` where demo data is not allowed or other data is in the way, and
    `SeedDiffers` when the books have moved since the run that was cut off.
    """
    if not settings.NUMINA.get("DEMO_ALLOWED", False):
        raise SeedRefused(
            "Demo data comes with well-known passwords; this installation (production settings) refuses it."
        )
    state = state_read()
    if if_empty and (state.finished or (state.members and not state.started)):
        return None
    _refuse(state, profile, seed)
    call_command("load_reference_data", json=True, stdout=_Nowhere())
    today = state.today or business_date_current()
    plan = plan_make(profile=PROFILES[profile], seed=seed, today=today)
    if not state.started:
        facts = {"profile": profile, "seed": seed, "today": today.isoformat()}
        record(action="backoffice.seed.started", acting_user=None, after=facts, reason="demo bank")
    with writer.session_for_bulk():
        report = _Run(plan, at=at, reporter=reporter, resuming=state.started).all(
            verify=plan.profile.proved if verify is None else verify
        )
    if report.ok:
        record(action="backoffice.seed.finished", acting_user=None, after=report.as_dict(), reason="demo bank")
    return report


def _refuse(state: SeedState, profile: str, seed: int) -> None:
    if state.finished:
        raise SeedRefused(f"The demo bank is there already ({state.profile}, seed {state.seed}). {RESET}")
    if state.started and (state.profile, state.seed) != (profile, seed):
        raise SeedRefused(
            f"The database is half seeded: finish it with --profile {state.profile} --seed {state.seed}. {RESET}"
        )
    if state.members and not state.started:
        raise SeedRefused(
            f"The database holds {state.members} members. Seeding needs an empty one; --if-empty leaves this as it is. "
            f"{RESET}"
        )


class _Nowhere:
    """An output that nobody reads."""

    def write(self, text: str) -> int:
        return len(text)


class _Run:
    def __init__(self, plan: Plan, *, at: dt.datetime, reporter: Reporter, resuming: bool) -> None:
        self._plan = plan
        self._at = at
        self._reporter = reporter
        self._resuming = resuming
        self._client = uuid.uuid5(NAMESPACE, f"{plan.profile.name}:{plan.seed}")
        self._report = SeedReport(
            profile=plan.profile.name,
            seed=plan.seed,
            business_date=plan.today.isoformat(),
            resumed=resuming,
            members=len(plan.members),
            accounts=len(plan.accounts),
        )

    def all(self, *, verify: bool) -> SeedReport:
        """Every part in its order."""
        plan, report = self._plan, self._report
        branches = self._step("Branches and staff", None, lambda _: writer.branches_write())
        staff = self._step("Staff", None, lambda _: writer.staff_write(branches))
        self._step(
            "Members", len(plan.members), lambda advance: writer.members_write(plan, branches, staff["member"], advance)
        )
        self._step("Accounts", len(plan.accounts), lambda advance: writer.accounts_write(plan, branches, advance))
        recent = closing.Recent(days_play(plan, resolve=writer.internal_accounts(branches)), keep=300)
        actors = {key: user.pk for key, user in staff.items()}
        total = plan.profile.transactions - plan.profile.reversals
        outcomes = self._step(
            "Transactions",
            total,
            lambda advance: writer.entries_post(recent, actors, resuming=self._resuming, advance=advance),
        )
        blocked = self._step("Blocks, holds, reversals", None, lambda _: self._after(recent, staff))
        counter = Counter(plan, blocked=blocked, staff=staff, branches=branches, at=self._at)
        report.counter = self._step("Counter", None, lambda _: counter.play())
        deposits = Deposits(plan, blocked=blocked, staff=staff, at=self._at)
        report.counter += self._step("Deposits", None, lambda _: deposits.play())
        report.accounts += deposits.opened
        report.loans = self._step("Loans", None, lambda _: loans_write(plan, branches, at=self._at))
        desk = LendingDesk(plan, staff=staff, branches=branches, at=self._at)
        report.loans += self._step("Lending desk", None, lambda _: desk.play())
        added = plan.profile.reversals + report.counter + report.loans
        report.entries = sum(outcomes.values()) + added
        report.refused = report.entries - outcomes.get("OK", 0) - added
        report.entries_per_second = round(total / max(report.seconds["Transactions"], 0.001))
        report.overdrawn = closing.overdrawn(plan.accounts)
        report.periods = self._step("Periods", None, lambda _: closing.periods_write(plan, user=staff["finance"]))
        report.sealed = self._step(
            "Seal of the journal",
            None,
            lambda _: closing.journal_seal(at=self._at, wanted=0 if self._resuming else report.entries),
        )
        self._step("Interest", None, lambda _: closing.interest_accrue(today=plan.today))
        self._step("Dividend", None, lambda _: deposits.dividend())
        paid_in = self._step("Requests for approval", None, lambda _: requests_open(staff=staff, at=self._at))
        report.counter += paid_in
        report.entries += paid_in
        self._step("Statistics", None, lambda _: writer.statistics_refresh())
        report.differences, report.faults = self._step("Proof", None, lambda _: closing.proof(plan, verify=verify))
        report.verified = verify
        return report

    def _after(self, recent: closing.Recent, staff: dict[str, Any]) -> set[int]:
        plan = self._plan
        closing.transfers_reverse(
            recent, count=plan.profile.reversals, client=self._client, actor_id=staff["manager:NBO"].pk
        )
        blocked = closing.accounts_block(plan, staff)
        self._report.holds = closing.holds_place(plan, blocked=blocked, staff=staff, client=self._client, at=self._at)
        return blocked

    def _step(self, title: str, total: int | None, work: Callable[[Callable[[int], None]], Any]) -> Any:
        started = time.monotonic()
        with self._reporter.step(title, total) as advance:
            result = work(advance)
        self._report.seconds[title] = round(time.monotonic() - started, 2)
        return result
