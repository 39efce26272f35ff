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

from apps.identity.models import User

EMAIL, SMS = "email", "sms"


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one person. `kind` names its template: code, reset, confirm, changed."""

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
    """Render templates/identity/messages/<kind>.<channel>.txt and send it now: call it in a task.

    RuntimeError when the channel has no sender here.
    """
    facts = {"user": user, "bank": settings.NUMINA["BANK_NAME"], **context}
    text = render_to_string(f"identity/messages/{kind}.{channel}.txt", facts)
    message = Message(channel, kind, user, to, subject, text)
    sender = _senders.get(channel) or (_email if channel == EMAIL else _console)
    sender(message)


def _email(message: Message) -> None:
    send_mail(message.subject, message.text, None, [message.to])


def _console(message: Message) -> None:
    if not settings.NUMINA.get("SMS_CONSOLE", False):
        raise RuntimeError("no sender of text messages is registered")
    sys.stdout.write(f"SMS to {message.to}: {message.text}\n")
