"""What people are told of reports."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from apps.core.notices import Kind, Texts, kind_register


@dataclass(frozen=True)
class ReportReady:
    """A report of a schedule, for the business date that it ends with."""

    report: str
    as_of: dt.date


READY = kind_register(
    Kind(
        code="reporting.report_ready",
        title="A scheduled report is ready",
        sample=ReportReady("Balance sheet", dt.date(2026, 1, 31)),
        texts={
            "en": Texts(
                "{report} of {as_of}",
                "The {report} of {as_of} is ready.\n\n"
                "The link is yours alone. It opens a statement for three days, and a list after you have signed in. "
                "That you opened it is noted.",
            )
        },
    )
)


@dataclass(frozen=True)
class BreaksFound:
    """How many comparisons with the books ceased to agree at the close of a business date."""

    count: int
    business_date: dt.date


BREAKS = kind_register(
    Kind(
        code="reporting.breaks_found",
        title="A sub-ledger and the general ledger differ",
        sample=BreaksFound(2, dt.date(2026, 1, 31)),
        texts={
            "en": Texts(
                "Reconciliation: {count} new at the close of {business_date}",
                "At the close of {business_date} {count} comparisons between a sub-ledger and the general ledger "
                "did not agree that did before.\n\n"
                "The list of reconciliation breaks has them, with the rows behind each.",
            )
        },
    )
)
