"""WSGI entry point: `granian --interface wsgi config.wsgi:application`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

_pages = get_wsgi_application()  # sets Django up, before anything of it is imported

from config.handlers import by_path  # noqa: E402

application = by_path(_pages)
