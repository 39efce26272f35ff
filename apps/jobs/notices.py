"""What people are told of jobs: the owner that it ended, those who look after jobs that one failed for good."""

from __future__ import annotations

from dataclasses import dataclass

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
