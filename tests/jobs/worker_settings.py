"""Settings of the worker that tests start: with the lease that a test wants, and tasks that go through the broker."""

# ruff: noqa: F403, F405
import os

from config.settings.test import *

CELERY_TASK_ALWAYS_EAGER = False
NUMINA = {**NUMINA, "JOB_LEASE_SECONDS": int(os.environ.get("NUMINA_TEST_LEASE_SECONDS", "60"))}
