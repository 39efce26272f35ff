"""From an event to rows: what each person is told, and by which channels it will go out. Nothing is sent here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.core.notices import EMAIL, IN_APP, PUSH, SMS, Kind, kind_get
from apps.notifications.models import Delivery, Notification
from apps.notifications.people import DIGEST, OFF, Person, people_of
from apps.notifications.rendering import (
    Overrides,
    context_to_json,
    link_is_own,
    values_of,
    words_fill,
    words_of,
)
from apps.notifications.selectors import overrides_of
from apps.notifications.writing import notices_write

BATCH = 1_000
KEY_MAX = 200


@dataclass(frozen=True, slots=True)
class Created:
    """The new notifications, and those of their deliveries that are due at once."""

    notification_ids: list[UUID] = field(default_factory=list)
    due_ids: list[UUID] = field(default_factory=list)


@transaction.atomic
def notification_create(
    *,
    kind: Kind,
    recipients: Iterable[UUID],
    context: Any,
    at: dt.datetime,
    link: str = "",
    key: str = "",
    bulk: bool = False,
) -> Created:
    """Write notifications and their deliveries in the running transaction. Apps call `core.notices.notify` instead.

    Raises TypeError for a context that is not the kind's, ValueError for an unknown kind, a link that leaves the site,
    or a key longer than 200 characters.
    """
    if kind_get(kind.code) is not kind:
        raise ValueError(f"{kind.code} is not registered: core.notices.kind_register")
    if not link_is_own(link):
        raise ValueError(f"a link is a path of this site, not {link[:80]!r}")
    if len(key) > KEY_MAX:
        raise ValueError(f"a key has at most {KEY_MAX} characters")
    facts = context_to_json(kind, context)
    overrides = overrides_of(kind=kind.code)
    created = Created()
    wanted = list(dict.fromkeys(recipients))
    for start in range(0, len(wanted), BATCH):
        people = people_of(ids=wanted[start : start + BATCH], kind=kind)
        pairs = [(person, _notification(kind, person, facts, overrides, at, link, key)) for person in people]
        deliveries = [one for person, row in pairs for one in _deliveries(kind, person, row, at, bulk)]
        new = notices_write(kind=kind, facts=facts, rows=[row for _, row in pairs], deliveries=deliveries, at=at)
        created.notification_ids.extend(row.pk for _, row in pairs if row.pk in new)
        due = (one for one in deliveries if one.notification_id in new and one.due_at <= at and not one.is_bulk)
        created.due_ids.extend(one.pk for one in due)
    return created


def _notification(
    kind: Kind,
    person: Person,
    facts: dict[str, Any],
    overrides: Overrides,
    at: dt.datetime,
    link: str,
    key: str,
) -> Notification:
    words = words_of(kind, IN_APP, person.reader.locale, overrides)
    filled = words_fill(words, IN_APP, values_of(kind, facts, person.reader))
    return Notification(
        recipient_id=person.id,
        kind=kind.code,
        context=facts,
        title=filled.subject,
        body=filled.text,
        link=link,
        key=key or None,
        in_app=person.mode(kind, IN_APP) != OFF,
        created_at=at,
    )


def _deliveries(
    kind: Kind, person: Person, notification: Notification, at: dt.datetime, bulk: bool
) -> Iterable[Delivery]:
    for channel in (EMAIL, SMS, PUSH):
        mode = person.mode(kind, channel)
        if mode == OFF or not person.reached_by(channel):
            continue
        for subscription in person.subscriptions if channel == PUSH else (None,):
            yield Delivery(
                notification=notification,
                recipient_id=person.id,
                channel=channel,
                is_bulk=bulk and mode != DIGEST,
                is_digest=mode == DIGEST,
                subscription_id=subscription,
                due_at=person.due_at(at=at, kind=kind, mode=mode),
                created_at=at,
            )
