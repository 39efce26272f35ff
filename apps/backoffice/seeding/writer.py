"""Writes a planned demo bank: people, accounts, postings. Each part can be repeated: what is there is left as it is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar
from uuid import UUID

from django.db import connection, transaction
from simple_history.utils import bulk_create_with_history

from apps.accounts.models import Account, AccountHolder, AccountProduct
from apps.accounts.numbers import serials_reserve
from apps.backoffice.seeding.books import Entry
from apps.backoffice.seeding.names import PLACES
from apps.backoffice.seeding.people import AccountPlan, MemberPlan, Plan
from apps.balances.selectors import transactions_known
from apps.balances.services import accounts_open, internal_account_id, postings_post
from apps.identity.models import Branch, User
from apps.identity.reference import branches_load
from apps.identity.services import demo_users_create, user_create_staff
from apps.members.models import Member
from apps.members.numbers import numbers_reserve
from apps.members.search import search_text_of

CHUNK = 2_000  # rows of a table in one transaction
BATCH_SIZE = 1_000  # rows of a table in one statement
CALL_SIZE = 5_000  # postings in one call
STATISTICS_FIRST, STATISTICS_STEP = 2_500, 6  # after so many postings, and each time after so many times more
WAITING_MAX = 16  # calls that are ready while one is with PostgreSQL
REASON = "demo bank"
STAFF_DOMAIN = "numina.example"
STAFF = {  # of the branches that the demo logins do not work in: nobody signs in as these
    "KSM": (("manager", "branch_manager", "Ruth Achieng"), ("teller", "teller", "Kevin Ouma")),
    "MSA": (("manager", "branch_manager", "Salim Mwinyi"), ("teller", "teller", "Zuhura Said")),
}

Advance = Callable[[int], None]
Item = TypeVar("Item")


class SeedDiffers(Exception):
    """What is in the database is not what this seed would have written: somebody worked in between."""


@contextmanager
def session_for_bulk() -> Iterator[None]:
    """Statements may take long, and commits need not reach the disk one by one: a seeding that is cut off goes on."""
    _session_set()
    try:
        yield
    finally:
        # After an error inside a transaction nothing can be set; the connection is about to end then.
        if not connection.needs_rollback and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("RESET statement_timeout")
                cursor.execute("RESET synchronous_commit")


def _session_set() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SET synchronous_commit = off")


def branches_write() -> dict[str, Branch]:
    """The demo bank's branches and its head office, by code."""
    rows = [
        {
            "code": place.code,
            "name": place.name,
            "parent": "HQ",
            "time_zone": "Africa/Nairobi",
            "address": place.address,
            "phone": place.phone,
            "email": place.email,
        }
        for place in PLACES
    ]
    branches_load(rows)
    return {branch.code: branch for branch in Branch.objects.filter(code__in=["HQ", *(row["code"] for row in rows)])}


def staff_write(branches: dict[str, Branch]) -> dict[str, User]:
    """The demo logins and the people of the branches. Keys: role codes, and ``manager:NBO``, ``teller:KSM``."""
    users = demo_users_create(branch=branches["NBO"])
    users |= {"manager:NBO": users["branch_manager"], "teller:NBO": users["teller"]}
    for code, people in STAFF.items():
        for job, role, full_name in people:
            email = f"{job}.{branches[code].name.lower()}@{STAFF_DOMAIN}"
            users[f"{job}:{code}"] = User.objects.filter(email=email).first() or user_create_staff(
                acting_user=None,
                email=email,
                full_name=full_name,
                role_codes=[role],
                branch=branches[code],
                time_zone="Africa/Nairobi",
            )
    return users


def members_write(plan: Plan, branches: dict[str, Branch], user: User, advance: Advance) -> None:
    """The planned members with their history. `user` is the demo login of the first of them."""
    numbers_reserve(count=len(plan.members))
    known = set(Member.objects.values_list("number", flat=True))
    for chunk in _chunks_with_statistics(plan.members):
        rows = [_member(member, branches, user) for member in chunk if member.number not in known]
        if rows:
            bulk_create_with_history(rows, Member, batch_size=BATCH_SIZE, default_change_reason=REASON)
        advance(len(chunk))


def _member(plan: MemberPlan, branches: dict[str, Branch], user: User) -> Member:
    names = [plan.business_name] if plan.business_name else [plan.first_name, plan.last_name]
    member = Member(
        id=plan.id,
        created_at=plan.created_at,
        number=plan.number,
        kind=plan.kind,
        first_name=plan.first_name,
        last_name=plan.last_name,
        business_name=plan.business_name,
        registration_number=plan.registration_number,
        date_of_birth=plan.date_of_birth,
        email=plan.email,
        phone=plan.phone,
        address=plan.address,
        city=plan.city,
        country="KE",
        branch=branches[plan.place.code],
        user=user if plan.index == 0 else None,
        joined_on=plan.joined_on,
        search_text=search_text_of(
            number=plan.number,
            names=names,
            email=plan.email,
            registration_number=plan.registration_number,
        ),
    )
    member._history_date = plan.created_at  # type: ignore[attr-defined]
    return member


def accounts_write(plan: Plan, branches: dict[str, Branch], advance: Advance) -> None:
    """The planned accounts with their ledger accounts, holders and history; fills in `ledger_id` of each plan."""
    serials_reserve(count=len(plan.accounts))
    products = {product.code: product for product in AccountProduct.objects.select_related("gl_account")}
    known = dict(Account.objects.values_list("number", "ledger_account_id"))
    for chunk in _chunks_with_statistics(plan.accounts):
        fresh = [account for account in chunk if account.number not in known]
        if fresh:
            known |= _accounts_insert(fresh, products, branches)
        for account in chunk:
            account.ledger_id = known[account.number]
        advance(len(chunk))


def _accounts_insert(
    plans: list[AccountPlan], products: dict[str, AccountProduct], branches: dict[str, Branch]
) -> dict[str, int]:
    ids: dict[str, int] = {}
    with transaction.atomic():
        for code in sorted({plan.product for plan in plans}):
            rows = [
                (branches[plan.member.place.code].pk, plan.number, plan.name, plan.overdraft_limit)
                for plan in plans
                if plan.product == code
            ]
            product = products[code]
            ids |= accounts_open(
                gl_code=product.gl_account.code,
                currency=product.currency_id,
                rows=rows,
                realtime=product.engine == AccountProduct.Engine.REALTIME,
            )
        accounts = [_account(plan, products, branches, ids) for plan in plans]
        bulk_create_with_history(accounts, Account, batch_size=BATCH_SIZE, default_change_reason=REASON)
        holders = [
            AccountHolder(account_id=plan.id, member_id=member.id, role=role)
            for plan in plans
            for member, role in plan.holders
        ]
        if holders:
            bulk_create_with_history(holders, AccountHolder, batch_size=BATCH_SIZE, default_change_reason=REASON)
    return ids


def _account(
    plan: AccountPlan, products: dict[str, AccountProduct], branches: dict[str, Branch], ids: dict[str, int]
) -> Account:
    account = Account(
        id=plan.id,
        created_at=plan.created_at,
        number=plan.number,
        name=plan.name,
        product=products[plan.product],
        member_id=plan.member.id,
        branch=branches[plan.member.place.code],
        currency=plan.currency,
        ledger_account_id=ids[plan.number],
        overdraft_limit=plan.overdraft_limit,
        opened_on=plan.opened_on,
    )
    account._history_date = plan.created_at  # type: ignore[attr-defined]
    return account


def internal_accounts(branches: dict[str, Branch]) -> Callable[[str, str, str], int]:
    """Finds or opens the bank's own ledger account for a chart code, a branch code and a currency."""

    def resolve(gl_code: str, branch: str, currency: str) -> int:
        return internal_account_id(
            gl_code=gl_code, branch_id=branches[branch].pk, branch_code=branch, currency=currency
        )

    return resolve


def entries_post(
    days: Iterable[list[Entry]], actors: dict[str, UUID], *, resuming: bool, advance: Advance
) -> dict[str, int]:
    """Post the entries in their order, as many in one call as have the same actor; returns how many have which outcome.

    PostgreSQL works on one call while the next days are played, except inside an open transaction (of a test).
    Raises `SeedDiffers` when an outcome is another than the plan's. What was posted before stays and is not doubled.
    """
    outcomes: dict[str, int] = {}
    posted, look_at = 0, STATISTICS_FIRST
    with _Inline() if connection.in_atomic_block else _Background() as poster:
        for run in _runs(days):
            poster.submit(_run_post, run, actors, resuming)
            for entry in run:
                outcomes[entry.expected] = outcomes.get(entry.expected, 0) + 1
            advance(len(run))
            posted += len(run)
            if posted >= look_at:
                poster.submit(statistics_refresh)
                look_at *= STATISTICS_STEP
    return outcomes


def statistics_refresh() -> None:
    """Have PostgreSQL look at its tables. Plans made for nearly empty ones would read them whole, again and again."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _runs(days: Iterable[list[Entry]]) -> Iterator[list[Entry]]:
    """The entries cut into calls: neighbours of one actor, at most `CALL_SIZE`."""
    run: list[Entry] = []
    for entries in days:
        for entry in entries:
            if run and (entry.actor != run[0].actor or len(run) == CALL_SIZE):
                yield run
                run = []
            run.append(entry)
    if run:
        yield run


class _Inline:
    """Does each piece of work at once."""

    def __enter__(self) -> _Inline:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def submit(self, work: Callable[..., None], *arguments: object) -> None:
        work(*arguments)


class _Background:
    """One thread with a connection of its own does the work in the order given; a few pieces may wait."""

    def __enter__(self) -> _Background:
        self._pool = ThreadPoolExecutor(max_workers=1, initializer=_session_set)
        self._waiting: deque[Future[None]] = deque()
        self._failed = False
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        self._failed = self._failed or kind is not None
        try:
            while self._waiting:
                self._waiting.popleft().result()
        finally:
            self._pool.submit(_connection_close)
            self._pool.shutdown(wait=True)

    def submit(self, work: Callable[..., None], *arguments: object) -> None:
        while len(self._waiting) >= WAITING_MAX:
            self._waiting.popleft().result()
        self._waiting.append(self._pool.submit(self._do, work, *arguments))

    def _do(self, work: Callable[..., None], *arguments: object) -> None:
        if self._failed:  # what waits behind a failure must not be done: order decides about funds
            return
        try:
            work(*arguments)
        except BaseException:
            self._failed = True
            raise


def _connection_close() -> None:
    connection.close()


def _run_post(run: list[Entry], actors: dict[str, UUID], resuming: bool) -> None:
    if resuming:
        known = transactions_known(transaction_ids=[entry.posting.transaction_id for entry in run])
        if len(known) == len(run):
            return
    actor = run[0].actor
    result = postings_post(
        [entry.posting for entry in run], actor_id=actors[actor] if actor is not None else None, correlation_id="seed"
    )
    for entry, outcome in zip(run, result.outcomes, strict=True):
        if outcome.code != entry.expected:
            posting = entry.posting
            what = f"{posting.kind} {posting.key} of {posting.business_date}"
            raise SeedDiffers(f"{what} came out as {outcome.code}, not {entry.expected}")


def _chunks_with_statistics(items: list[Item]) -> Iterator[list[Item]]:
    look_at = CHUNK
    for start in range(0, len(items), CHUNK):
        if start >= look_at:
            statistics_refresh()
            look_at *= STATISTICS_STEP
        yield items[start : start + CHUNK]
