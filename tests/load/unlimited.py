"""The bank's own web application without limits on its use: beside it shows what a limit costs."""

from django.conf import settings

from config.wsgi import application

settings.NUMINA = {**settings.NUMINA, "LIMITS": False}

__all__ = ["application"]
