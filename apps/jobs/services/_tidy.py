"""Jobs are a means and no record of the bank: what they did is in the audit trail and in the tables of their apps."""

from __future__ import annotations

import datetime as dt

from apps.jobs.models import DeadLetter, Job

BATCH = 5_000


def job_tidy(*, before: dt.datetime) -> int:
    """Remove jobs that ended before `before`, with their decided dead letters; returns how many.

    A job whose failure nobody has decided on stays.
    """
    undecided = DeadLetter.objects.filter(decision=DeadLetter.Decision.OPEN).values("job")
    total = 0
    while True:
        ended = Job.objects.filter(finished_at__lt=before).exclude(pk__in=undecided)
        keys = list(ended.order_by("finished_at").values_list("pk", flat=True)[:BATCH])
        Job.objects.filter(pk__in=keys).delete()
        total += len(keys)
        if len(keys) < BATCH:
            return total
