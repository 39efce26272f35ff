"""What must be known of people to tell them something: where they are reached, and what they chose."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import JSONObject

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
    """The active users among `ids`, in key order, each with the choices for `kind`. One query for any number."""
    chosen = Preference.objects.filter(user=OuterRef("pk"), kind=kind.code)
    rhythm = Rhythm.objects.filter(user=OuterRef("pk"))
    browsers = PushSubscription.objects.filter(user=OuterRef("pk"), ended_at__isnull=True).order_by("pk")
    times = JSONObject(quiet_from="quiet_from", quiet_until="quiet_until", digest_at="digest_at")
    users = (
        get_user_model()
        .objects.filter(pk__in=set(ids), is_active=True)
        .order_by("pk")
        .annotate(
            chosen=ArraySubquery(chosen.values_list(JSONObject(channel="channel", mode="mode"))),
            rhythm=ArraySubquery(rhythm.values_list(times)),
            browsers=ArraySubquery(browsers.values_list("pk")),
        )
        .values_list("pk", "email", "phone", "full_name", "locale", "time_zone", "chosen", "rhythm", "browsers")
    )
    return [
        Person(
            id=pk,
            email=email,
            phone=phone,
            reader=Reader(full_name or email, locale, time_zone),
            chosen={one["channel"]: one["mode"] for one in choices},
            rhythm=_rhythm(pk, hours[0]) if hours else None,
            subscriptions=tuple(subscriptions),
        )
        for pk, email, phone, full_name, locale, time_zone, choices, hours, subscriptions in users
    ]


def _rhythm(user_id: UUID, hours: Mapping[str, str | None]) -> Rhythm:
    found = {name: dt.time.fromisoformat(text) if text else None for name, text in hours.items()}
    return Rhythm(user_id=user_id, **found)
