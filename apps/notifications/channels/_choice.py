"""The sender of each channel, as the settings say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from apps.core.notices import EMAIL, PUSH, SMS
from apps.notifications.channels._base import Sender
from apps.notifications.channels._email import EmailSender
from apps.notifications.channels._http import HttpSmsSender
from apps.notifications.channels._plain import ConsoleSender, FileSender
from apps.notifications.channels._webpush import WebPushSender


def sender_open(channel: str) -> Sender:
    """A sender for `channel`; close it after use. Raises ValueError for a channel or a backend that does not exist."""
    if channel == EMAIL:
        return EmailSender()
    options: Mapping[str, Any] = settings.NUMINA["NOTIFICATIONS"]
    if channel == SMS:
        chosen = options["SMS"]
        if chosen["backend"] == "http":
            return HttpSmsSender(url=chosen["url"], token=chosen["token"], origin=chosen["from"])
        return _plain(channel, chosen)
    if channel == PUSH:
        chosen = options["PUSH"]
        if chosen["backend"] == "webpush":
            return WebPushSender(private_key=chosen["private_key"], subject=chosen["subject"], hosts=chosen["hosts"])
        return _plain(channel, chosen)
    raise ValueError(f"nothing is sent by {channel}")


def _plain(channel: str, chosen: Mapping[str, Any]) -> Sender:
    if chosen["backend"] == "console":
        return ConsoleSender(channel)
    if chosen["backend"] == "file":
        return FileSender(channel, chosen["path"])
    raise ValueError(f"there is no backend {chosen['backend']!r} for {channel}")
