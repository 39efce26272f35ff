"""What this app answers for others: core's notices, and the reports of mail providers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from contextlib import closing
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.core import clock
from apps.core.ids import uuid7
from apps.core.notices import EMAIL, SMS, Kind, notifier_register
from apps.identity import messages as identity_messages
from apps.notifications import services, tasks
from apps.notifications.channels import Message, sender_open
from apps.notifications.rendering import SUBJECT_MAX, Reader, Words, email_html, one_line

_STATUS = {
    "delivered": "delivered",
    "bounced": "bounced",
    "rejected": "bounced",
    "complained": "bounced",
    "failed": "failed",
}
"""anymail's event types, as far as they decide what became of a message."""
_CAUSE = {"invalid": "bounce", "bounced": "bounce", "spam": "complaint", "unsubscribed": "complaint"}
"""anymail's reasons for a refusal that will not pass; timed_out, blocked and other may."""


def notify(
    *,
    kind: Kind,
    recipients: Iterable[UUID],
    context: Any,
    at: dt.datetime,
    link: str = "",
    key: str = "",
    bulk: bool = False,
) -> list[UUID]:
    """Write what people are told, and have it sent once that has committed; core.notices.notify says the rest."""
    created = services.notification_create(
        kind=kind, recipients=recipients, context=context, at=at, link=link, key=key, bulk=bulk
    )
    if created.due_ids:
        transaction.on_commit(tasks.wake, robust=True)
    return created.notification_ids


def mail_tracked(sender: object, event: Any, esp_name: str, **_: Any) -> None:
    """A mail provider's webhook, checked and read by anymail."""
    status = _STATUS.get(event.event_type)
    if status is None or not event.message_id:
        return
    report = services.Report(
        provider=esp_name.lower().replace(" ", "_"),
        event_id=str(event.event_id or f"{event.message_id}:{event.event_type}"),
        provider_id=str(event.message_id),
        status=status,
        detail=str(event.description or event.reject_reason or ""),
        cause="complaint" if event.event_type == "complained" else _CAUSE.get(event.reject_reason or "", ""),
    )
    services.delivery_report(report=report, at=clock.now())


def secret_send(message: identity_messages.Message) -> None:
    """Codes and links of identity: by our channels and in the bank's brand, but never kept. Raises what they raise."""
    subject = one_line(message.subject, SUBJECT_MAX)
    html = ""
    if message.channel == EMAIL:
        reader = Reader(message.user.get_full_name(), message.user.locale, message.user.time_zone)
        html = email_html(parts=[(Words(subject, message.text), "")], reader=reader, subject=subject)
    with closing(sender_open(message.channel)) as sender:
        sender.send(Message(uuid7(), message.to, subject, message.text, html=html))


def register() -> None:
    """Answer core's notices, carry identity's messages, listen to anymail."""
    from anymail.signals import tracking

    notifier_register(notify)
    identity_messages.sender_register(EMAIL, secret_send)
    if settings.NUMINA["NOTIFICATIONS"]["SMS"]["backend"] != "console":  # codes belong on no console
        identity_messages.sender_register(SMS, secret_send)
    tracking.connect(mail_tracked, dispatch_uid="notifications.mail_tracked")
