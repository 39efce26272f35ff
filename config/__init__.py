"""Configuration: the environment, settings, integrations, routes and the embedded runtime."""

import os

# Runtime commands (`python -m config.runtime ...`) must start without Django or Celery being imported;
# a Django process has its settings module named before it imports this package.
if os.environ.get("DJANGO_SETTINGS_MODULE"):
    from config.celery import app as celery_app

    __all__ = ("celery_app",)
