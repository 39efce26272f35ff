"""Holders and mandates from a day on, nominees, notes. What was stays: rows are ended, the trail has each change."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from apps.accounts.errors import HolderInvalid, MandateInvalid
from apps.accounts.models import Account, AccountHolder, AccountNote, MandateRule, Nominee
from apps.accounts.selectors import mandate_rules, nominee_of, signatories_of
from apps.accounts.services._accounts import HOLDERS_MAX, account_locked, reason_check
from apps.audit.services import record
from apps.core.errors import NotFound
from apps.core.text import text_clean
from apps.core.trail import history_stamp
from apps.members.errors import MemberNotActive
from apps.members.services import member_require_active

if TYPE_CHECKING:
    from apps.identity.models import User

RULES_MAX = 6
NOTE_MAX = 2000
ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class MandateTerms:
    """One rule of a mandate: `rule` is any, all or count, `count` only with the last; `amount_to` in minor units."""

    amount_to: int | None
    rule: str
    count: int | None = None


@transaction.atomic
def holder_add(
    *,
    acting_user: User | None,
    account_id: UUID,
    expected_version: int,
    member_id: UUID,
    role: str,
    since: dt.date,
    today: dt.date,
) -> AccountHolder:
    """Add a joint owner or signatory from `since` on, today or later.

    Raises `NotFound`, `PreconditionFailed`, `AccountIsClosed`, and `HolderInvalid` for a day that is over, a member who
    is not active, holds the account already or owns it, and for more than ten holders.
    """
    account = account_locked(account_id, expected_version)
    if since < today:
        raise HolderInvalid("A holder is one from today on, or from a later day.", pointer="/starts_on")
    standing = account.holders.filter(Q(until=None) | Q(until__gte=since))
    if member_id == account.member_id or standing.filter(member=member_id).exists():
        raise HolderInvalid("The owner, or a holder already.", pointer="/member_id")
    if standing.count() >= HOLDERS_MAX:
        raise HolderInvalid(f"At most {HOLDERS_MAX} further holders.", pointer="/member_id")
    try:
        member_require_active(member_id=member_id)
    except (NotFound, MemberNotActive) as error:
        raise HolderInvalid("No such member, or not an active one.", pointer="/member_id") from error
    holder = AccountHolder(account=account, member_id=member_id, role=AccountHolder.Role(role).value, since=since)
    history_stamp(holder, acting_user=acting_user, reason="added")
    holder.save(force_insert=True)
    _changed(account, acting_user, "holder_added", after=_holder_facts(holder))
    return holder


@transaction.atomic
def holder_end(
    *,
    acting_user: User | None,
    account_id: UUID,
    expected_version: int,
    holder_id: int,
    until: dt.date,
    reason: str,
    today: dt.date,
) -> AccountHolder:
    """End a holder with the day `until`, yesterday at the earliest: then at once.

    Raises `NotFound`, `PreconditionFailed`, `AccountIsClosed`, `InvalidText` without a reason, and `HolderInvalid` for
    a day that does not do or when those who remain are fewer than the mandate asks for.
    """
    reason = reason_check(reason)
    account = account_locked(account_id, expected_version)
    holder = account.holders.select_related("member").filter(pk=holder_id).first()
    if holder is None:
        raise NotFound("No such holder.")
    if holder.until is not None and holder.until < today:
        raise HolderInvalid("This holder has been ended.", pointer="/ends_on")
    if until < today - ONE_DAY or until < (holder.since or account.opened_on):
        raise HolderInvalid("The last day lies before today, or before the first.", pointer="/ends_on")
    remaining = len(signatories_of(account_id=account.pk)) - 1
    asked = mandate_rules(account_id=account.pk).filter(Q(until=None) | Q(until__gte=today))
    if any((rule.count or 0) > remaining for rule in asked):
        raise HolderInvalid("The mandate asks for more signatures than would remain: change it first.")
    before = _holder_facts(holder)
    holder.until = until
    history_stamp(holder, acting_user=acting_user, reason=reason)
    holder.save()
    _changed(account, acting_user, "holder_ended", before=before, after=_holder_facts(holder), reason=reason)
    return holder


@transaction.atomic
def mandate_set(
    *,
    acting_user: User | None,
    account_id: UUID,
    expected_version: int,
    rules: Sequence[MandateTerms],
    since: dt.date,
    today: dt.date,
) -> list[MandateRule]:
    """Have these rules hold from `since` on, today or later; without any, each signatory acts alone from then on.

    Rules that had begun end the day before; those that had not are replaced. Raises `NotFound`, `PreconditionFailed`,
    `AccountIsClosed`, and `MandateInvalid`: the pointer names the rule.
    """
    account = account_locked(account_id, expected_version)
    if since < today:
        raise MandateInvalid("A mandate holds from today on, or from a later day.", pointer="/starts_on")
    _rules_check(rules, signatories=len(signatories_of(account_id=account.pk)))
    known = mandate_rules(account_id=account.pk)
    before = [_rule_facts(rule) for rule in known.filter(Q(until=None) | Q(until__gte=since))]
    known.filter(since__gte=since).delete()
    known.filter(Q(until=None) | Q(until__gte=since), since__lt=since).update(until=since - ONE_DAY)
    made = MandateRule.objects.bulk_create(
        MandateRule(
            account=account, amount_to=one.amount_to, rule=one.rule, count=one.count, since=since, set_by=acting_user
        )
        for one in rules
    )
    after = [_rule_facts(rule) for rule in made]
    _changed(account, acting_user, "mandate_set", before={"rules": before}, after={"since": since, "rules": after})
    return made


def _rules_check(rules: Sequence[MandateTerms], *, signatories: int) -> None:
    """Raise `MandateInvalid` for rules that do not go together."""
    if len(rules) > RULES_MAX:
        raise MandateInvalid(f"At most {RULES_MAX} rules.", pointer="/rules")
    if len({one.amount_to for one in rules}) != len(rules):
        raise MandateInvalid("Two rules go up to the same amount.", pointer="/rules")
    if rules and all(one.amount_to is not None for one in rules):
        raise MandateInvalid("One rule must cover every amount.", pointer="/rules")
    for place, one in enumerate(rules):
        counted = one.rule == MandateRule.Rule.COUNT
        if counted != (one.count is not None):
            raise MandateInvalid("A count goes with the rule count, and only with it.", pointer=f"/rules/{place}/count")
        if one.count is not None and not 2 <= one.count <= signatories:
            raise MandateInvalid(
                f"From 2 to {signatories}: so many sign for the account.", pointer=f"/rules/{place}/count"
            )


@transaction.atomic
def nominee_set(
    *,
    acting_user: User | None,
    account_id: UUID,
    expected_version: int,
    name: str,
    relationship: str = "",
    contact: str = "",
    today: dt.date,
) -> Nominee | None:
    """Name who is to get what is on the account; an empty name takes the nomination back.

    Raises `NotFound`, `PreconditionFailed`, `AccountIsClosed`, `InvalidText`.
    """
    name = text_clean(name, max_length=160, pointer="/name")
    relationship = text_clean(relationship, max_length=40, pointer="/relationship")
    contact = text_clean(contact, max_length=200, pointer="/contact")
    account = account_locked(account_id, expected_version)
    old = nominee_of(account_id=account.pk)
    if old is not None:
        old.until = today
        old.save(update_fields=["until"])
    made = None
    if name:
        made = Nominee.objects.create(
            account=account, name=name, relationship=relationship, since=today, set_by=acting_user
        )
        made.contact = contact  # sealed for this row, which has its number now
        made.save(update_fields=["contact"])
    before = {"relationship": old.relationship} if old else {}
    _changed(
        account, acting_user, "nominee_set", before=before, after={"relationship": made.relationship} if made else {}
    )
    return made


@transaction.atomic
def note_add(*, acting_user: User, account: Account, text: str, at: dt.datetime) -> AccountNote:
    """Note something about an account, for good. Raises `InvalidText`."""
    clean = text_clean(text, max_length=NOTE_MAX, min_length=1, pointer="/text", multiline=True)
    note = AccountNote.objects.create(account=account, text=clean, author=acting_user, at=at)
    record(action="accounts.account.noted", acting_user=acting_user, target=account, after={"note": note.pk}, at=at)
    return note


def _changed(
    account: Account,
    acting_user: User | None,
    verb: str,
    *,
    after: dict[str, Any],
    before: dict[str, Any] | None = None,
    reason: str = "",
) -> None:
    """The account has a new version; the trail says why."""
    account.version += 1
    history_stamp(account, acting_user=acting_user, reason=verb.replace("_", " "))
    account.save()
    record(
        action=f"accounts.account.{verb}",
        acting_user=acting_user,
        target=account,
        before=before or {},
        after=after,
        reason=reason,
    )


def _holder_facts(holder: AccountHolder) -> dict[str, Any]:
    return {
        "member": str(holder.member_id), "role": holder.role, "since": holder.since, "until": holder.until,
    }  # fmt: skip


def _rule_facts(rule: MandateRule) -> dict[str, Any]:
    return {"amount_to": rule.amount_to, "rule": rule.rule, "count": rule.count, "since": str(rule.since)}
