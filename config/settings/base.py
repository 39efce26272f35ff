"""Settings that all environments share. What comes from the environment is read by `config.env`, once."""

from datetime import timedelta
from typing import Any

from config.env import ROOT, env_read
from config.integrations.api_guide import GUIDE
from config.integrations.cache import caches
from config.integrations.celery import celery_settings
from config.integrations.csp import STRICT_POLICY
from config.integrations.database import databases
from config.integrations.email import email_settings
from config.integrations.enum_names import ENUM_NAMES
from config.integrations.logging import logging_settings, structlog_start
from config.integrations.notifications import anymail_settings, notification_settings
from config.integrations.storage import storages
from config.integrations.unfold import unfold_settings

ENV = env_read()
BASE_DIR = ROOT

DEBUG = False
SECRET_KEY = ENV.secret_key
ALLOWED_HOSTS = list(ENV.allowed_hosts)
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "identity.User"
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"  # Unfold's sign-in form does not carry where to go next

# Lowest first: each may import only those before it.
NUMINA_APPS = [
    "core", "calculations", "vault", "identity", "audit", "jobs", "notifications", "approvals",
    "ledger", "balances", "members", "accounts", "budgets", "payments", "lending", "compliance", "reporting",
    "backoffice",
]  # fmt: skip

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # its default would replace our site with its own
    "unfold.contrib.filters",
    "unfold.contrib.simple_history",
    "apps.backoffice.admin_config.StaffSiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "simple_history",
    "django_celery_beat",
    "django_structlog",
    "csp",
    "anymail",
    "viewflow.workflow",
    *(f"apps.{name}" for name in NUMINA_APPS),
]

# The money endpoints are hot: what only pages need is passed by for /api/ (see config.middleware).
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "apps.core.middleware.request_id_middleware",
    "config.middleware.PageSessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "config.middleware.PageAuthenticationMiddleware",
    "apps.identity.staff_gate.StaffGateMiddleware",
    "config.middleware.PageMessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.integrations.csp.PathCSPMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = databases(ENV)
CACHES = caches(ENV)
locals().update(celery_settings(ENV))
locals().update(email_settings(ENV))
ANYMAIL = anymail_settings(ENV)
structlog_start()
LOGGING = logging_settings(ENV)

# Sessions are read from the cache and kept in the database: a lost cache logs nobody out.
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 8 * 3600  # a working day
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"

PASSWORD_HASHERS = [
    "apps.identity.hashers.BankBCryptHasher",  # 12 rounds or more
    "django.contrib.auth.hashers.Argon2PasswordHasher",  # imported; replaced at the next sign-in, like the next
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "apps.identity.validators.LengthCapValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "apps.identity.validators.ComplexityValidator"},
    {"NAME": "apps.identity.validators.BreachedValidator"},
    {"NAME": "apps.identity.validators.HistoryValidator"},
]

LANGUAGE_CODE = "en-gb"
USE_I18N = True
FORMAT_MODULE_PATH = ["config.formats"]
USE_TZ = True
TIME_ZONE = "UTC"
FIXTURE_DIRS = [ROOT / "fixtures"]

STATIC_URL = "/static/"
STATIC_ROOT = ENV.home / "static"
STATICFILES_DIRS = [folder for folder in [ROOT / "static"] if folder.is_dir()]
MEDIA_ROOT = ENV.home / "files"
STORAGES = storages(ENV)

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = STRICT_POLICY

DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["apps.identity.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["apps.core.api.permissions.DenyAll"],
    "DEFAULT_PARSER_CLASSES": ["apps.core.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["apps.core.api.renderers.JSONRenderer"],
    "EXCEPTION_HANDLER": "apps.core.api.problems.exception_handler",
    "DEFAULT_SCHEMA_CLASS": "apps.core.api.schema.NuminaSchema",
    "DEFAULT_THROTTLE_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Numina API",
    "DESCRIPTION": GUIDE,
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": ENUM_NAMES,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "apps.core.api.schema_examples.examples_add",
        "apps.core.api.schema_words.words_add",
    ],
}
SIMPLE_JWT: dict[str, Any] = {
    "ALGORITHM": "HS256",
    "SIGNING_KEY": ENV.jwt_signing_key,
    "PREVIOUS_KEYS": ENV.jwt_previous_keys,  # still accepted, no longer signed with
    "ISSUER": "numina",
    "AUDIENCE": "numina-api",
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
    # Rotation and revocation are identity's own: one row a session instead of two a refresh (apps.identity.models).
    "ROTATE_REFRESH_TOKENS": False,
    "BLACKLIST_AFTER_ROTATION": False,
    "UPDATE_LAST_LOGIN": False,
    "USER_ID_CLAIM": "sub",
    "LEEWAY": 5,
}

SIMPLE_HISTORY_REVERT_DISABLED = True
VIEWFLOW = {"AUTOREGISTER": False}  # the inbox is a page of our own
DJANGO_STRUCTLOG_CELERY_ENABLED = True
RATELIMIT_USE_CACHE = "default"
RATELIMIT_FAIL_OPEN = True  # a lost cache must not lock every teller out

UNFOLD = unfold_settings(ENV)

# The balance engine. Without it, and for accounts that it does not execute, everything runs in PostgreSQL.
ENGINE: dict[str, Any] = {"ENABLED": True, "REDIS_URL": ENV.engine_redis_url or ENV.redis_database(3)}

# The bank itself. Amounts and days that a bank sets once; products carry their own.
NUMINA: dict[str, Any] = {
    "BANK_NAME": ENV.bank_name,
    "BASE_CURRENCY": ENV.base_currency,
    "METRICS_TOKEN": ENV.metrics_token,
    "COUNTRY": ENV.country,
    "TIME_ZONE": ENV.time_zone,  # of the head office: its midnight begins a business day
    "BACK_VALUE_DAYS": 30,
    "FORWARD_VALUE_DAYS": 0,
    "ACCOUNT_NUMBER_PATTERN": ENV.account_number_pattern,
    "IBAN_PATTERN": ENV.iban_pattern,
    "SIGNATURE_DAYS": 7,  # how long a payment waits for the other signatures of a mandate
    "PUBLIC_URL": ENV.public_url,
    "TRUSTED_PROXIES": ENV.trusted_proxies,
    "ENVIRONMENT": ENV.environment,
    # Sign-in. Rates are of django-ratelimit ("10/15m": ten in a quarter of an hour); successful sign-ins do not count.
    "RATES": {
        "login_pair": "10/15m",  # one user from one address
        "login_email": "50/h",  # one user from anywhere
        "login_ip": "60/5m",  # one address, which may be a whole branch
        "login_device": "60/15m",
        "code_user": "20/15m",  # codes of second factors, whatever the challenge
        "password_user": "10/15m",  # the present password, shown to change it
        "mail_email": "5/h",  # links for a new password or to confirm an address
        "mail_ip": "30/h",
        "link_ip": "60/h",  # links tried
        "register_ip": "60/h",
        "register_email": "5/h",
        "refresh_ip": "300/m",
        "statement_verify_ip": "30/m",
    },
    "SESSION_DAYS_MAX": 30,  # sign in again after this, however often the tokens were refreshed
    "MFA_REQUIRED_FOR_STAFF": False,  # production says True
    "EMAIL_CONFIRMATION": True,  # who registers signs in once the address is confirmed
    "SMS_CONSOLE": False,  # text messages on the console, where no sender is registered
    "CHALLENGE_SECONDS": 300,  # to answer with a second factor
    "STEP_UP_SECONDS": 300,  # how long a second factor counts as shown just now
    "RESET_LINK_MINUTES": 30,
    "CONFIRM_LINK_DAYS": 3,
    "INVITE_LINK_DAYS": 3,  # for who is invited to set a password
    "ACCESS_KEEP_DAYS": 90,  # how long sessions, codes and links are kept after their end
    "PASSWORD_HISTORY": 5,  # the present password and those before it that are not taken again
    "BCRYPT_ROUNDS": ENV.bcrypt_rounds,
    "API_KEY_DAYS_MAX": 365,
    "STAFF_SESSION_AGE": timedelta(hours=10),  # of a sign-in to the staff site
    "STAFF_IDLE_MINUTES": 30,
    "STAFF_ADDRESSES": ENV.staff_addresses,  # networks from which the staff site opens; empty: all
    # Pages of the staff site that ask for the second factor again (names of URLs).
    "STAFF_DANGEROUS": frozenset(
        {
            "ledger_accountingperiod_close",
            "identity_user_roles",
            "identity_user_invite",
            "identity_user_branch",
            "identity_user_reactivate",
            "identity_user_invitation",
            "identity_user_factors",
            "identity_user_deactivate",
            "identity_role_permissions",
            "identity_role_limit",
            "audit_auditevent_export",
            "audit_export_file",
            "accounts_statementbatch_start",
            "accounts_statementbatch_file",
        }
    ),
    "LIMITS": True,  # limits from the database: requests a minute, money at once
    # Who is refused so often within the window (seconds) is shut out for a while.
    "RATE_BLOCK_AFTER": 300,
    "RATE_BLOCK_WINDOW": 600,
    "RATE_BLOCK_SECONDS": 900,
    "LIMITS_CACHE_SECONDS": ENV.limits_cache_seconds,  # how old the limits that a process works with may be
    # How long another process may not notice a sign-out; 0 asks the database each time.
    "PRINCIPAL_CACHE_SECONDS": ENV.principal_cache_seconds,
    "VAULT": {
        "master_keys": ENV.master_keys,
        "url": ENV.vault_url,
        "token": ENV.vault_token,
        "key": ENV.vault_key,
    },
    "KEY_ROTATION_DAYS": 90,
    # What compliance is shown; see apps/compliance/rules.py. Counts are an hour's.
    "UNUSUAL": {
        "velocity_count": 20,
        "amount_factor": 10,
        "amount_min": 50_000,  # whole units of any currency
        "usual_days": 90,
        "usual_count_min": 5,
        "opens_hour": 6,
        "closes_hour": 21,
        "denials_count": 10,
        "failures_count": 10,
        "reads_count": 150,
    },
    "AUDIT_ONLINE_MONTHS": 24,  # older months of the trail go to the object storage
    "RETENTION_YEARS": 7,  # how long the law keeps records of money and of who did what
    "DATA_REGION": ENV.data_region,  # where this bank's data may be kept; shown, and written into its certificates
    "BUSINESS_DATE_ROLL": ENV.business_date_roll,  # by the clock ("automatic") or by "close_of_business"
    # Cheques of other banks: business days in clearing, and the fee of a returned one in minor units by currency.
    "CHEQUES": {"clearing_days": 2, "return_fee": {"KES": 100_000, "USD": 1_000, "EUR": 1_000}},
    # When those who look after the machine are told how requests are answered: see apps/jobs/services/_watch.py.
    "ALARM": {
        "minutes": 5,
        "answers_min": 50,
        "errors_percent": ENV.alarm_errors_percent,
        "slow_ms": ENV.alarm_slow_ms,
    },
    "JOB_LEASE_SECONDS": 60,  # a worker that is silent for longer is taken for lost
    "JOBS_KEPT_DAYS": 90,
    "NOTIFICATIONS_KEPT_DAYS": 400,
    # Principals on Redis, for all processes; a change shows at once; 0: not kept.
    "PRINCIPAL_SHARED_SECONDS": ENV.principal_shared_seconds,
    "DEMO_ALLOWED": False,  # users with a well-known password
    "NOTIFICATIONS": notification_settings(ENV),
}
