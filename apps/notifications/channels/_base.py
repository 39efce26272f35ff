"""The interface of all channels: a message in, a receipt out, or one of two exceptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Target:
    """A browser's push subscription: where to send, and the keys to encrypt for (base64url)."""

    endpoint: str
    p256dh: str
    auth: str


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent. `id` is the delivery's: the same at each attempt, so that a provider can tell a repeat.

    `address` is an e-mail address or an E.164 number. `html` is for e-mail, `link` (absolute or empty) and `target`
    for push. Texts hold no controls and are cut to what the channel carries.
    """

    id: UUID
    address: str
    subject: str
    text: str
    html: str = ""
    link: str = ""
    is_bulk: bool = False
    target: Target | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """The channel has taken the message, under this id of its own."""

    provider: str
    provider_id: str


class Refused(Exception):
    """It will not be taken however often it is tried. `bounced`: the address does not work; otherwise it has failed."""

    def __init__(self, reason: str, *, bounced: bool = False) -> None:
        self.reason, self.bounced = reason, bounced
        super().__init__(reason)


class Delayed(Exception):
    """It was not taken this time. `retry_after` is in seconds, when the other side named it.

    `channel_down`: nobody answers, so other messages need not be tried now.
    """

    def __init__(self, reason: str, *, retry_after: int | None = None, channel_down: bool = False) -> None:
        self.reason, self.retry_after, self.channel_down = reason, retry_after, channel_down
        super().__init__(reason)


class Sender(Protocol):
    """Sends messages one after the other over one connection; `close` when done."""

    def send(self, message: Message) -> Receipt:
        """Hand the message over. Raises Refused or Delayed."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
