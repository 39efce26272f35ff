"""The Celery application of the worker that tests start, with the kinds of the tests."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.notifications.worker_settings")
django.setup()

import tests.notifications.kinds  # noqa: E402, F401 - after Django's set-up
from config.celery import app  # noqa: E402

__all__ = ("app",)
