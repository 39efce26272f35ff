"""Outgoing e-mail from EMAIL_URL: smtp://user:password@host:587 (STARTTLS), smtps://...:465 (TLS), or console://."""

from typing import Any
from urllib.parse import unquote, urlsplit

from config.env import Env, EnvError


def email_settings(env: Env) -> dict[str, Any]:
    """Django's EMAIL_ settings. Without EMAIL_URL messages are written to the log. Raises `EnvError` on a wrong URL."""
    common = {"DEFAULT_FROM_EMAIL": env.email_from, "SERVER_EMAIL": env.email_from, "EMAIL_TIMEOUT": 10}
    if not env.email_url or env.email_url.startswith("console:"):
        return {**common, "EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    try:
        parts = urlsplit(env.email_url)
        port = parts.port
    except ValueError as error:
        raise EnvError("EMAIL_URL cannot be read; percent-encode special characters of the password") from error
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise EnvError("EMAIL_URL must look like smtp://user:password@host:587 or smtps://user:password@host:465")
    implicit = parts.scheme == "smtps"
    return {
        **common,
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port or (465 if implicit else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": implicit,
        "EMAIL_USE_TLS": not implicit,
    }
