"""What people choose: which kinds, by which channels, when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from apps.core.errors import ValidationFailed
from apps.core.notices import CHANNELS, EMAIL, kind_get
from apps.notifications.errors import ChannelFixed
from apps.notifications.models import Preference, Rhythm

if TYPE_CHECKING:
    from apps.identity.models import User

NOW, DIGEST = Preference.Mode.NOW.value, Preference.Mode.DIGEST.value


@dataclass(frozen=True, slots=True)
class Wish:
    """One choice: this kind, by this channel, so."""

    kind: str
    channel: str
    mode: str


@transaction.atomic
def preference_set_many(*, acting_user: User, wishes: Sequence[Wish]) -> None:
    """Set the user's own choices; those not named stay.

    Raises `ValidationFailed` for kinds, channels or modes that do not exist, and for a digest by anything but e-mail;
    `ChannelFixed` for a channel that the kind always uses.
    """
    faults = []
    for index, wish in enumerate(wishes):
        pointer = f"/preferences/{index}"
        kind = kind_get(wish.kind)
        if kind is None or not kind.choosable:
            faults.append({"pointer": f"{pointer}/kind", "code": "unknown", "detail": "There is no such kind."})
        elif wish.channel not in CHANNELS:
            faults.append({"pointer": f"{pointer}/channel", "code": "unknown", "detail": "There is no such channel."})
        elif wish.mode not in Preference.Mode.values or (wish.mode == DIGEST and wish.channel != EMAIL):
            detail = "now, off or, by e-mail only, digest."
            faults.append({"pointer": f"{pointer}/mode", "code": "invalid", "detail": detail})
        elif wish.channel in kind.fixed and wish.mode != NOW:
            raise ChannelFixed(f"{kind.title}: always by {wish.channel}.", pointer=f"{pointer}/mode")
    if faults:
        raise ValidationFailed(faults)
    latest = {(wish.kind, wish.channel): wish.mode for wish in wishes}
    rows = [
        Preference(user_id=acting_user.pk, kind=kind, channel=channel, mode=mode)
        for (kind, channel), mode in sorted(latest.items())  # one order, so that two requests cannot block each other
    ]
    Preference.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["user", "kind", "channel"], update_fields=["mode"]
    )


def rhythm_set(
    *, acting_user: User, quiet_from: dt.time | None, quiet_until: dt.time | None, digest_at: dt.time
) -> Rhythm:
    """Set the user's own quiet hours (both ends or none) and time of the digest, by the user's own clock.

    Raises `ValidationFailed` for one end without the other.
    """
    if (quiet_from is None) != (quiet_until is None):
        missing = "quiet_from" if quiet_from is None else "quiet_to"
        fault = {"pointer": f"/{missing}", "code": "required", "detail": "Quiet hours have a beginning and an end."}
        raise ValidationFailed([fault])
    values = {"quiet_from": quiet_from, "quiet_until": quiet_until, "digest_at": digest_at}
    rhythm, _ = Rhythm.objects.update_or_create(user_id=acting_user.pk, defaults=values)
    return rhythm
