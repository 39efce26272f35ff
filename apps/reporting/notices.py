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
                "The link is yours alone and opens it for three days; that you opened it is noted.",
            )
        },
    )
)
