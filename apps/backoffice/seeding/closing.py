"""What comes after the postings: blocked accounts, holds, reversals, closed periods, seals, the proof of the books."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from apps.accounts.models import Account
from apps.accounts.partitions import ranges_with_accounts
from apps.accounts.services import account_status_set, day_balances_fold, interest_entries_post
from apps.accounts.services import interest_accrue as interest_accrue_days
from apps.backoffice.seeding.books import Entry
from apps.backoffice.seeding.names import SHOPS
from apps.backoffice.seeding.people import AccountPlan, Plan
from apps.backoffice.seeding.profiles import month_end, month_starts
from apps.balances.selectors import books_verify, transaction_find
from apps.balances.services import entry_reverse, hold_place
from apps.identity.models import User
from apps.ledger.sealing import journal_seal_all
from apps.ledger.selectors import periods, trial_balance
from apps.ledger.services import period_create

HOLD_SHARE = 0.02
SEAL_TRIES = 20
SEAL_PAUSE = 0.5  # seconds
BLOCKED = (  # status, one account in so many, reason
    ("frozen", 220, "Court order: funds frozen until further notice"),
    ("debit_blocked", 280, "Card and phone reported stolen"),
    ("credit_blocked", 900, "Deposits stopped while the source of funds is checked"),
)


@dataclass(slots=True)
class Recent:
    """Passes the days through and keeps the last transfers between customers, for reversals."""

    days: Iterable[list[Entry]]
    keep: int
    transfers: list[Entry] = field(default_factory=list)

    def __iter__(self) -> Iterator[list[Entry]]:
        for entries in self.days:
            yield entries
            found = [e for e in entries if e.posting.kind == "transfer" and e.expected == "OK"]
            self.transfers = (self.transfers + found)[-self.keep :]


def transfers_reverse(recent: Recent, *, count: int, client: uuid.UUID, actor_id: uuid.UUID) -> None:
    """Reverse some of the last transfers, today. One that lacks the funds by now is recorded as refused."""
    for number, entry in enumerate(recent.transfers[:: max(len(recent.transfers) // count, 1)][:count], 1):
        key = f"reversal-{number}"
        original = transaction_find(transaction_id=entry.posting.transaction_id)
        if original is None or original.journal_id is None:
            raise RuntimeError(f"transfer {entry.posting.key} was not posted")
        entry_reverse(
            journal_id=original.journal_id,
            transaction_id=uuid.uuid5(client, key),
            client_id=str(client),
            key=key,
            fingerprint=hashlib.sha256(key.encode()).digest(),
            description=f"Sent to the wrong account, reversal of {entry.posting.reference}",
            actor_id=actor_id,
            correlation_id="seed",
        )


def accounts_block(plan: Plan, staff: dict[str, User]) -> set[int]:
    """Block some accounts, each by its branch's manager; returns their indices. The demo login's stay as they are."""
    rng = random.Random(f"{plan.seed}:{plan.profile.name}:blocked")  # noqa: S311  (must repeat, not be secret)
    candidates = [account for account in plan.accounts if account.member.index > 0]
    rng.shuffle(candidates)
    chosen: set[int] = set()
    for status, one_in, reason in BLOCKED:
        for _ in range(max(len(plan.accounts) // one_in, 1)):
            account = candidates.pop()
            chosen.add(account.index)
            row = Account.objects.only("id", "version", "status").get(pk=account.id)
            if row.status != status:
                account_status_set(
                    acting_user=staff[f"manager:{account.member.place.code}"],
                    account_id=account.id,
                    expected_version=row.version,
                    status=status,
                    reason=reason,
                )
    return chosen


def holds_place(plan: Plan, *, blocked: set[int], staff: dict[str, User], client: uuid.UUID, at: dt.datetime) -> int:
    """Set money aside on some accounts, as card payments under way do; returns how many holds there are."""
    rng = random.Random(f"{plan.seed}:{plan.profile.name}:holds")  # noqa: S311  (must repeat, not be secret)
    able = [a for a in plan.accounts if a.index not in blocked and a.balance > 100_000 and a.currency == "KES"]
    count = min(max(int(len(plan.accounts) * HOLD_SHARE), 3), len(able))
    own = [account for account in able if account.member.index == 0][:1]
    for number, account in enumerate([*own, *rng.sample([a for a in able if a not in own], count - len(own))], 1):
        key = f"hold-{number}"
        amount = max(int(account.balance * rng.uniform(0.02, 0.2)) // 5_000, 1) * 5_000
        hold_place(
            transaction_id=uuid.uuid5(client, key),
            fingerprint=hashlib.sha256(key.encode()).digest(),
            account_id=account.ledger_id,
            amount=amount,
            reason=f"Card payment, {rng.choice(SHOPS)}",
            expires_at=at + dt.timedelta(days=rng.randrange(5, 20)),
            actor_id=staff[f"teller:{account.member.place.code}"].pk,
            at=at,
            correlation_id="seed",
        )
    return count


def periods_write(plan: Plan, *, user: User) -> int:
    """An accounting period for each month; returns how many there are.

    They stay open: whoever tries the bank imports a history of their own next, and a closed month takes no entry.
    """
    known = {period.code: period for period in periods()}
    months = month_starts(plan.first, plan.today)
    for month in months:
        code = f"{month:%Y-%m}"
        if code not in known:
            known[code] = period_create(acting_user=user, code=code, starts_on=month, ends_on=month_end(month))
    return len(months)


def journal_seal(*, at: dt.datetime, wanted: int) -> int:
    """Seal what is final, and wait a little for the rest of `wanted` entries; the background sealer takes what is left.

    An entry is final when no transaction that began before it is running, be it one of somebody else's.
    """
    sealed = journal_seal_all(at=at)
    for _ in range(SEAL_TRIES):
        if sealed >= wanted:
            break
        time.sleep(SEAL_PAUSE)
        sealed += journal_seal_all(at=at)
    return sealed


def proof(plan: Plan, *, verify: bool) -> tuple[dict[str, int], list[str]]:
    """What the trial balance is off by, for each currency, and the faults that a proof from the lines finds."""
    differences = trial_balance(as_of=plan.today).differences
    return differences, books_verify().faults if verify else []


def overdrawn(accounts: list[AccountPlan]) -> int:
    """How many accounts are below zero."""
    return sum(account.balance < 0 for account in accounts)


def interest_accrue(*, today: dt.date) -> int:
    """Accrue the interest of this month's days before today, as the closes of business would have; how many rows."""
    yesterday = today - dt.timedelta(days=1)
    rows = 0
    for partition in ranges_with_accounts():
        day_balances_fold(partition=partition)
        rows += interest_accrue_days(partition=partition, business_date=yesterday, through=yesterday)["rows"]
    interest_entries_post(business_date=yesterday if yesterday.month == today.month else today)
    return rows
