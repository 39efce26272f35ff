"""When a message may go out: after quiet hours, or with the day's digest, by the clock on the person's wall."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo


def quiet_end(*, at: dt.datetime, quiet_from: dt.time, quiet_until: dt.time, time_zone: str) -> dt.datetime:
    """`at` itself outside quiet hours, else the moment at which they end, in UTC.

    Hours may reach over midnight; equal ends mean none. On the night on which clocks change, an end that the clock
    skips comes when it would have been, one that comes twice counts the first time.
    """
    zone = ZoneInfo(time_zone)
    local = at.astimezone(zone)
    clock = local.time().replace(tzinfo=None)
    if quiet_from < quiet_until:
        quiet, ends_on = quiet_from <= clock < quiet_until, local.date()
    else:
        quiet = quiet_from != quiet_until and (clock >= quiet_from or clock < quiet_until)
        ends_on = local.date() + dt.timedelta(days=1) if clock >= quiet_from else local.date()
    if not quiet:
        return at
    end = dt.datetime.combine(ends_on, quiet_until, zone).astimezone(dt.UTC)
    # In the hour that comes twice the clock may show quiet again after the end has passed: then it is over.
    return max(end, at)


def digest_time(*, at: dt.datetime, digest_at: dt.time, time_zone: str) -> dt.datetime:
    """The first moment after `at` at which the person's clock shows `digest_at`, in UTC."""
    zone = ZoneInfo(time_zone)
    day = at.astimezone(zone).date()
    for days in (0, 1, 2):
        moment = dt.datetime.combine(day + dt.timedelta(days=days), digest_at, zone).astimezone(dt.UTC)
        if moment > at:
            return moment
    raise AssertionError("unreachable: a day comes every day")
