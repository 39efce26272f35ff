"""Background work: the Celery application and the schedule of beat.

The schedule is code. Beat copies it into the database at its start, where the staff site shows it.
Tasks name their queue in their decorator; a task without one goes to `default`.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

app = Celery("numina")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
