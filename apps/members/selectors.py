"""Reads of members, each limited to what the user may see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, QuerySet, Value

from apps.core.errors import NotFound
from apps.members.models import Member
from apps.members.search import OneOf, matching
from apps.vault.crypto import masked

if TYPE_CHECKING:
    from apps.identity.models import User


SEALED = ("national_id", "tax_id", "phone")
"""What is encrypted, shown masked, and in full with a reason only."""
_FACTS = (
    "number",
    "kind",
    "status",
    "first_name",
    "last_name",
    "business_name",
    "registration_number",
    "date_of_birth",
    "email",
    "address",
    "city",
    "country",
    "joined_on",
)


def members_visible_to(user: User) -> QuerySet[Member]:
    """Members by the user's scope: the whole bank, the user's branches, or the one member that the user is."""
    members = Member.objects.select_related("branch")
    if not user.has_permission("members.view"):
        return members.none()
    if user.scope == "all":
        return members
    if user.scope == "branch":
        return members.filter(branch_id__in=user.branch_ids)
    return members.filter(user_id=user.pk).annotate(is_own=Value(True))  # who may see their own phone in full


def member_get_for(*, user: User, pk: UUID) -> Member:
    """The member, if the user may see it. Raises `NotFound`: not there and not yours look the same."""
    member = members_visible_to(user).filter(pk=pk).first()
    if member is None:
        raise NotFound("No such member.")
    return member


def members_search(members: QuerySet[Member], *, text: str) -> QuerySet[Member]:
    """Those of `members` who have, for every word of `text`, a name, number or e-mail that begins so, or that phone."""
    wanted = matching(text)
    if wanted is None:
        return members.none()
    found = Member.objects.filter(wanted).order_by().values("pk")
    return members.filter(OneOf(F("pk"), ArraySubquery(found)))


def member_by_number(*, number: str) -> Member | None:
    """The member with this number, whoever asks: for imports and services, not for views."""
    return Member.objects.filter(number=number).first()


def member_of_user(*, user_id: UUID) -> Member | None:
    """The member that the user is, if any."""
    return Member.objects.filter(user_id=user_id).first()


def member_facts(member: Member) -> dict[str, Any]:
    """What the audit trail keeps of a member; what is encrypted is masked: the trail is read by many for years."""
    sealed = {name: masked(getattr(member, name)) for name in SEALED}
    return {**{name: getattr(member, name) for name in _FACTS}, **sealed, "branch": str(member.branch_id)}
