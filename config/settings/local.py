"""A developer's machine and the demo. `make run` makes the secrets and the servers and puts them in the environment."""

from config.env import EnvError
from config.settings.base import *
from config.settings.base import ENV

if not (ENV.secret_key and ENV.jwt_signing_key):
    raise EnvError(
        "NUMINA_SECRET_KEY and NUMINA_JWT_SIGNING_KEY are not set. Start with `make run`, run commands with "
        '`make manage ARGS="..."`, or load them: eval "$(.venv/bin/python -m config.runtime env)"'
    )

ALLOWED_HOSTS = [*ENV.allowed_hosts, "localhost", "127.0.0.1", "[::1]"]
NUMINA = {**NUMINA, "ENVIRONMENT": ENV.environment or "demo"}
INTERNAL_IPS = ["127.0.0.1"]
if ENV.trusted_proxies:  # `make run TLS=1`: cookies leave the browser over TLS only
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    CSRF_TRUSTED_ORIGINS = [ENV.public_url] if ENV.public_url else []

# Without a server, mail and text messages go to files that one can open: printed, they bury all else.
if not ENV.email_url:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(ENV.home / "mail")
if not ENV.sms_url:
    _sms = {"backend": "file", "path": str(ENV.home / "mail" / "sms.jsonl")}
    NUMINA = {**NUMINA, "NOTIFICATIONS": {**NUMINA["NOTIFICATIONS"], "SMS": _sms}}

# Files are served as they lie in the tree: no collectstatic while working.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True

NUMINA = {**NUMINA, "DEMO_ALLOWED": True, "SMS_CONSOLE": True, "RATES": {**NUMINA["RATES"], "register_ip": "600/h"}}
