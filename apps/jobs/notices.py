"""What people are told: the owner that a job ended; those who look after the machine that one failed for good, or that
requests are answered badly."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from apps.core.notices import IN_APP, Kind, Texts, kind_register


@dataclass(frozen=True)
class JobEnded:
    """A job that ended; `reason` is empty unless it failed."""

    job: str
    reason: str


DONE = kind_register(
    Kind(
        code="jobs.done",
        title="Your background work is done",
        sample=JobEnded("Import of transactions", ""),
        texts={"en": Texts("{job} is done", "{job}, which you asked for, is done.")},
        channels=frozenset({IN_APP}),
    )
)
FAILED = kind_register(
    Kind(
        code="jobs.failed",
        title="Your background work failed",
        sample=JobEnded("Import of transactions", "The file is not UTF-8."),
        texts={"en": Texts("{job} failed", "{job}, which you asked for, could not be done.\n\n{reason}")},
    )
)
DEAD_LETTER = kind_register(
    Kind(
        code="jobs.dead_letter",
        title="A background job needs a decision",
        sample=JobEnded("Close of business", "The books do not add up."),
        texts={
            "en": Texts(
                "{job} needs a decision",
                "{job} failed for good.\n\n{reason}\n\nTry it again or discard it on the page of dead letters.",
            )
        },
    )
)


@dataclass(frozen=True)
class ServiceState:
    """How requests were answered within some minutes."""

    minutes: int
    answers: int
    errors_percent: Decimal
    slow_ms: int


SERVICE_ALARM = kind_register(
    Kind(
        code="jobs.service_alarm",
        title="Requests are answered badly",
        sample=ServiceState(5, 1200, Decimal("7.5"), 2500),
        texts={
            "en": Texts(
                "Requests are answered badly",
                "In the last {minutes} minutes {errors_percent} % of {answers} requests ended with an error of ours,"
                " and the slowest in twenty took more than {slow_ms} ms.\n\nThe log and /metrics say where.",
            )
        },
        urgent=True,
    )
)
SERVICE_WELL = kind_register(
    Kind(
        code="jobs.service_well",
        title="Requests are answered well again",
        sample=ServiceState(5, 1200, Decimal("0"), 100),
        texts={
            "en": Texts(
                "Requests are answered well again",
                "In the last {minutes} minutes {errors_percent} % of {answers} requests ended with an error of ours,"
                " and the slowest in twenty took more than {slow_ms} ms.",
            )
        },
    )
)
