"""The tests: the real PostgreSQL and Valkey that `make test` starts, with everything slow on purpose made fast."""

import os

os.environ.setdefault("NUMINA_SECRET_KEY", "only-for-tests-" + "0" * 32)
os.environ.setdefault("NUMINA_JWT_SIGNING_KEY", "only-for-tests-" + "1" * 32)
os.environ.setdefault("NUMINA_MASTER_KEY", "2" * 64)
os.environ.setdefault("NUMINA_DATABASE_POOL", "0")  # tests open many threads; each gets its own connection
os.environ.setdefault("NUMINA_LOG_LEVEL", "WARNING")

from config.env import env_read
from config.integrations.cache import caches
from config.settings.base import *

# Each worker of pytest-xdist (gw0, gw1, ...) has Redis databases of its own, four apart.
_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
REDIS_OFFSET = 4 * int(_WORKER) if _WORKER.isdigit() else 0
CACHES = caches(env_read())
CACHES["default"]["LOCATION"] = env_read().redis_database(REDIS_OFFSET)

# Off unless a test starts it; its memory is the worker's fourth database.
ENGINE = {**ENGINE, "ENABLED": False, "REDIS_URL": env_read().redis_database(REDIS_OFFSET + 3)}

# A test holds its transaction open for as long as it runs, on a loaded machine for minutes.
DATABASES["default"]["OPTIONS"]["options"] += " -c idle_in_transaction_session_timeout=0"
DATABASES["default"]["CONN_MAX_AGE"] = 0  # tests open many threads, which end

# The whole suite copies a database that is migrated already (config/runtime/testing.py).
if os.environ.get("NUMINA_TEST_TEMPLATE"):
    DATABASES["default"]["TEST"] = {"TEMPLATE": os.environ["NUMINA_TEST_TEMPLATE"]}

ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True

# Limits are off unless a test asks for them (the fixture `rates`).
NUMINA = {
    **NUMINA,
    "RATES": {},
    "LIMITS": False,
    "PRINCIPAL_SHARED_SECONDS": 0,
    "PRINCIPAL_CACHE_SECONDS": 60,  # emptied before each test; on a busy machine five seconds may pass within one
    "DEMO_ALLOWED": True,
    "EMAIL_CONFIRMATION": False,
    "SMS_CONSOLE": True,
}
