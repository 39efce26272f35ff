"""Reads of reports, by what the user may see."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.core.errors import NotFound
from apps.identity.models import Branch
from apps.identity.selectors import branches_visible_to
from apps.ledger.selectors import branches_in_reach
from apps.reporting.models import ReportDefinition, ReportRun, ReportSchedule

if TYPE_CHECKING:
    from apps.identity.models import User


def report_branch(*, user: User, code: str | None) -> tuple[Branch | None, list[UUID] | None]:
    """The branch of this code and the ids to add up; (None, reach) without a code, a reach of None is the whole bank.

    Raises `NotFound` for a branch out of reach.
    """
    reach = branches_in_reach(user=user)
    if not code:
        return None, reach
    branch = branches_visible_to(user).filter(code=code).first()
    if branch is None or (reach is not None and branch.pk not in reach):
        raise NotFound("There is no such branch.", pointer="/query/branch")
    return branch, [branch.pk]


def report_runs_visible_to(user: User) -> QuerySet[ReportRun]:
    """One's own reports and those of schedules for one's roles, within the branches that one sees today."""
    runs = ReportRun.objects.select_related("requested_by", "schedule", "definition")
    reach = branches_in_reach(user=user)
    mine = Q(requested_by=user.pk) | Q(schedule__role__in=user.roles.all())
    if reach is None:
        return runs.filter(mine)
    return runs.filter(mine, branch_ids__contained_by=reach)


def report_run_get_for(*, user: User, pk: UUID) -> ReportRun:
    """One report. Raises `NotFound`: not there and not yours look the same."""
    run = report_runs_visible_to(user).filter(pk=pk).first()
    if run is None:
        raise NotFound("No such report.")
    return run


def report_schedules() -> QuerySet[ReportSchedule]:
    """All schedules of reports."""
    return ReportSchedule.objects.select_related("role", "created_by", "definition")


def report_schedules_visible_to(user: User) -> QuerySet[ReportSchedule]:
    """Schedules draw reports over the whole bank: who sees it sees them, nobody else."""
    return report_schedules() if branches_in_reach(user=user) is None else report_schedules().none()


def definitions_visible_to(user: User) -> QuerySet[ReportDefinition]:
    """Definitions in use: one's own, and those shared with one's roles."""
    shared = Q(owner=user.pk) | Q(shared_with__in=user.roles.all())
    found = ReportDefinition.objects.filter(shared, is_active=True)
    return found.select_related("owner", "shared_with").distinct()


def definition_get_for(*, user: User, pk: UUID, owned: bool = False) -> ReportDefinition:
    """One definition; with `owned`, only one's own. Raises `NotFound`: not there and not yours look the same."""
    found = definitions_visible_to(user).filter(pk=pk)
    definition = (found.filter(owner=user.pk) if owned else found).first()
    if definition is None:
        raise NotFound("No such definition.")
    return definition
