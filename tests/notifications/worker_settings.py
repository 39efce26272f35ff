"""Settings of the worker that tests start: as theirs, with tasks that go through the broker and mail that leaves."""

# ruff: noqa: F403
import os

from config.settings.test import *

CELERY_TASK_ALWAYS_EAGER = False
CELERY_BROKER_URL = os.environ["NUMINA_TEST_BROKER"]
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = "127.0.0.1"
EMAIL_PORT = int(os.environ["NUMINA_TEST_SMTP_PORT"])
EMAIL_USE_TLS = EMAIL_USE_SSL = False
