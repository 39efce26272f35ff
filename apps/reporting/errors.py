"""What reports refuse."""

from __future__ import annotations

from apps.core.errors import InvalidRequest


class ReportPeriod(InvalidRequest):
    """400: a report from a day to a day: the first comes first."""

    code = "report-period"
    title = "The report's period ends before it begins"
