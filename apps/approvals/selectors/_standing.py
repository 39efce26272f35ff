"""In whose name a user may decide, and on what: roles, branch, committees, limits; also those of absent colleagues."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.approvals.models import ApprovalCandidate, ApprovalDecision, ApprovalLevel, Delegation
from apps.identity.models import Branch, User

DECIDE = "approvals.decide"


@dataclass(frozen=True, slots=True)
class Standing:
    """One authority that a user can use: the own, or that of a principal who delegated it (`kinds`, `limit`)."""

    user: User
    authority: User
    roles: tuple[str, ...]
    branches: frozenset[UUID] | None
    """Branches whose requests are in reach; None for the whole bank."""
    groups: tuple[UUID, ...]
    limit: int | None
    related: tuple[UUID, ...]
    kinds: tuple[str, ...] = ()

    @property
    def delegated(self) -> bool:
        return self.user.pk != self.authority.pk

    def asked(self) -> Q:
        """Candidates that this authority is: all that a row names, and it names something."""
        authority = self.authority
        return Q(user_id=authority.pk) | Q(
            Q(role_code="") | Q(role_code__in=self.roles),
            Q(branch__isnull=True) | Q(branch_id=authority.branch_id),
            Q(group__isnull=True) | Q(group_id__in=self.groups),
            user__isnull=True,
        )

    def within(self) -> Q:
        """Levels that are within reach and limit, and no affair of the user or of the authority."""
        people = [self.user.pk, self.authority.pk]
        allowed = ~Q(request__maker_id__in=people) & ~Q(request__interested_ids__overlap=people)
        if self.related:
            allowed &= ~Q(request__member_ids__overlap=list(self.related))
        if self.branches is not None:
            allowed &= Q(request__branch_id__in=self.branches)
        if self.limit is not None:
            allowed &= Q(request__base_minor__lte=self.limit)
        if self.kinds:
            allowed &= Q(request__kind__in=self.kinds)
        return allowed


def standings_of(*, user: User, at: dt.datetime) -> list[Standing]:
    """The user's own authority first, then what colleagues delegated. Empty for those who may not decide at all.

    One query, and four more when something was delegated, beside those for the user's own roles.
    """
    if not user.has_permission(DECIDE):
        return []
    extras = _extras([user.pk], at=at)
    given: list[Delegation] = []
    if extras[user.pk].is_delegate:
        active = Delegation.objects.filter(
            delegate=user, state=Delegation.State.ACTIVE, starts_at__lte=at, ends_at__gt=at, principal__is_active=True
        )
        given = list(active.select_related("principal").prefetch_related("principal__user_roles__role"))
        extras |= _extras((row.principal_id for row in given), at=at)
    standings = [_standing(user, user, extras)]
    standings += [_standing(user, row.principal, extras, row) for row in given if row.principal.has_permission(DECIDE)]
    return standings


_EXTRAS = """
SELECT u.id, a.limit_minor, coalesce(a.related_members, '{}'),
       ARRAY(SELECT g.approvergroup_id FROM approvals_approver_groups g WHERE g.approver_id = a.id),
       EXISTS (SELECT FROM approvals_delegation d WHERE d.delegate_id = u.id AND d.state = 'active'
                  AND d.starts_at <= %(at)s AND d.ends_at > %(at)s)
FROM unnest(%(people)s::uuid[]) AS u (id) LEFT JOIN approvals_approver a ON a.user_id = u.id
"""


class _Extra(NamedTuple):
    """What is kept of an approver beside roles and branch, and whether somebody delegated to them now."""

    user_id: UUID
    limit_minor: int | None
    related_members: list[UUID]
    group_ids: list[UUID]
    is_delegate: bool


def _extras(people: Iterable[UUID], *, at: dt.datetime) -> dict[UUID, _Extra]:
    # By hand: it is asked at each decision, and the same from querysets costs five times as much.
    with connection.cursor() as cursor:
        cursor.execute(_EXTRAS, {"people": list(people), "at": at})
        return {row[0]: _Extra(*row) for row in cursor.fetchall()}


def _standing(user: User, authority: User, extras: dict[UUID, _Extra], row: Delegation | None = None) -> Standing:
    own, lent = extras.get(user.pk), extras.get(authority.pk)
    limits = [extra.limit_minor for extra in (own, lent) if extra is not None and extra.limit_minor is not None]
    if row is not None and row.limit_minor is not None:
        limits.append(row.limit_minor)
    related = {member for extra in (own, lent) if extra is not None for member in extra.related_members}
    return Standing(
        user=user,
        authority=authority,
        roles=tuple(authority.role_codes),
        branches=None if authority.scope == "all" else frozenset(authority.branch_ids),
        groups=tuple(lent.group_ids) if lent is not None else (),
        limit=min(limits) if limits else None,
        related=tuple(sorted(related)),
        kinds=tuple(row.kinds) if row is not None else (),
    )


def levels_for(*, standings: Sequence[Standing]) -> QuerySet[ApprovalLevel]:
    """The open levels on which any of the standings may decide now: asked, in reach, within limits, not yet decided."""
    if not standings:
        return ApprovalLevel.objects.none()
    user = standings[0].user
    asked = Q()
    for standing in standings:
        candidates = ApprovalCandidate.objects.filter(standing.asked(), level=OuterRef("pk"))
        asked |= Q(Exists(candidates)) & standing.within()
    decided = ApprovalDecision.objects.filter(
        request=OuterRef("request"), round=OuterRef("request__round"), actor_id=user.pk
    )
    return ApprovalLevel.objects.filter(asked, ~Exists(decided), state=ApprovalLevel.State.OPEN)


def candidates_asked(*, level_ids: Iterable[int], standing: Standing) -> set[int]:
    """Those of the levels that ask this authority, in one query."""
    rows = ApprovalCandidate.objects.filter(standing.asked(), level_id__in=list(level_ids))
    return set(rows.values_list("level_id", flat=True))


def branch_ancestors(branch: Branch | None) -> list[Branch]:
    """The branches above, nearest first, up to the head office; a query a step."""
    found: list[Branch] = []
    while branch is not None and branch.parent_id is not None and branch.parent not in found:
        branch = branch.parent
        if branch is not None:
            found.append(branch)
    return found
