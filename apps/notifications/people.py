"""What must be known of people to tell them something: where they are reached, and what they chose."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.contrib.auth import get_user_model

from apps.core.notices import EMAIL, PUSH, SMS, Kind
from apps.notifications.models import Preference, PushSubscription, Rhythm
from apps.notifications.rendering import Reader
from apps.notifications.timing import digest_time, quiet_end

NOW, DIGEST, OFF = Preference.Mode.NOW.value, Preference.Mode.DIGEST.value, Preference.Mode.OFF.value
DIGEST_AT = dt.time(8)


@dataclass(frozen=True, slots=True)
class Person:
    """An active user, with the choices for one kind."""

    id: UUID
    email: str
    phone: str
    reader: Reader
    chosen: Mapping[str, str] = field(default_factory=dict)
    rhythm: Rhythm | None = None
    subscriptions: tuple[UUID, ...] = ()

    def mode(self, kind: Kind, channel: str) -> str:
        """now, digest or off: the person's choice where the kind leaves one."""
        if channel in kind.fixed:
            return NOW
        return self.chosen.get(channel, NOW if channel in kind.channels else OFF)

    def reached_by(self, channel: str) -> bool:
        """Is there an address for this channel?"""
        return bool({EMAIL: self.email, SMS: self.phone, PUSH: self.subscriptions}.get(channel))

    def due_at(self, *, at: dt.datetime, kind: Kind, mode: str) -> dt.datetime:
        """When a message may leave: at once, after quiet hours, or with the digest."""
        if mode == DIGEST:
            when = self.rhythm.digest_at if self.rhythm else DIGEST_AT
            return digest_time(at=at, digest_at=when, time_zone=self.reader.time_zone)
        quiet = self.rhythm
        if kind.urgent or quiet is None or quiet.quiet_from is None or quiet.quiet_until is None:
            return at
        return quiet_end(
            at=at, quiet_from=quiet.quiet_from, quiet_until=quiet.quiet_until, time_zone=self.reader.time_zone
        )


def people_of(*, ids: Iterable[UUID], kind: Kind) -> list[Person]:
    """The active users among `ids`, in key order, each with the choices for `kind`. Four queries for any number."""
    wanted = list(dict.fromkeys(ids))
    users = (
        get_user_model()
        .objects.filter(pk__in=wanted, is_active=True)
        .order_by("pk")
        .values_list("pk", "email", "phone", "full_name", "locale", "time_zone")
    )
    chosen: dict[UUID, dict[str, str]] = defaultdict(dict)
    rows = Preference.objects.filter(user_id__in=wanted, kind=kind.code)
    for user_id, channel, mode in rows.values_list("user_id", "channel", "mode"):
        chosen[user_id][channel] = mode
    rhythms = Rhythm.objects.in_bulk(wanted)
    subscriptions: dict[UUID, list[UUID]] = defaultdict(list)
    active = PushSubscription.objects.filter(user_id__in=wanted, ended_at__isnull=True)
    for user_id, pk in active.order_by("pk").values_list("user_id", "pk"):
        subscriptions[user_id].append(pk)
    return [
        Person(
            id=pk,
            email=email,
            phone=phone,
            reader=Reader(full_name or email, locale, time_zone),
            chosen=chosen.get(pk, {}),
            rhythm=rhythms.get(pk),
            subscriptions=tuple(subscriptions.get(pk, ())),
        )
        for pk, email, phone, full_name, locale, time_zone in users
    ]
