"""WSGI entry point: `granian --interface wsgi config.wsgi:application`."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

_pages = get_wsgi_application()  # sets Django up, before anything of it is imported

from config.company import Company  # noqa: E402
from config.handlers import by_path, routes_load  # noqa: E402

application = Company(by_path(_pages))

# What is here now stays for good. Left to the collector, it would be looked through again and again, up to 0.2 s at a
# time in which nobody is answered.
routes_load()
gc.collect()
gc.freeze()
