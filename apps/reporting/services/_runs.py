"""Drawing up reports in the background and keeping them: statements, lists, and reports that users defined."""

from __future__ import annotations

import datetime as dt
import hashlib
import tempfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F

from apps.core.errors import PermissionDenied
from apps.core.ids import uuid7
from apps.core.trail import read_announce
from apps.identity.guards import step_up_check
from apps.identity.models import User
from apps.jobs.services import job_start
from apps.reporting import renditions
from apps.reporting.definitions import definition_table, spec_check
from apps.reporting.drawing import statement_draw
from apps.reporting.errors import ReportNotReady, ReportPeriod
from apps.reporting.models import TITLES, ReportDefinition, ReportDefinitionVersion, ReportOpening, ReportRun
from apps.reporting.selectors import report_branch
from apps.reporting.services._delivery import holds_what_it_asks, run_announce
from apps.reporting.tables import TABLES, Params, table_read
from apps.reporting.tables.render import table_write

if TYPE_CHECKING:
    from collections.abc import Mapping

DRAW = "reporting.draw"
DEFINED = "defined"
"""The code of reports that users define; `definition` says which."""

MEMORY_BYTES = 8 * 1024 * 1024
"""Beyond this a report that is being drawn up lies in a file, not in memory."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is asked for. `options` are the statement's or the list's own parameters."""

    report: str
    form: str
    since: dt.date
    as_of: dt.date
    currency: str
    compares: bool = False
    options: Mapping[str, Any] | None = None
    definition: ReportDefinition | None = None


def report_permission(*, report: str, definition: ReportDefinition | None) -> str:
    """The permission that a report asks for."""
    if definition is not None:
        return "reporting.define"
    return TABLES[report].permission if report in TABLES else "ledger.view"


@transaction.atomic
def report_request(
    *, acting_user: User, asked: Asked, branch_code: str, key: str, at: dt.datetime
) -> tuple[ReportRun, bool]:
    """Have a report drawn up by a job of the same id; the run, and whether it was asked for before under this key.

    Raises `ReportPeriod`, `PermissionDenied`, `MfaStepUpRequired` for a list, `NotFound` for a branch out of reach,
    `IdempotencyKeyReused`.
    """
    if asked.since > asked.as_of:
        raise ReportPeriod(pointer="/from")
    needed = report_permission(report=asked.report, definition=asked.definition)
    if not acting_user.has_permission(needed):
        raise PermissionDenied(f"This needs the permission {needed}.", permission=needed)
    if of_persons(asked.report):
        step_up_check(acting_user, at=at)
    branch, branch_ids = report_branch(user=acting_user, code=branch_code)
    options = dict(asked.options or {})
    if asked.definition is not None:
        options["number"] = asked.definition.number
    payload = {
        "report": asked.report, "form": asked.form, "since": asked.since.isoformat(),
        "as_of": asked.as_of.isoformat(), "currency": asked.currency, "compares": asked.compares,
        "branch": branch_code, "definition": str(asked.definition.pk) if asked.definition else "", **options,
    }  # fmt: skip
    job, replayed = job_start(
        acting_user=acting_user, kind=DRAW, at=at, payload=payload, key=f"report {key}", job_id=uuid7()
    )
    if replayed:
        return ReportRun.objects.get(pk=job.pk), True
    run = ReportRun.objects.create(
        id=job.pk,
        report=asked.report,
        definition=asked.definition,
        params=options,
        form=asked.form,
        since=asked.since,
        as_of=asked.as_of,
        currency=asked.currency,
        compares=asked.compares,
        branch_code=branch.code if branch else "",
        branch_ids=branch_ids,
        requested_by=acting_user,
        created_at=at,
    )
    return run, False


def of_persons(report: str) -> bool:
    """Is it a list, with rows of persons that leave the bank by thousands, rather than a statement of sums?"""
    return report not in TITLES


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What is known of a report after it was written."""

    as_of_entry: int | None = None
    is_proven: bool | None = None


def report_draw(*, run_id: UUID, at: dt.datetime) -> ReportRun:
    """Draw up a report that was asked for, keep its file and tell whom its schedule names. Twice is once.

    The file is written before the row that names it: one that a dying worker left behind is named by nobody. It is
    written as it is read, so that a million rows need no more memory than a thousand.
    """
    run = ReportRun.objects.select_related("requested_by", "schedule__role", "definition__owner").get(pk=run_id)
    if run.drawn_at is not None:
        return run
    with tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES) as file:
        drawn = _write(run, file, at)
        digest, size = _digest(file)
        file.seek(0)
        name = default_storage.save(f"reports/{run.as_of:%Y/%m}/{run.pk}.{run.form}", File(file))
    with transaction.atomic():
        kept = ReportRun.objects.filter(pk=run.pk, drawn_at=None).update(
            file=name, sha256=digest, size=size, as_of_entry=drawn.as_of_entry, is_proven=drawn.is_proven,
            drawn_at=at, updated_at=at, version=F("version") + 1,
        )  # fmt: skip
        if kept and run.schedule is not None:
            run_announce(run=run, at=at)
    run.refresh_from_db()
    return run


def _write(run: ReportRun, file: IO[bytes], at: dt.datetime) -> _Drawn:
    drawn_by = run.requested_by.full_name if run.requested_by else "schedule"
    scope = run.branch_code or ("All branches" if run.branch_ids is None else "Own branches")
    if run.definition is not None:
        user = run.requested_by or run.definition.owner
        number = run.params.get("number", run.definition.number)
        version = ReportDefinitionVersion.objects.get(definition=run.definition, number=number)
        plan = spec_check(dataset=run.definition.dataset, spec=version.spec, user=user)
        table = definition_table(title=version.title, plan=plan, user=user, day=run.as_of)
        table_write(table, run.form, file, drawn_at=at, drawn_by=drawn_by)
        return _Drawn()
    if run.report in TABLES:
        params = Params(
            as_of=run.as_of, since=run.since, currency=run.currency,
            branch_ids=None if run.branch_ids is None else tuple(run.branch_ids), **run.params,
        )  # fmt: skip
        table_write(table_read(TABLES[run.report], params, scope=scope), run.form, file, drawn_at=at, drawn_by=drawn_by)
        return _Drawn()
    statement = statement_draw(
        kind=run.report,
        since=run.since,
        as_of=run.as_of,
        compares=run.compares,
        currency=run.currency or settings.NUMINA["BASE_CURRENCY"],
        branch_ids=run.branch_ids,
        options=run.params,
    )
    content, _ = renditions.statement_file(statement, run.form, drawn_at=at, drawn_by=drawn_by, scope=scope)
    file.write(content)
    return _Drawn(statement.as_of_entry, statement.is_proven)


def _digest(file: IO[bytes]) -> tuple[str, int]:
    file.seek(0)
    sha, size = hashlib.sha256(), 0
    while block := file.read(1 << 20):
        sha.update(block)
        size += len(block)
    return sha.hexdigest(), size


def report_open(*, acting_user: User, run: ReportRun, at: dt.datetime, way: str) -> IO[bytes]:
    """The file of a report, at its start; who opened it and which way is kept, and goes to the access log.

    Raises `PermissionDenied` for who may not see what is in it, whoever asked for it or named them its reader;
    `MfaStepUpRequired` for a list; `ReportNotReady` while it is being drawn up, and when the file is no longer
    the one that was kept.
    """
    if not holds_what_it_asks(user=acting_user, run=run):
        raise PermissionDenied("You may not see what is in this report.")
    if of_persons(run.report):
        step_up_check(acting_user, at=at)
    if run.drawn_at is None:
        raise ReportNotReady("It is still being drawn up.")
    file: IO[bytes] = default_storage.open(run.file)
    if _digest(file)[0] != run.sha256:
        file.close()
        raise ReportNotReady("The file is not the one that was kept. Tell the operators.")
    file.seek(0)
    ReportOpening.objects.create(run=run, user=acting_user, way=way, opened_at=at)
    read_announce(acting_user=acting_user, object_type="reporting.report", object_id=str(run.pk), object_label=str(run))
    return file
