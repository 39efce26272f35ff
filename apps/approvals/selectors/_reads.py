"""Requests as somebody may see them: inbox, queue, sent, done, overdue; one request with its trail."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.approvals.errors import ApprovalNotFound
from apps.approvals.models import ApprovalDecision, ApprovalLevel, ApprovalRequest, Delegation
from apps.approvals.selectors._standing import Standing, levels_for, standings_of
from apps.audit.models import AuditEvent
from apps.identity.models import User

VIEW = "approvals.view"
BOXES = ("inbox", "queue", "delegated", "breached", "sent", "done", "all")


def requests_visible_to(user: User) -> QuerySet[ApprovalRequest]:
    """The requests a user may read: the own, those decided on, and with approvals.view those of the reach."""
    requests = ApprovalRequest.objects.select_related("maker", "branch", "policy")
    if user.has_permission(VIEW) and user.scope == "all":
        return requests
    decided = ApprovalDecision.objects.filter(request=OuterRef("pk"), actor=user)
    seen = Q(maker=user) | Q(Exists(decided)) | Q(levels__assignee=user)
    if user.has_permission(VIEW) and user.scope == "branch":
        seen |= Q(branch_id__in=user.branch_ids)
    return requests.filter(pk__in=ApprovalRequest.objects.filter(seen).values("pk"))


def request_get_for(*, user: User, public_id: UUID, at: dt.datetime) -> ApprovalRequest:
    """The one way to a request by id: ApprovalNotFound when it does not exist or is none of the user's business.

    Those whom an open level asks may see it, whatever else they hold.
    """
    found = requests_visible_to(user).filter(public_id=public_id).first()
    if found is not None:
        return found
    asked = levels_for(standings=standings_of(user=user, at=at)).filter(request__public_id=public_id)
    level = asked.select_related("request__maker", "request__branch", "request__policy").first()
    if level is None:
        raise ApprovalNotFound
    return level.request


def levels_in_box(*, user: User, box: str, at: dt.datetime) -> QuerySet[ApprovalLevel]:
    """Open levels of a box: inbox (held by the user), queue (all that ask the user), delegated, breached.

    With request, maker and branch, in one query beside those of `standings_of`.
    """
    standings = standings_of(user=user, at=at)
    levels = _box(standings, box, user, at)
    return levels.select_related("request__maker", "request__branch", "request__policy", "assignee")


def _box(standings: Sequence[Standing], box: str, user: User, at: dt.datetime) -> QuerySet[ApprovalLevel]:
    if box == "delegated":
        lent = [standing for standing in standings if standing.delegated]
        return levels_for(standings=lent)
    levels = levels_for(standings=standings)
    authorities = [standing.authority.pk for standing in standings]
    match box:
        case "inbox":
            return levels.filter(assignee_id__in=authorities)
        case "breached":
            return levels.filter(due_at__lt=at)
        case _:
            return levels.filter(Q(assignee__isnull=True) | Q(assignee_id__in=authorities))


def requests_in_box(*, user: User, box: str) -> QuerySet[ApprovalRequest]:
    """Requests of a box: sent (asked for by the user), done (decided by the user), all that the user may see."""
    requests = ApprovalRequest.objects.select_related("maker", "branch", "policy")
    match box:
        case "sent":
            return requests.filter(maker=user)
        case "done":
            return requests.filter(Exists(ApprovalDecision.objects.filter(request=OuterRef("pk"), actor=user)))
        case _:
            return requests_visible_to(user)


def queue_count(*, user: User, at: dt.datetime, most: int = 100) -> int:
    """How many open levels ask the user, counted no further than `most`: the badge."""
    levels = _box(standings_of(user=user, at=at), "queue", user, at)
    return len(levels.order_by().values_list("pk")[:most])


def level_for(*, user: User, request: ApprovalRequest, at: dt.datetime) -> ApprovalLevel | None:
    """The open level of a request on which the user could decide now; None when there is none."""
    if request.state != ApprovalRequest.State.PENDING:
        return None
    mine = _box(standings_of(user=user, at=at), "queue", user, at).filter(request=request)
    return mine.select_related("assignee").order_by("place").first()


def trail_of(request: ApprovalRequest) -> QuerySet[AuditEvent]:
    """What happened to a request, oldest first: its events of the audit trail."""
    return AuditEvent.objects.filter(
        object_type="approvals.approvalrequest", object_id=str(request.public_id)
    ).order_by("id")


def delegations_visible_to(user: User) -> QuerySet[Delegation]:
    """Delegations given or received by the user; those of the reach for whoever administers approvals."""
    rows = Delegation.objects.select_related("principal", "delegate")
    own = Q(principal=user) | Q(delegate=user)
    if user.has_permission("approvals.administer"):
        if user.scope == "all":
            return rows
        own |= Q(principal__branch_id__in=user.branch_ids)
    return rows.filter(own)


def delegation_get_for(*, user: User, pk: UUID) -> Delegation:
    """The one way to a delegation by id. Raises ApprovalNotFound."""
    row = delegations_visible_to(user).filter(pk=pk).first()
    if row is None:
        raise ApprovalNotFound("No such delegation.")
    return row
