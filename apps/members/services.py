"""Writes of members."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, TypedDict, Unpack
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.audit.services import record
from apps.core.api.etag import version_check
from apps.core.errors import NotFound
from apps.core.trail import history_stamp
from apps.members import locks
from apps.members.errors import MemberNotActive, MemberNumberTaken, MemberUserTaken
from apps.members.facts import branch_require, facts_check
from apps.members.identity_numbers import number_require_free
from apps.members.models import Member
from apps.members.numbers import numbers_take
from apps.members.search import search_text_of
from apps.members.selectors import SEALED, member_facts

if TYPE_CHECKING:
    from apps.identity.models import User

NUMBER_TRIES = 100


class MemberFacts(TypedDict, total=False):
    """What may be said of a member and changed later. Texts may be empty."""

    first_name: str
    last_name: str
    business_name: str
    registration_number: str
    date_of_birth: dt.date | None
    email: str
    phone: str
    address: str
    city: str
    country: str
    national_id: str
    tax_id: str


@transaction.atomic
def member_create(
    *,
    acting_user: User | None,
    kind: str,
    joined_on: dt.date,
    branch_id: UUID,
    number: str | None = None,
    user_id: UUID | None = None,
    **facts: Unpack[MemberFacts],
) -> Member:
    """Register a person or a business. `joined_on` is the open business day, or a day in the past for imports.

    `number` is for imports only; others get the next one. Raises `ValidationFailed` for facts that do not fit the kind
    or are not sane, `InvalidText`, `BranchNotUsable`, `MemberNumberTaken`, `MemberUserTaken`, `IdentityNumberTaken`.
    """
    branch = branch_require(acting_user=acting_user, branch_id=branch_id)
    clean = facts_check(kind=kind, facts=facts, today=joined_on)
    member = Member(
        number=number or _number_fresh(),
        kind=kind,
        joined_on=joined_on,
        branch=branch,
        user_id=user_id,
        **clean,
    )
    number_require_free(member=member, national_id=member.national_id)
    _save(member, acting_user=acting_user, reason="created", force_insert=True)
    record(action="members.member.created", acting_user=acting_user, target=member, after=member_facts(member))
    return member


@transaction.atomic
def member_update(
    *,
    acting_user: User | None,
    member_id: UUID,
    expected_version: int,
    today: dt.date,
    branch_id: UUID | None = None,
    **changes: Unpack[MemberFacts],
) -> Member:
    """Change facts of a member; those not given stay. `today` is the open business day.

    Raises `NotFound`, `PreconditionFailed` for another version, and as `member_create`. A change of nothing is none:
    the version stays.
    """
    member = _locked(member_id)
    version_check(current=member.version, expected=expected_version)
    before, numbers = member_facts(member), {name: getattr(member, name) for name in SEALED}
    if branch_id is not None and branch_id != member.branch_id:
        member.branch = branch_require(acting_user=acting_user, branch_id=branch_id)
    for name, value in facts_check(kind=member.kind, facts=changes, today=today, present=member).items():
        setattr(member, name, value)
    after = member_facts(member)
    renumbered = {name for name in SEALED if getattr(member, name) != numbers[name]}
    if after == before and not renumbered:
        return member
    if "national_id" in renumbered:
        number_require_free(member=member, national_id=member.national_id)
    member.version += 1
    _save(member, acting_user=acting_user, reason="updated")
    changed = [name for name in after if after[name] != before[name] or name in renumbered]
    record(
        action="members.member.updated",
        acting_user=acting_user,
        target=member,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
    )
    return member


@transaction.atomic
def member_status_set(
    *, acting_user: User | None, member_id: UUID, expected_version: int, status: str, reason: str
) -> Member:
    """Block a member for new business, or lift the block. Open accounts keep their own status.

    `status` is active or blocked. Raises `NotFound`, `PreconditionFailed`, `MemberNotActive` for one who has left.
    """
    if status not in (Member.Status.ACTIVE, Member.Status.BLOCKED):
        raise ValueError("status is active or blocked")
    member = _locked(member_id)
    version_check(current=member.version, expected=expected_version)
    if member.status == Member.Status.EXITED:
        raise MemberNotActive("The member has left the bank.")
    if member.status == status:
        return member
    before, member.status = member.status, status
    member.version += 1
    _save(member, acting_user=acting_user, reason=reason)
    record(
        action=f"members.member.{'blocked' if status == Member.Status.BLOCKED else 'unblocked'}",
        acting_user=acting_user,
        target=member,
        before={"status": before},
        after={"status": status},
        reason=reason,
    )
    return member


@transaction.atomic
def member_user_link(*, acting_user: User | None, member_id: UUID, user_id: UUID) -> Member:
    """Give a member a user of their own, who then sees that member's record and accounts.

    It is no part of the API: whoever is linked can move the member's money. Raises `NotFound`, `MemberUserTaken`.
    """
    member = _locked(member_id)
    if member.user_id == user_id:
        return member
    if member.user_id is not None:
        raise MemberUserTaken("The member has another user.")
    member.user_id = user_id
    member.version += 1
    _save(member, acting_user=acting_user, reason="user linked")
    record(
        action="members.member.user_linked",
        acting_user=acting_user,
        target=member,
        before={"user": None},
        after={"user": str(user_id)},
    )
    return member


def member_require_active(*, member_id: UUID) -> Member:
    """The member, locked so that it stays active until the caller's transaction ends.

    Raises `NotFound` and `MemberNotActive`.
    """
    member = _locked(member_id)
    if member.status != Member.Status.ACTIVE:
        raise MemberNotActive(f"The member is {member.get_status_display().lower()}.")
    return member


def _number_fresh() -> str:
    """The next number that no import has taken before. Raises `MemberNumberTaken` after a hundred that were."""
    for _ in range(NUMBER_TRIES):
        number = numbers_take(count=1)[0]
        if not Member.objects.filter(number=number).exists():
            return number
    raise MemberNumberTaken


def _locked(member_id: UUID) -> Member:
    member = locks.member_lock(pk=member_id)
    if member is None:
        raise NotFound("No such member.")
    return member


def _save(member: Member, *, acting_user: User | None, reason: str, force_insert: bool = False) -> None:
    member.search_text = search_text_of(
        number=member.number,
        names=[member.first_name, member.last_name, member.business_name],
        email=member.email,
        registration_number=member.registration_number,
    )
    history_stamp(member, acting_user=acting_user, reason=reason)
    try:
        with transaction.atomic():
            member.save(force_insert=force_insert)
    except IntegrityError as error:
        text = str(error)
        if "members_member_number" in text:
            raise MemberNumberTaken from error
        if "members_member_user" in text:
            raise MemberUserTaken("The user is linked to another member.") from error
        raise
