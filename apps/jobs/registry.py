"""What runs in the background, named by the apps that do it: they register in `AppConfig.ready()`.

kind_register(JobKind("balances.books_verify", "Proof of the books", run=verify, permission="ledger.view"))
schedule_register(Schedule("lending.reminders", "Reminders", kind="lending.remind", at=dt.time(8)))
step_register(CloseStep("ledger.journal_seal", "Seal the journal", order=100, run=seal))
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from apps.core.errors import InvalidRequest
from apps.jobs.errors import JobKindUnknown

if TYPE_CHECKING:
    from apps.identity.models import User

ATTEMPTS_MAX = 4  # once, and three times again
MINUTES_MAX = 55  # what a worker grants a task; longer work is cut into parts
BANK = ""  # the partition of steps that have but one

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class JobResult:
    """What came of a job: facts ready for JSON, and where in the API or the staff site to look at it."""

    facts: Payload = field(default_factory=dict)
    url: str = ""


class JobRun(Protocol):
    """What the function of a kind is given."""

    id: UUID
    payload: Payload
    owner: User | None
    at: dt.datetime
    attempt: int

    def progress(self, *, done: int, total: int = 0, message: str = "") -> None:
        """Say how far it is; between transactions, as often as you like. Ends the job here when it was cancelled."""


def payload_none(payload: Payload) -> dict[str, Any]:
    """For kinds that take no payload. Raises InvalidRequest for one that is not empty."""
    if payload:
        raise InvalidRequest("This kind of job takes no payload.", pointer="/payload")
    return {}


def payload_day(payload: Payload) -> dict[str, Any]:
    """For kinds that take what schedules give: a business date. Raises InvalidRequest."""
    return {"business_date": day_read(payload)}


def day_read(payload: Payload) -> str:
    """The business date of a payload, ISO 8601. Raises InvalidRequest."""
    try:
        return dt.date.fromisoformat(payload["business_date"]).isoformat()
    except (KeyError, TypeError, ValueError):
        raise InvalidRequest("A date such as 2026-01-31.", pointer="/payload/business_date") from None


@dataclass(frozen=True, slots=True)
class JobKind:
    """A kind of job.

    `run` does the work and is safe to run again from its start: a worker may die at any point. What is raised decides
    what follows: transient errors (lost connections, Unavailable and those in `transient`) are tried again up to
    `attempts` times in all, anything else is final. `check` returns the payload as it is kept, or raises a DomainError.
    A kind with a `permission` may be started by POST /api/v1/jobs by whoever holds it; others are started by services.
    `given_up` tidies up what a job left that nobody will go on with: it is called with the job's id and the moment in
    the transaction in which the job is cancelled, or its failure is let go.
    """

    name: str
    title: str
    run: Callable[[Any], JobResult | None]
    queue: str = "default"
    permission: str = ""
    check: Callable[[Payload], dict[str, Any]] = payload_none
    attempts: int = ATTEMPTS_MAX
    minutes: int = MINUTES_MAX
    transient: tuple[type[Exception], ...] = ()
    given_up: Callable[[UUID, dt.datetime], None] | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job a day, at `at` by the clock of the bank or, `per_branch`, of each branch.

    It is started for a business date, `{"business_date": ..., "branch_id": ...}` being its payload, and never twice for
    one. `days_after` 1 means the night after that date. Without `every_day` only business days of the calendar count.
    Dates that were missed are caught up in order, one at a time; with `catch_up` False only the last, others skipped.
    """

    name: str
    title: str
    kind: str
    at: dt.time
    per_branch: bool = False
    every_day: bool = False
    days_after: int = 0
    catch_up: bool = True
    newest: Callable[[], dt.date] | None = None
    """The newest date that may begin now; later ones wait, however late it is by the clock."""


@dataclass(frozen=True, slots=True)
class CloseContext:
    """What a step of the close is given: the business date being closed, the moment, and who started it."""

    business_date: dt.date
    at: dt.datetime
    acting_user: User | None = None


Partitions = Callable[[CloseContext], Sequence[str]]
StepRun = Callable[[CloseContext, str], Payload | None]


def whole_bank(context: CloseContext) -> Sequence[str]:
    """The partitions of a step that is not parted."""
    return (BANK,)


@dataclass(frozen=True, slots=True)
class CloseStep:
    """A step of the close of business, done in the order of `order`, then name.

    `run` does one partition in transactions of its own and returns facts for the report. It is safe to run again: what
    is done is left alone. `preview` tells what `run` would do; it may read only, and PostgreSQL holds it to that.
    Orders: 100 seals, 200 to 799 what posts, 800 proofs, 900 the next business date.
    """

    name: str
    title: str
    order: int
    run: StepRun
    partitions: Partitions = whole_bank
    preview: StepRun | None = None


_kinds: dict[str, JobKind] = {}
_schedules: dict[str, Schedule] = {}
_steps: dict[str, CloseStep] = {}
_business_day: list[Callable[[], dt.date]] = []


def kind_register(kind: JobKind) -> None:
    """Make a kind known. Raises ValueError when the name is taken by another or a limit is out of range."""
    if not 1 <= kind.attempts <= ATTEMPTS_MAX or not 1 <= kind.minutes <= MINUTES_MAX:
        raise ValueError(f"{kind.name}: at most {ATTEMPTS_MAX} attempts and {MINUTES_MAX} minutes")
    _put(_kinds, kind)


def kind_of(name: str) -> JobKind:
    """The kind of this name. Raises `JobKindUnknown`."""
    kind = _kinds.get(name)
    if kind is None:
        raise JobKindUnknown(f"There is no kind of job {name[:80]!r}.", pointer="/kind")
    return kind


def job_given_up(kind: str, job_id: UUID, at: dt.datetime) -> None:
    """Tidy up after a job that nobody will go on with; nothing for a kind that leaves nothing, or whose app is gone."""
    known = _kinds.get(kind)
    if known is not None and known.given_up is not None:
        known.given_up(job_id, at)


def kinds_all() -> list[JobKind]:
    """All kinds by name."""
    return [_kinds[name] for name in sorted(_kinds)]


def kind_title(name: str) -> str:
    """The title of a kind, or its name when its app is gone."""
    kind = _kinds.get(name)
    return kind.title if kind else name


def schedule_register(schedule: Schedule) -> None:
    """Make a schedule known. Raises ValueError when the name is taken by another."""
    _put(_schedules, schedule)


def schedules_all() -> list[Schedule]:
    """All schedules by name."""
    return [_schedules[name] for name in sorted(_schedules)]


def step_register(step: CloseStep) -> None:
    """Make a step of the close known. Raises ValueError when the name is taken by another."""
    _put(_steps, step)


def steps_all() -> list[CloseStep]:
    """All steps in the order in which they are done."""
    return sorted(_steps.values(), key=lambda step: (step.order, step.name))


def business_day_register(current: Callable[[], dt.date]) -> None:
    """Make `current` the one that knows the open business date. The ledger does so, once."""
    _business_day[:] = [current]


def business_day() -> dt.date:
    """The open business date. Raises RuntimeError when no app keeps one."""
    if not _business_day:
        raise RuntimeError("no app keeps the business date: is apps.ledger in INSTALLED_APPS?")
    return _business_day[0]()


def _put(known: dict[str, Any], entry: Any) -> None:
    if known.setdefault(entry.name, entry) != entry:
        raise ValueError(f"two apps register {entry.name}")
