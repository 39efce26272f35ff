"""Who may sign for an account, how many must, and what is noted about it."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from django.db import connection
from django.db.models import Q, QuerySet

from apps.accounts.models import Account, AccountHolder, AccountNote, MandateRule, Nominee


@dataclass(frozen=True, slots=True)
class Signatory:
    """A member who signs for an account; `user_id` is None for one without a sign-in."""

    member_id: uuid.UUID
    user_id: uuid.UUID | None
    number: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Authority:
    """How many of `signatories` must sign for an amount. `by_rule`: the account has a mandate that says so."""

    needed: int
    signatories: tuple[Signatory, ...]
    by_rule: bool


def signatories_of(*, account_id: uuid.UUID) -> tuple[Signatory, ...]:
    """Who signs for the account on the open business day, the owner first.

    A business signs through its holders once it has any; its own sign-in then asks, and signs nothing.
    """
    account = Account.objects.select_related("member").get(pk=account_id)
    found = [(one.member, str(one.role)) for one in account.holders_now]
    if account.member.kind == "person" or not found:
        found.insert(0, (account.member, "owner"))
    return tuple(Signatory(one.pk, one.user_id, one.number, one.display_name, role) for one, role in found)


def mandate_rules(*, account_id: uuid.UUID, on: dt.date | None = None) -> QuerySet[MandateRule]:
    """The rules of an account: those of a day, or all of them with those of the past."""
    rules = MandateRule.objects.filter(account=account_id)
    return rules if on is None else rules.filter(_on(on))


def authority_of(*, account_id: uuid.UUID, amount: int | None, on: dt.date) -> Authority:
    """What the mandate asks for an amount in minor units; None stands for an amount without bounds."""
    rules = mandate_rules(account_id=account_id, on=on).order_by("amount_to")  # PostgreSQL puts None last
    covering = (rule for rule in rules if rule.amount_to is None or (amount is not None and amount <= rule.amount_to))
    found = next(covering, None)
    signatories = signatories_of(account_id=account_id)
    needed = 1
    if found is not None and found.rule == MandateRule.Rule.ALL:
        needed = max(len(signatories), 1)
    elif found is not None and found.rule == MandateRule.Rule.COUNT:
        needed = found.count or 1
    return Authority(needed, signatories, found is not None)


def accounts_mandated(*, ids: list[uuid.UUID] | None = None) -> frozenset[uuid.UUID]:
    """Accounts on which, for some amount, one signature is not enough today; of these ids, or of the whole bank."""
    sql = """
        SELECT DISTINCT r.account_id FROM accounts_mandate_rule r CROSS JOIN ledger_businessdate d
         WHERE r.rule <> 'any' AND r.since <= d.current AND (r.until IS NULL OR r.until >= d.current)
           AND (%(ids)s::uuid[] IS NULL OR r.account_id = ANY (%(ids)s))
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, {"ids": ids})
        return frozenset(row[0] for row in cursor.fetchall())


def holders_of(*, account: Account, current: bool) -> QuerySet[AccountHolder]:
    """The further holders of an account: those of today, or all there ever were."""
    holders = account.holders.in_force() if current else account.holders.all()
    return holders.select_related("member")


def nominee_of(*, account_id: uuid.UUID) -> Nominee | None:
    """Who is named now, if anybody is."""
    return Nominee.objects.filter(account=account_id, until=None).first()


def notes_of(*, account: Account) -> QuerySet[AccountNote]:
    """What is noted about an account."""
    return account.notes.select_related("author")


def _on(day: dt.date) -> Q:
    return Q(Q(until=None) | Q(until__gte=day), since__lte=day)
