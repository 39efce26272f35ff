"""The close of business: the steps that apps registered, in order, each by partitions, once for a business date."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from apps.audit.services import record
from apps.core.errors import DomainError, Unavailable
from apps.jobs import locks
from apps.jobs.errors import CloseNotPossible, CloseStepFailed
from apps.jobs.models import ClosePart, CloseRun
from apps.jobs.registry import CloseContext, CloseStep, business_day, steps_all
from apps.jobs.services._running import TRANSIENT, connection_renew

if TYPE_CHECKING:
    from apps.identity.models import User

logger = logging.getLogger(__name__)

Clock = Callable[[], dt.datetime]
Progress = Callable[[int, int, str], None]
BY_CLOCK, BY_CLOSE = "automatic", "close_of_business"
ERROR_MAX = 400


def close_date_default() -> dt.date:
    """The date that a close without a given one is for: an unfinished one, else the newest that may be closed."""
    unfinished = CloseRun.objects.exclude(status=CloseRun.Status.DONE).order_by("business_date").first()
    return unfinished.business_date if unfinished else close_date_newest()


def close_run(
    *, acting_user: User | None, business_date: dt.date, now: Clock, on_progress: Progress | None = None
) -> dict[str, Any]:
    """Close a business date: do what is not done yet of all steps, and return the report, ready for JSON.

    A closed date is left alone. After a failure, begin it again: partitions that are done are passed by. A step is
    begun when all partitions of those before it are done; a failed partition does not stop the others of its step.
    Raises `CloseUnderWay`, `CloseNotPossible`, `CloseStepFailed` naming what failed, and `Unavailable` when all that
    failed may pass by itself.
    """
    with locks.close_lock() as held:
        _possible(business_date)
        at = now()
        run = _begin(business_date, acting_user=acting_user, at=at)
        if run.status == CloseRun.Status.DONE:
            return report_of(run)
        context = CloseContext(business_date, at, acting_user)
        for position, step in enumerate(steps_all()):
            try:
                errors = _step(run, step, position, context, held=held, now=now, on_progress=on_progress)
            except Exception:  # cancelled, or the lock was lost: nobody is at work on it any more
                connection_renew()
                _end(run, CloseRun.Status.FAILED, acting_user=acting_user, at=now(), failed=step.name)
                raise
            if errors:
                _end(run, CloseRun.Status.FAILED, acting_user=acting_user, at=now(), failed=step.name)
                _raise(step, errors)
        _end(run, CloseRun.Status.DONE, acting_user=acting_user, at=now())
        return report_of(run)


def close_preview(*, business_date: dt.date, at: dt.datetime) -> dict[str, Any]:
    """The report of a close that changes nothing: what each partition would do, as far as its step can tell.

    Each look is a read-only transaction of PostgreSQL: a step's mistake cannot write. Raises `CloseNotPossible`.
    """
    _possible(business_date)
    context = CloseContext(business_date, at)
    done = {
        (part.step, part.partition)
        for part in ClosePart.objects.filter(run__business_date=business_date, status=ClosePart.Status.DONE)
    }
    rows = []
    for step in steps_all():
        for partition in _read_only(lambda step=step: step.partitions(context)):  # type: ignore[misc]
            is_done = (step.name, partition) in done
            result: Any = {}
            if not is_done and step.preview is not None:
                result = _read_only(lambda step=step, name=partition: step.preview(context, name)) or {}  # type: ignore[misc]
            rows.append(_row(step.name, step.title, partition, "done" if is_done else "would-run", dict(result)))
    return {"business_date": business_date.isoformat(), "dry_run": True, "status": "preview", "steps": rows}


def report_of(run: CloseRun) -> dict[str, Any]:
    """The report of a close as its rows have it."""
    titles = {step.name: step.title for step in steps_all()}
    rows = [
        {**_row(part.step, titles.get(part.step, part.step), part.partition, part.status, part.result)}
        | ({"error": part.error} if part.error else {})
        for part in run.parts.all()
    ]
    return {
        "id": str(run.pk),
        "business_date": run.business_date.isoformat(),
        "dry_run": False,
        "status": run.status,
        "starts": run.starts,
        "steps": rows,
    }


def _row(step: str, title: str, partition: str, status: str, result: dict[str, Any]) -> dict[str, Any]:
    return {"step": step, "title": title, "partition": partition, "status": status, "result": result}


def close_date_newest() -> dt.date:
    """The newest date that may be closed: by the clock a day is over when the books have opened the next, otherwise the
    open day is what is being closed."""
    by_clock = settings.NUMINA["BUSINESS_DATE_ROLL"] == BY_CLOCK
    return business_day() - dt.timedelta(days=1 if by_clock else 0)


def _possible(business_date: dt.date) -> None:
    if business_date > close_date_newest():
        raise CloseNotPossible(f"{business_date} is not over; the open business date is {business_day()}.")
    earlier = CloseRun.objects.filter(business_date__lt=business_date).exclude(status=CloseRun.Status.DONE).first()
    if earlier is not None:
        raise CloseNotPossible(f"The close of {earlier.business_date} is not finished.")


def _begin(business_date: dt.date, *, acting_user: User | None, at: dt.datetime) -> CloseRun:
    """The run of this date, begun or taken up again; a finished one as it is. Others are kept out by the lock."""
    run, _ = CloseRun.objects.get_or_create(
        business_date=business_date, defaults={"started_at": at, "started_by": acting_user, "created_at": at}
    )
    if run.status == CloseRun.Status.DONE:
        return run
    with transaction.atomic():
        # What was at work when its runner died.
        run.parts.filter(status=ClosePart.Status.RUNNING).update(status=ClosePart.Status.PENDING)
        _run_update(run, at=at, status=CloseRun.Status.RUNNING, starts=run.starts + 1, finished_at=None)
        record(
            action="jobs.close.started",
            acting_user=acting_user,
            target=run,
            after={"business_date": str(business_date), "starts": run.starts},
            at=at,
        )
    return run


def _step(
    run: CloseRun,
    step: CloseStep,
    position: int,
    context: CloseContext,
    *,
    held: Callable[[], bool],
    now: Clock,
    on_progress: Progress | None,
) -> list[Exception]:
    """Do what is left of a step; the errors of the partitions that failed."""
    ClosePart.objects.bulk_create(
        [
            ClosePart(run=run, position=position, step=step.name, partition=partition)
            for partition in step.partitions(context)
        ],
        ignore_conflicts=True,
    )
    errors: list[Exception] = []
    parts = list(run.parts.filter(step=step.name).order_by("id"))
    for number, part in enumerate(parts, 1):
        if part.status != ClosePart.Status.DONE:
            if not held():
                raise Unavailable("The connection that keeps other runners out was lost.")
            error = _part(part, step, context, now=now)
            _run_update(run, at=now())
            if error is not None:
                errors.append(error)
        if on_progress is not None:
            on_progress(position * 1_000 + 1_000 * number // len(parts), len(steps_all()) * 1_000, step.title)
    return errors


def _part(part: ClosePart, step: CloseStep, context: CloseContext, *, now: Clock) -> Exception | None:
    row = ClosePart.objects.filter(pk=part.pk)
    row.update(
        status=ClosePart.Status.RUNNING, attempts=F("attempts") + 1, started_at=now(), finished_at=None, error=""
    )
    try:
        result = step.run(context, part.partition)
    except Exception as error:
        connection_renew()
        logger.exception("step %s %s of the close failed", step.name, part.partition)
        text = error.detail if isinstance(error, DomainError) else f"{type(error).__name__}: {error}"
        row.update(status=ClosePart.Status.FAILED, finished_at=now(), error=text[:ERROR_MAX])
        return error
    row.update(status=ClosePart.Status.DONE, finished_at=now(), result=dict(result or {}))
    return None


def _end(run: CloseRun, status: str, *, acting_user: User | None, at: dt.datetime, failed: str = "") -> None:
    with transaction.atomic():
        _run_update(run, at=at, status=status, finished_at=at)
        record(
            action="jobs.close.finished" if not failed else "jobs.close.failed",
            acting_user=acting_user,
            target=run,
            after={"business_date": str(run.business_date), **({"step": failed} if failed else {})},
            at=at,
        )


def _run_update(run: CloseRun, *, at: dt.datetime, **values: Any) -> None:
    CloseRun.objects.filter(pk=run.pk).update(version=F("version") + 1, updated_at=at, **values)
    for name, value in values.items():
        setattr(run, name, value)


def _raise(step: CloseStep, errors: list[Exception]) -> None:
    if all(isinstance(error, TRANSIENT) for error in errors):
        raise Unavailable(f"{step.title} could not be finished; it will be tried again.") from errors[0]
    first = next(error for error in errors if not isinstance(error, TRANSIENT))
    text = first.detail if isinstance(first, DomainError) else type(first).__name__
    raise CloseStepFailed(f"{step.title}: {len(errors)} of its partitions failed. {text}", step=step.name) from first


def _read_only(look: Callable[[], Any]) -> Any:
    """What `look` says, seen in a transaction in which PostgreSQL refuses to write."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        found = look()
        transaction.set_rollback(True)
    return found
