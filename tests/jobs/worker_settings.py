"""Settings of the worker that tests start: as theirs, with a short lease, and tasks that go through the broker."""

# ruff: noqa: F403, F405
from config.settings.test import *

CELERY_TASK_ALWAYS_EAGER = False
NUMINA = {**NUMINA, "JOB_LEASE_SECONDS": 2}
