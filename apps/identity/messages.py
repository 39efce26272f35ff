"""How identity reaches people: codes, links and warnings, by e-mail and text message.

The notifications app, which is above, registers its own senders; until then e-mail goes through Django's back end and
text messages to the console, where the settings allow that. Messages carry secrets, so they are made and sent in the
worker that sends them, and never pass the broker or the logs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils import translation

from apps.core.words import languages_of, phrase
from apps.identity.models import User

EMAIL, SMS = "email", "sms"


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one person. `kind` names its template: code, reset, invite, confirm, changed."""

    channel: str
    kind: str
    user: User
    to: str
    subject: str
    text: str


Sender = Callable[[Message], None]
_senders: dict[str, Sender] = {}


def sender_register(channel: str, sender: Sender) -> None:
    """Have messages of a channel ("email", "sms") sent by `sender(message)`. It may raise; the task is then retried."""
    _senders[channel] = sender


def sender_remove(channel: str) -> None:
    """Go back to the channel's own way."""
    _senders.pop(channel, None)


def channel_ready(channel: str) -> bool:
    """Can messages of this channel be sent from here?"""
    return channel == EMAIL or channel in _senders or bool(settings.NUMINA.get("SMS_CONSOLE", False))


def message_send(*, channel: str, kind: str, user: User, to: str, subject: str, **context: Any) -> None:
    """Render templates/identity/messages/<kind>.<channel>.txt in the person's language and send it now.

    Call it in a task. `subject` and `what` are phrases of apps.core.words; {bank_name} is filled in. RuntimeError when
    the channel has no sender here.
    """
    bank = str(settings.NUMINA["BANK_NAME"])
    facts = {"user": user, "bank": bank, **context}
    if "what" in facts:
        facts["what"] = phrase(facts["what"], locale=user.locale)
    name = f"{kind}.{channel}.txt"
    forms = [*(f"identity/messages/{code}/{name}" for code in languages_of(user.locale)), f"identity/messages/{name}"]
    with translation.override(user.locale.split("-")[0]):  # names of months
        text = render_to_string(forms, facts)
    subject = phrase(subject, locale=user.locale).replace("{bank_name}", bank)
    message = Message(channel, kind, user, to, subject, text)
    sender = _senders.get(channel) or (_email if channel == EMAIL else _console)
    sender(message)


def _email(message: Message) -> None:
    send_mail(message.subject, message.text, None, [message.to])


def _console(message: Message) -> None:
    if not settings.NUMINA.get("SMS_CONSOLE", False):
        raise RuntimeError("no sender of text messages is registered")
    sys.stdout.write(f"SMS to {message.to}: {message.text}\n")
