"""Production. Refuses to start without its secrets, its hosts and its servers; there is no default for any of them."""

from config.env import EnvError, env_read

_ENV = env_read()
_MISSING = [
    f"{name} is not set: {why}"
    for name, value, why in (
        ("NUMINA_SECRET_KEY", _ENV.secret_key, 'python -c "import secrets; print(secrets.token_urlsafe(64))"'),
        ("NUMINA_JWT_SIGNING_KEY", _ENV.jwt_signing_key, "another random value, made the same way"),
        ("NUMINA_MASTER_KEY", _ENV.master_keys or _ENV.vault_url, "openssl rand -hex 32; or NUMINA_VAULT_URL"),
        ("DATABASE_URL", _ENV.database, "postgresql://user:password@host:5432/numina"),
        ("REDIS_URL", _ENV.redis_url, "redis://:password@host:6379/0"),
        ("NUMINA_ALLOWED_HOSTS", _ENV.allowed_hosts, "host names of this site, separated by commas"),
        ("NUMINA_PUBLIC_URL", _ENV.public_url, "https://bank.example, the address people type"),
    )
    if not value
]
if _ENV.secret_key and _ENV.secret_key == _ENV.jwt_signing_key:
    _MISSING.append("NUMINA_JWT_SIGNING_KEY must differ from NUMINA_SECRET_KEY")
if _ENV.public_url and not _ENV.public_url.startswith("https://"):
    _MISSING.append("NUMINA_PUBLIC_URL must begin with https://")
if "*" in _ENV.allowed_hosts:
    _MISSING.append("NUMINA_ALLOWED_HOSTS must name hosts; * lets anybody choose the host in our links")
if _MISSING:
    raise EnvError("\n".join(_MISSING))

from config.integrations.sentry import sentry_start
from config.integrations.storage import storages
from config.settings.base import *

DEBUG = False
CSRF_TRUSTED_ORIGINS = [_ENV.public_url]
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-sessionid"
CSRF_COOKIE_SECURE = True
CSRF_COOKIE_NAME = "__Host-csrftoken"
SECURE_SSL_REDIRECT = True
# Orchestrators ask for health over plain HTTP inside the cluster.
SECURE_REDIRECT_EXEMPT = [r"^api/v1/health/"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
# Only a proxy of ours may say that the outer connection was encrypted.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _ENV.trusted_proxies else None

STORAGES = storages(_ENV, staticfiles="whitenoise.storage.CompressedManifestStaticFilesStorage")

sentry_start(_ENV)

NUMINA = {**NUMINA, "MFA_REQUIRED_FOR_STAFF": True}
