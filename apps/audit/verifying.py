"""Verifications that an auditor asks for: recorded, run by a worker, with progress."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.audit import locks
from apps.audit.anchors import TRAIL, anchors_check
from apps.audit.archiving import archives_verify
from apps.audit.models import Seal, Verification
from apps.audit.sealing import TrailReport, trail_seal_all, trail_verify
from apps.audit.services import record
from apps.core.tasks import after_commit

FAULTS_MAX = 100


@transaction.atomic
def verification_request(*, acting_user: Any) -> Verification:
    """Ask for a check of the whole chain; a worker does it. Recorded: who looked, and when."""
    from apps.audit.tasks import trail_verify as task

    verification = Verification.objects.create(requested_by=acting_user)
    record(action="audit.trail.verification_requested", acting_user=acting_user, target=verification, kind="security")
    after_commit(task, verification_id=verification.pk)
    return verification


def verification_run(*, verification_id: UUID, at: dt.datetime) -> None:
    """Do a waiting verification: seal what is final, walk the chain, the anchors and the archives. Safe twice."""
    with transaction.atomic():
        verification = locks.verification_lock(pk=verification_id)
        if verification is None or verification.status != Verification.Status.WAITING:
            return
        verification.status = Verification.Status.RUNNING
        verification.save()
    trail_seal_all(at=at)
    verification.total = Seal.objects.count()
    report = TrailReport()
    for report in trail_check():
        verification.done, verification.unsealed = report.events, report.unsealed
        verification.archived, verification.anchor = report.archived, report.anchor
        verification.save()
    verification.faults = report.faults
    verification.status = Verification.Status.FAILED if report.faults else Verification.Status.PASSED
    verification.finished_at = at
    with transaction.atomic():
        verification.save()
        record(
            action="audit.trail.verified",
            actor_id=verification.requested_by_id,
            target=verification,
            kind="security",
            after={"events": report.events, "faults": len(report.faults), "anchor": report.anchor},
            at=at,
        )


def trail_check(*, noted: dict[int, bytes] | None = None, archives: bool = True) -> Any:
    """The chain with everything that backs it: anchors as their files have them, and the archives' files.

    Yields TrailReport as `trail_verify` does; `noted` are more hashes by id, noted by people.
    """
    anchors, faults = anchors_check(TRAIL)
    report = TrailReport()
    for report in trail_verify(limit=FAULTS_MAX, anchors={**anchors, **(noted or {})}):
        yield report
    for text in faults:
        report.fault(text)
    if archives:
        for _archive, text in archives_verify():
            if text:
                report.fault(text)
    yield report
