"""What reports refuse."""

from __future__ import annotations

from apps.core.errors import Conflict, InvalidRequest, NotFound, PermissionDenied, Unprocessable


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


class TranslationRateMissing(Unprocessable):
    """422: books in another currency cannot be translated for want of a rate."""

    code = "translation-rate-missing"
    title = "A rate for the translation is missing"


class LayoutNotValid(Unprocessable):
    """422: a layout names what the chart does not have, or leaves out or repeats a part of it."""

    code = "report-layout-not-valid"
    title = "The layout does not fit the chart of accounts"


class YearNotOver(Conflict):
    """409: a year is closed after its last business date."""

    code = "year-not-over"
    title = "The year is not over"


class YearNotClosed(Conflict):
    """409: a year that is not closed cannot be opened again."""

    code = "year-not-closed"
    title = "The year is not closed"


class YearCloseBusy(Conflict):
    """409: somebody else closes or opens the same year at this moment."""

    code = "year-close-busy"
    title = "The year is being closed or opened"


class RetainedEarningsMissing(Unprocessable):
    """422: the chart has no account that takes the result of a year."""

    code = "retained-earnings-missing"
    title = "There is no account for retained earnings"


class LayoutChanged(Conflict):
    """409: somebody else wrote a layout of this kind at the same moment."""

    code = "report-layout-changed"
    title = "The layout was written by somebody else just now"


class TranslationRateBase(Unprocessable):
    """422: the base currency has no rate: it is what the others are told in."""

    code = "translation-rate-base"
    title = "The base currency needs no rate"


class AnalyticsTooLong(InvalidRequest):
    """400: a chart has a limited number of points."""

    code = "analytics-too-long"
    title = "The chart would have too many points"


class TableTooLong(Unprocessable):
    """422: the list has more rows than this form of it takes."""

    code = "report-too-long"
    title = "The report has too many rows for this"


class DefinitionNotValid(Unprocessable):
    """422: a report definition asks for what its dataset does not have."""

    code = "report-definition-not-valid"
    title = "The definition cannot be run"


class ReportLinkInvalid(NotFound):
    """404: the link is not one of ours, has expired, or its reader may see the report no more."""

    code = "report-link-invalid"
    title = "This link opens nothing"


class InsightTooFew(Unprocessable):
    """422: there are too few figures to say more than their sums."""

    code = "insight-too-few"
    title = "Too little is known yet"
