"""Reads of compliance, within the reader's reach."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.compliance.models import Flag, LegalHold, PrivacyRequest
from apps.core.errors import NotFound
from apps.members.selectors import members_visible_to

if TYPE_CHECKING:
    from apps.identity.models import User


def flags_visible_to(user: User) -> QuerySet[Flag]:
    """Flags of the whole bank, or of the branches in reach; none of oneself."""
    if not user.has_permission("compliance.view"):
        return Flag.objects.none()
    flags = Flag.objects.select_related("decided_by").exclude(subject_id=str(user.pk))
    if user.scope == "all":
        return flags
    return flags.filter(branch_id__in=user.branch_ids)


def flag_get_for(*, user: User, pk: UUID) -> Flag:
    """The flag, if the user may see it. Raises NotFound."""
    flag = flags_visible_to(user).filter(pk=pk).first()
    if flag is None:
        raise NotFound("No such flag.")
    return flag


def requests_visible_to(user: User) -> QuerySet[PrivacyRequest]:
    """Requests of members within reach for those who may see them; for others those about themselves."""
    requests = PrivacyRequest.objects.select_related("member", "requested_by", "decided_by")
    if user.scope == "own" or not user.has_permission("compliance.view"):
        return requests.filter(Q(member__user_id=user.pk) & Q(member__user_id__isnull=False))
    if user.scope == "all":
        return requests
    return requests.filter(member__branch_id__in=user.branch_ids)


def request_get_for(*, user: User, pk: UUID) -> PrivacyRequest:
    """The request, if the user may see it. Raises NotFound."""
    request = requests_visible_to(user).filter(pk=pk).first()
    if request is None:
        raise NotFound("No such request.")
    return request


def hold_get_for(*, user: User, pk: UUID) -> LegalHold:
    """The hold that still lasts, if the user may see its member. Raises NotFound."""
    reach = members_visible_to(user).values("pk")
    hold = LegalHold.objects.filter(pk=pk, lifted_at=None, member__in=reach).first()
    if hold is None:
        raise NotFound("No such hold, or it has ended.")
    return hold


def hold_exists(*, member_id: UUID) -> bool:
    """Whether a legal hold lies on the member."""
    return LegalHold.objects.filter(member_id=member_id, lifted_at=None).exists()
