"""What reports refuse."""

from __future__ import annotations

from apps.core.errors import Conflict, InvalidRequest, PermissionDenied


class ReportPeriod(InvalidRequest):
    """400: a report from a day to a day: the first comes first."""

    code = "report-period"
    title = "The report's period ends before it begins"


class ReportNotReady(Conflict):
    """409: the report has no file that could be handed out."""

    code = "report-not-ready"
    title = "The report is not ready"


class ReportScheduleExists(Conflict):
    """409: the same report is already drawn up for this role at these times."""

    code = "report-schedule-exists"
    title = "There is such a schedule already"


class ReportScheduleReach(PermissionDenied):
    """403: schedules draw up reports over the whole bank, which the user does not see."""

    code = "report-schedule-reach"
    title = "Schedules are for those who see the whole bank"
