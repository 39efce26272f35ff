"""What the environment says of the ways out of the bank."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import NoReverseMatch, reverse

from config.env import EnvError, env_read
from config.integrations.email import email_settings
from config.integrations.notifications import PUSH_HOSTS, anymail_settings, notification_settings

LONG = "x" * 40


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}),
        ("file:///var/mail", {"EMAIL_FILE_PATH": "/var/mail"}),
        (
            "smtp://user:p%40ss@mail.example",
            {"EMAIL_HOST": "mail.example", "EMAIL_PORT": 587, "EMAIL_HOST_PASSWORD": "p@ss", "EMAIL_USE_TLS": True},
        ),
        (
            "postmark://:token@",
            {"EMAIL_BACKEND": "anymail.backends.postmark.EmailBackend", "ANYMAIL_POSTMARK_SERVER_TOKEN": "token"},
        ),
        (
            "mailgun://:key@mail.bank.example",
            {"ANYMAIL_MAILGUN_API_KEY": "key", "ANYMAIL_MAILGUN_SENDER_DOMAIN": "mail.bank.example"},
        ),
    ],
    ids=["none", "file", "smtp", "postmark", "mailgun"],
)
def test_one_address_says_how_mail_leaves(url: str, expected: dict[str, Any]) -> None:
    found = email_settings(env_read({"EMAIL_URL": url}))

    assert found == {**found, **expected}


@pytest.mark.parametrize("url", ["ftp://x", "postmark://", "smtp://", "smtp://[", "file:"])
def test_addresses_of_mail_that_say_nothing_are_refused(url: str) -> None:
    with pytest.raises(EnvError):
        email_settings(env_read({"EMAIL_URL": url}))


def test_sms_and_push_have_their_own() -> None:
    quiet = notification_settings(env_read({}))
    assert (quiet["SMS"]["backend"], quiet["PUSH"]["backend"], quiet["PUSH"]["hosts"]) == (
        "console",
        "console",
        PUSH_HOSTS,
    )
    assert quiet["BULK_PER_MINUTE"] == 1_000

    found = notification_settings(
        env_read(
            {
                "NUMINA_SMS_URL": "https://:to%2Fken@sms.example:8443/v1/messages",
                "NUMINA_SMS_FROM": "BANK",
                "NUMINA_PUSH_HOSTS": "push.example, *.push.example",
                "NUMINA_NOTIFICATION_WEBHOOKS": f"acme={LONG},acme={LONG}2",
                "NUMINA_MAIL_BULK_PER_MINUTE": "50",
            }
        )
    )
    assert found["SMS"] == {
        "backend": "http",
        "url": "https://sms.example:8443/v1/messages",
        "token": "to/ken",
        "from": "BANK",
    }
    assert found["PUSH"]["hosts"] == ("push.example", "*.push.example")
    assert found["WEBHOOK_SECRETS"] == (("acme", LONG), ("acme", f"{LONG}2"))
    assert found["BULK_PER_MINUTE"] == 50


@pytest.mark.parametrize(
    "environ",
    [
        {"NUMINA_SMS_URL": "http://sms.example/"},
        {"NUMINA_SMS_URL": "https://"},
        {"NUMINA_VAPID_PRIVATE_KEY": "short"},
        {"NUMINA_VAPID_PRIVATE_KEY": "A" * 43},
        {"NUMINA_NOTIFICATION_WEBHOOKS": "acme=short"},
        {"NUMINA_NOTIFICATION_WEBHOOKS": LONG},
        {"NUMINA_NOTIFICATION_WEBHOOKS": f"acme=whsec_{LONG}!"},
        {"NUMINA_ANYMAIL_WEBHOOK_SECRET": "short"},
        {"NUMINA_MAIL_BULK_PER_MINUTE": "0"},
    ],
    ids=lambda environ: f"{next(iter(environ))}-{len(next(iter(environ.values())))}",
)
def test_what_cannot_work_is_said_at_the_start(environ: dict[str, str]) -> None:
    with pytest.raises(EnvError):
        notification_settings(env_read(environ))


def test_mail_providers_report_only_where_a_secret_is_set() -> None:
    assert anymail_settings(env_read({})) == {}
    assert anymail_settings(env_read({"NUMINA_ANYMAIL_WEBHOOK_SECRET": f"us:{LONG}"})) == {
        "WEBHOOK_SECRET": f"us:{LONG}"
    }
    with pytest.raises(NoReverseMatch):
        reverse("anymail:postmark_tracking_webhook")
