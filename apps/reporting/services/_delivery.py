"""Handing reports out: whom a schedule tells, and links that open a statement for one person for three days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import IO
from uuid import UUID

from django.core import signing

from apps.core.errors import DomainError
from apps.core.notices import notify
from apps.identity.models import User
from apps.ledger.selectors import branches_in_reach
from apps.reporting import notices
from apps.reporting.definitions import spec_check
from apps.reporting.errors import ReportLinkInvalid
from apps.reporting.models import ReportOpening, ReportRun

LINK_LASTS = dt.timedelta(days=3)
_signer = signing.Signer(salt="apps.reporting.link")


def link_make(*, run: ReportRun, user: User, at: dt.datetime) -> str:
    """The path of a link that opens a statement for one user until three days from now.

    Of a list it is the page of the report on the staff site: rows of persons need a sign-in and a second factor.
    """
    from apps.reporting.services._runs import of_persons

    if of_persons(run.report):
        return f"/admin/reporting/reportrun/{run.pk}/change/"
    expires = int((at + LINK_LASTS).timestamp())
    token = _signer.sign_object({"r": str(run.pk), "u": str(user.pk), "e": expires}, compress=True)
    return f"/api/v1/reports/links/{token}"


def link_open(*, token: str, at: dt.datetime) -> tuple[ReportRun, IO[bytes]]:
    """The report that a link opens, and its file. Noted as opened by the user whom the link was made for.

    The user must still be active and allowed to see it. Raises `ReportLinkInvalid`, which says no more than that; also
    for a list, which no link opens.
    """
    from apps.reporting.services._runs import of_persons, report_open

    try:
        facts = _signer.unsign_object(token)
        run = ReportRun.objects.select_related("definition", "schedule").get(pk=UUID(facts["r"]))
        user = User.objects.get(pk=UUID(facts["u"]), is_active=True)
        expires = int(facts["e"])
    except (signing.BadSignature, ReportRun.DoesNotExist, User.DoesNotExist, KeyError, ValueError, TypeError) as error:
        raise ReportLinkInvalid from error
    if at.timestamp() > expires or of_persons(run.report) or not may_read(user=user, run=run):
        raise ReportLinkInvalid
    return run, report_open(acting_user=user, run=run, at=at, way=ReportOpening.Way.LINK)


def may_read(*, user: User, run: ReportRun) -> bool:
    """Whether a user sees the whole bank and holds what a report over it asks for."""
    return branches_in_reach(user=user) is None and holds_what_it_asks(user=user, run=run)


def holds_what_it_asks(*, user: User, run: ReportRun) -> bool:
    """Whether a user holds the permissions of what is in a report: of its list, or of the fields of its version."""
    from apps.reporting.services._runs import report_permission

    if run.definition is None:
        return user.has_permission(report_permission(report=run.report, definition=None))
    kept = run.definition.versions.filter(number=run.params.get("number", run.definition.number)).first()
    try:
        spec_check(dataset=run.definition.dataset, spec=(kept or run.definition).spec, user=user)
    except DomainError:
        return False
    return True


def run_announce(*, run: ReportRun, at: dt.datetime) -> None:
    """Tell whoever holds the schedule's role and may read the report, each with a link of their own."""
    if run.schedule is None:
        return
    for user in _readers(run):
        notify(
            notices.READY,
            recipients=[user.pk],
            context=notices.ReportReady(run.title, run.as_of),
            at=at,
            link=link_make(run=run, user=user, at=at),
            key=f"report {run.pk}",
        )


def _readers(run: ReportRun) -> Sequence[User]:
    holders = User.objects.filter(is_active=True, roles=run.schedule.role if run.schedule else None)
    return [user for user in holders if may_read(user=user, run=run) and _finds(user, run)]


def _finds(user: User, run: ReportRun) -> bool:
    """Whether what `link_make` gives opens for them: the page of a list is for those who read reports."""
    from apps.reporting.services._runs import of_persons

    return user.has_permission("reporting.read") or not of_persons(run.report)
