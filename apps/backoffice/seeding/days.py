"""The days of the demo bank, one after the other, until its open business day."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Callable, Iterator

from apps.backoffice.seeding.bank import Bank
from apps.backoffice.seeding.books import Books, Entry
from apps.backoffice.seeding.customers import (
    SCHOOL_MONTHS,
    TELLER_ACTIONS,
    WEIGHTS,
    Customers,
    pay_date,
)
from apps.backoffice.seeding.names import PLACES
from apps.backoffice.seeding.people import AccountPlan, MemberPlan, Plan
from apps.backoffice.seeding.profiles import month_end, month_starts

# How busy the days of a week are; branches are closed on Sundays.
WEEK = (1.05, 0.95, 0.95, 1.0, 1.3, 1.15, 0.6)
DORMANT_AFTER = 0.2  # dormant members stop after so much of the time
LAST_DAY_MIN = 40  # entries kept for the last day, so that it ends at the number wanted
TRIES_MAX = 200  # on the last day, for each transaction that is still missing


def days_play(plan: Plan, *, resolve: Callable[[str, str, str], int]) -> Iterator[list[Entry]]:
    """Play the bank through and give the entries of each day, in the order in which they must be posted.

    Accounts of the plan have their ledger ids by now; `resolve` gives those of the bank's own accounts for a chart
    code, a branch code and a currency. There are exactly as many entries as the profile says, less its reversals.
    """
    play = _Play(plan, resolve)
    day = plan.first
    while day <= plan.today:
        play.day(day)
        yield play.books.take()
        day += dt.timedelta(days=1)


class _Play:
    def __init__(self, plan: Plan, resolve: Callable[[str, str, str], int]) -> None:
        self._plan = plan
        self._total = plan.profile.transactions - plan.profile.reversals
        self._rng = random.Random(f"{plan.seed}:{plan.profile.name}:days")  # noqa: S311  (must repeat, not be secret)
        self.books = Books(name=f"{plan.profile.name}:{plan.seed}", resolve=resolve)
        self._bank = Bank(plan, self.books)
        self._customers = Customers(rng=self._rng, books=self.books, bank=self._bank, first_year=plan.first.year)
        # The account of the demo login moves every other day or so, however many others there are.
        self._login_weight = max(len(plan.accounts) // 400, 3)
        self._opening: dict[dt.date, list[AccountPlan]] = defaultdict(list)
        for account in plan.accounts:
            account.balance = account.interest_base = 0
            self._opening[max(account.opened_on, plan.first)].append(account)
        self._open: list[AccountPlan] = []
        self._pool: list[AccountPlan] = []  # once for each unit of its weight: an unbiased draw in one step
        self._dormant_from = plan.first + (plan.today - plan.first) * DORMANT_AFTER
        self._months = month_starts(plan.first, plan.today)
        self._budget = self._monthly_budget()
        self._due: dict[dt.date, list[tuple[str, MemberPlan]]] = {}

    def _monthly_budget(self) -> dict[dt.date, int]:
        """How many entries there are in all by the end of each month: more towards the end, as the bank grows."""
        lengths = []
        for index, month in enumerate(self._months):
            days = (min(month_end(month), self._plan.today) - month).days + 1
            lengths.append(days * (1 + 0.5 * index / len(self._months)))
        budget, total = {}, 0.0
        for month, length in zip(self._months, lengths, strict=True):
            total += length
            budget[month] = round(self._total * total / sum(lengths))
        return budget

    def day(self, day: dt.date) -> None:
        """Play one day."""
        self.books.day = day
        fresh = self._opening.pop(day, [])
        if day == self._plan.first:
            founders = [account for account in fresh if account.opened_on < day]
            self._bank.open(founders, {a.index: self._customers.opening_amount(a) for a in founders})
        if day.day == 1:
            self._due = self._month_due(day)
        self._bank.morning(day)
        self._bank.month_work(day)
        for account in fresh:
            self._account_open(account, first_deposit=account.opened_on >= self._plan.first)
        for what, member in self._due.pop(day, []):
            getattr(self._customers, what)(member, day)
        if day == self._plan.today:
            self._free_play(day, self._wanted(day) // 2)
            self._fill_up()
            return
        self._free_play(day, self._wanted(day))
        if day == month_end(day):
            self._bank.interest(self._open, day)
        self._bank.evening(day)

    def _account_open(self, account: AccountPlan, *, first_deposit: bool) -> None:
        self._open.append(account)
        self._customers.account_opened(account)
        weight = WEIGHTS[account.product] * (self._login_weight if account.member.index == 0 else 1)
        self._pool.extend([account] * weight)
        if first_deposit:
            self._customers.first_deposit(account)

    def _month_due(self, month: dt.date) -> dict[dt.date, list[tuple[str, MemberPlan]]]:
        """What falls due in a month: wages, rent and, in three months of the year, school fees."""
        due: dict[dt.date, list[tuple[str, MemberPlan]]] = defaultdict(list)
        for member in self._plan.members:
            if member.dormant and month > self._dormant_from:
                continue
            if member.employer or member.persona == "pensioner":
                due[pay_date(month, member.pay_day)].append(("salary", member))
            if member.instalment:
                due[pay_date(month, 6 + member.index % 5)].append(("standing_order", member))
            if member.rent:
                due[pay_date(month, 2 + member.index % 4)].append(("rent", member))
            if member.school_fee and month.month in SCHOOL_MONTHS:
                due[pay_date(month, 4 + member.index % 9)].append(("school_fees", member))
        return {day: [item for item in items if item[1].joined_on < day] for day, items in due.items()}

    def _wanted(self, day: dt.date) -> int:
        """How many acts of free will this day should have, so that the month comes out near its budget."""
        month, last = day.replace(day=1), min(month_end(day), self._plan.today)
        rest = sum(WEEK[(day.weekday() + ahead) % 7] for ahead in range((last - day).days + 1))
        left = self._budget[month] - self.books.count
        left -= sum(len(items) for due, items in self._due.items() if due <= last)
        left -= sum(len(accounts) for opened, accounts in self._opening.items() if opened <= last)
        if last == self._plan.today and day < last:
            left -= LAST_DAY_MIN
        elif day < last:
            left = max(left, (self._budget[month] - self.books.count) // 4)
        return max(int(left * WEEK[day.weekday()] / rest), 0)

    def _free_play(self, day: dt.date, wanted: int) -> None:
        """What people do on their own account: counters of the branches first, one teller after the other."""
        at_counter: dict[str, list[tuple[AccountPlan, str]]] = {place.code: [] for place in PLACES}
        elsewhere: list[tuple[AccountPlan, str]] = []
        for _ in range(wanted):
            account = self._draw(day)
            action = self._customers.choose(account)
            if action not in TELLER_ACTIONS:
                elsewhere.append((account, action))
            elif day.weekday() < 6:
                at_counter[account.member.place.code].append((account, action))
        for code, visits in at_counter.items():
            for account, action in visits:
                self._customers.act(account, action, f"teller:{code}")
        for account, action in elsewhere:
            self._customers.act(account, action, None)

    def _draw(self, day: dt.date) -> AccountPlan:
        dormant = day > self._dormant_from
        while True:
            account = self._rng.choice(self._pool)
            if not (dormant and account.member.dormant):
                return account

    def _fill_up(self) -> None:
        """On the last day, exactly as many more as the profile says: single entries, without fees, at the end."""
        missing = self._total - self.books.count
        if missing < 0:
            raise RuntimeError(f"the plan of {self._plan.profile.name} is {-missing} entries too long")
        for _ in range(missing * TRIES_MAX):
            if self.books.count == self._total:
                return
            account = self._draw(self._plan.today)
            if account.product == "WAL-KES":
                self._customers.act(account, "mobile_in" if self._rng.random() < 0.5 else "airtime", None)
            elif account.product == "CUR-KES":
                self._customers.act(account, self._rng.choice(("mobile_in", "shop", "transfer")), None)
        if self.books.count != self._total:
            raise RuntimeError("the last day has too few active accounts")
