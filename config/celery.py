"""Background work: the Celery application and the schedule of beat.

The schedule is code. Beat copies it into the database at its start, where the staff site shows it.
Tasks name their queue in their decorator; a task without one goes to `default`.
"""

import os
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

app = Celery("numina")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    # A run that finds nothing to do costs one query. `expires`: runs that a stopped worker missed do not pile up.
    name: {"task": name, "schedule": seconds, "options": {"queue": queue, "expires": seconds}}
    for name, seconds, queue in (
        ("ledger.journal_seal", 5.0, "default"),
        ("ledger.business_date_roll", 60.0, "critical"),
        ("balances.hold_expire_due", 60.0, "default"),
        ("notifications.deliver_due", 10.0, "default"),
        ("notifications.deliver_bulk", 5.0, "mail"),
        ("jobs.sweep", 10.0, "critical"),
        ("jobs.schedule_tick", 30.0, "critical"),
        ("jobs.service_watch", 60.0, "default"),
        ("approvals.timers_sweep", 30.0, "default"),
        ("approvals.executions_sweep", 15.0, "critical"),
        ("payments.signed_sweep", 30.0, "critical"),
        ("approvals.digest_send", 86_400.0, "mail"),
        ("audit.trail_seal", 10.0, "default"),
        ("audit.anchor", 900.0, "default"),
        ("audit.housekeeping", 86_400.0, "bulk"),
        ("identity.housekeeping", 86_400.0, "bulk"),
        ("vault.rotate", 60.0, "bulk"),
        ("compliance.scan", 600.0, "bulk"),
        ("compliance.forget", 86_400.0, "bulk"),
    )
}


def _ready() -> None:
    """Tell the process manager that started us, if one did, that this process is at work."""
    folder, name = os.environ.get("NUMINA_READY_FOLDER"), os.environ.get("NUMINA_PROCESS")
    if folder and name:
        Path(folder, name).touch()


@worker_ready.connect
def _worker_is_ready(**_: Any) -> None:
    _ready()


@beat_init.connect
def _beat_is_ready(**_: Any) -> None:
    _ready()
