"""The web application with the engine on, for a server that is killed: `granian --interface wsgi tests.faults.web`."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")

from config.wsgi import application

__all__ = ["application"]

from django.conf import settings  # after Django's set-up

settings.ENGINE["ENABLED"] = True
