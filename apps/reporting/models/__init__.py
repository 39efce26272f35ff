"""What reporting keeps: reports that were drawn up, how they are laid out and defined, and summaries for analytics."""

from apps.reporting.models._breaks import ReconciliationBreak
from apps.reporting.models._definitions import ReportDefinition, ReportDefinitionVersion
from apps.reporting.models._facts import DayFact, FactsState
from apps.reporting.models._runs import FORMS, KINDS, TITLES, ReportOpening, ReportRun, ReportSchedule
from apps.reporting.models._statements import StatementLayout, TranslationRate, YearClose

__all__ = [
    "FORMS",
    "KINDS",
    "TITLES",
    "DayFact",
    "FactsState",
    "ReconciliationBreak",
    "ReportDefinition",
    "ReportDefinitionVersion",
    "ReportOpening",
    "ReportRun",
    "ReportSchedule",
    "StatementLayout",
    "TranslationRate",
    "YearClose",
]
