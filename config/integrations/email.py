"""Outgoing e-mail from EMAIL_URL: smtp://user:password@host:587 (STARTTLS), smtps://...:465 (TLS), console:, file:,
or a provider's API through anymail: postmark://:token@, mailgun://:key@mail.bank.example."""

from typing import Any
from urllib.parse import unquote, urlsplit

from config.env import Env, EnvError

# A provider's scheme -> anymail's names of its key and, where it has one, of the sender's domain.
ANYMAIL_KEYS = {
    "brevo": ("BREVO_API_KEY", ""),
    "mailersend": ("MAILERSEND_API_TOKEN", ""),
    "mailgun": ("MAILGUN_API_KEY", "MAILGUN_SENDER_DOMAIN"),
    "postmark": ("POSTMARK_SERVER_TOKEN", ""),
    "resend": ("RESEND_API_KEY", ""),
    "sendgrid": ("SENDGRID_API_KEY", ""),
}


def email_settings(env: Env) -> dict[str, Any]:
    """Django's EMAIL_ settings. Without EMAIL_URL mail goes to the console (settings.local: to files).

    Raises `EnvError` on a wrong URL.
    """
    common = {"DEFAULT_FROM_EMAIL": env.email_from, "SERVER_EMAIL": env.email_from, "EMAIL_TIMEOUT": 10}
    if not env.email_url or env.email_url.startswith("console:"):
        return {**common, "EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    try:
        parts = urlsplit(env.email_url)
        port = parts.port
    except ValueError as error:
        raise EnvError("EMAIL_URL cannot be read; percent-encode special characters of the password") from error
    if parts.scheme == "file" and parts.path:
        return {
            **common,
            "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "EMAIL_FILE_PATH": parts.path,
        }
    if parts.scheme in ANYMAIL_KEYS and parts.password:
        key, domain = ANYMAIL_KEYS[parts.scheme]
        own = {f"ANYMAIL_{key}": unquote(parts.password)}
        if domain and parts.hostname:
            own[f"ANYMAIL_{domain}"] = parts.hostname
        return {**common, **own, "EMAIL_BACKEND": f"anymail.backends.{parts.scheme}.EmailBackend"}
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
