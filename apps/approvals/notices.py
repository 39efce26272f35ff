"""What approvals tell people, and whom. Links lead to the task's page; nothing in a message decides."""

from __future__ import annotations

from dataclasses import dataclass

from apps.core.notices import Kind, Phrase, Texts, kind_register
from apps.core.tasks import Task

EVENT_WORDS = {
    "submitted": "asked for",
    "resubmitted": "sent again",
    "approved": "approved on a level",
    "rejected": "rejected",
    "returned": "returned for changes",
    "cancelled": "withdrawn",
    "expired": "expired, since nobody decided in time",
    "executed": "carried out",
    "failed": "approved, but could not be carried out",
    "reminded": "due soon",
    "escalated": "escalated",
    "reassigned": "handed on",
}
FOR_APPROVERS = frozenset({"submitted", "resubmitted", "approved", "reminded", "escalated", "reassigned"})
FOR_MAKER = frozenset({"approved", "rejected", "returned", "expired", "executed", "failed", "escalated", "cancelled"})


@dataclass(frozen=True, slots=True)
class Step:
    """What happened to a request; `amount` and `due` are words when there is none."""

    number: str
    title: str
    amount: Phrase
    event: Phrase
    state: Phrase
    due: Phrase


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many open levels ask somebody."""

    count: int


_SAMPLE = Step(
    number="A000017",
    title="Reversal of a transfer",
    amount=Phrase("KES 250,000.00"),
    event=Phrase("asked for"),
    state=Phrase("Pending"),
    due=Phrase("2026-01-05 14:00 UTC"),
)

STEP_WAITING = kind_register(
    Kind(
        code="approvals.step_waiting",
        title="A decision waits for you",
        sample=_SAMPLE,
        texts={
            "en": Texts(
                "Please decide: {number} {title}",
                "{title} ({amount}) was {event} and waits for your decision until {due}.\n\nOpen {number} in the inbox "
                "to see what changes, and decide there.",
                "{number} {title} waits for you",
            )
        },
    )
)
STEP_TAKEN = kind_register(
    Kind(
        code="approvals.step_taken",
        title="News of what you asked approval for",
        sample=_SAMPLE,
        texts={
            "en": Texts(
                "{number} was {event}",
                "{title} ({amount}) was {event}. It is now: {state}.",
                "{number} was {event}",
            )
        },
    )
)
DIGEST = kind_register(
    Kind(
        code="approvals.digest",
        title="What waits for your decision, each working morning",
        sample=Waiting(3),
        texts={"en": Texts("{count} approvals wait for you", "{count} approvals wait for your decision.")},
    )
)

_tasks: list[Task] = []


def task_register(task: Task) -> None:
    """The task that works out whom an event concerns. Tasks are above services, so it makes itself known here."""
    _tasks[:] = [task]


def announcing_task() -> Task | None:
    """That task, or None before Django has started."""
    return _tasks[0] if _tasks else None
