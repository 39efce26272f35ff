"""From deliveries to the one message that they are: words, address, link."""

from __future__ import annotations

from dataclasses import dataclass

from apps.core.notices import EMAIL, PUSH, SMS, Kind, Texts, kind_get, kind_register
from apps.notifications.channels import Message, Target
from apps.notifications.models import Delivery, Notification, PushSubscription, Suppression
from apps.notifications.rendering import (
    Reader,
    Words,
    email_html,
    email_text,
    link_absolute,
    values_of,
    words_fill,
    words_of,
)
from apps.notifications.selectors import notifications_by_id, overrides_of


class Unreachable(Exception):
    """The person cannot be reached by this channel any more."""


class HeldBack(Unreachable):
    """The address is on the list of those that nothing is sent to."""


@dataclass(frozen=True)
class Digest:
    """How many notices are in a digest."""

    count: int


DIGEST = kind_register(
    Kind(
        code="notifications.digest",
        title="The daily digest",
        sample=Digest(3),
        texts={"en": Texts("{count} notices from {bank_name}", "Here is what happened.")},
        channels=frozenset({EMAIL}),
        choosable=False,
    )
)


def message_compose(deliveries: list[Delivery]) -> Message:
    """The message of one delivery, or of all of a person's digest. Raises `Unreachable`, of which `HeldBack` is one."""
    first = deliveries[0]
    rows = notifications_by_id(one.notification_id for one in deliveries)
    user = rows[first.notification_id].recipient
    if not user.is_active:
        raise Unreachable("The user is not active any more.")
    reader = Reader(user.get_full_name(), user.locale, user.time_zone)
    notices = [rows[one.notification_id] for one in deliveries]
    if first.channel == EMAIL:
        _check_address(EMAIL, user.email)
        return _email(first, notices, reader, user.email)
    words = _words(notices[0], first.channel, reader)
    if first.channel == SMS:
        if not user.phone:
            raise Unreachable("The user has no telephone number any more.")
        _check_address(SMS, user.phone)
        return Message(first.pk, user.phone, words.subject, words.text)
    if first.channel == PUSH:
        return _push(first, notices[0], words)
    raise ValueError(f"nothing is sent by {first.channel}")


def _check_address(channel: str, address: str) -> None:
    """Raises `HeldBack` for an address that bounced for good or complained, until staff lift that."""
    held = Suppression.objects.filter(channel=channel, address=address.lower(), lifted_at__isnull=True).first()
    if held is not None:
        since = f"{held.created_at:%Y-%m-%d}"
        raise HeldBack(f"Nothing is sent to this address since {since}: {held.get_reason_display()}.")


def _email(first: Delivery, notices: list[Notification], reader: Reader, address: str) -> Message:
    parts = [(_words(notice, EMAIL, reader), notice.link) for notice in notices]
    subject = parts[0][0].subject
    if first.is_digest:
        words = words_of(DIGEST, EMAIL, reader.locale, overrides_of(kind=DIGEST.code))
        subject = words_fill(words, EMAIL, values_of(DIGEST, {"count": len(parts)}, reader)).subject
    html = email_html(parts=parts, reader=reader, subject=subject)
    return Message(first.pk, address, subject, email_text(parts=parts), html=html, is_bulk=first.is_bulk)


def _push(delivery: Delivery, notice: Notification, words: Words) -> Message:
    own = PushSubscription.objects.filter(user_id=delivery.recipient_id, ended_at__isnull=True)
    found = own.filter(pk=delivery.subscription_id).first() if delivery.subscription_id else None
    if found is None:
        raise Unreachable("The browser has unsubscribed.")
    target = Target(found.endpoint, found.p256dh, found.auth)
    link = link_absolute(notice.link) or notice.link
    return Message(delivery.pk, found.device, words.subject, words.text, link=link, target=target)


def _words(notice: Notification, channel: str, reader: Reader) -> Words:
    """The finished words. Of a kind that an app no longer has, those that the app showed."""
    kind = kind_get(notice.kind)
    if kind is None:
        return Words(notice.title, notice.body or notice.title)
    words = words_of(kind, channel, reader.locale, overrides_of(kind=kind.code))
    return words_fill(words, channel, values_of(kind, notice.context, reader))
