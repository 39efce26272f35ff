"""People and servers for the tests of notifications."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from apps.identity.models import User
from tests.factories.identity import UserFactory


class Mailbox:
    """What an SMTP server of the tests does with mail, and what came in."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.answers: list[str] = []  # taken from the front; none left means that the message is taken
        self.connections = 0
        self.pause = 0  # seconds before a message is taken
        self.busy = False

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self.answers and self.answers[0].startswith("rcpt "):
            return self.answers.pop(0).removeprefix("rcpt ")
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802
        self.busy = True
        if self.answers:
            return self.answers.pop(0)
        await asyncio.sleep(self.pause)  # ends with the connection
        self.messages.append(envelope)
        return "250 taken"


@pytest.fixture
def smtp(settings: Any) -> Iterator[Mailbox]:
    """A real SMTP server on a port of its own, to which Django's mail goes."""
    mailbox = Mailbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, ready_timeout=60)
    controller.start()
    mailbox.connections = 0  # the controller itself has looked whether it is there
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_PORT = port
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_TIMEOUT = 60
    yield mailbox
    controller.stop()


@pytest.fixture
def configured(settings: Any) -> Callable[..., None]:
    """`configured(SMS={...})` changes settings.NUMINA["NOTIFICATIONS"] for one test."""

    def change(**values: Any) -> None:
        settings.NUMINA = {
            **settings.NUMINA,
            "PUBLIC_URL": "https://bank.example",
            "NOTIFICATIONS": {**settings.NUMINA["NOTIFICATIONS"], **values},
        }

    return change


@pytest.fixture
def alice(db: None) -> User:
    """Somebody in Nairobi who can be reached by mail and telephone."""
    return UserFactory(full_name="Alice Wanjiku", phone="+254712345678", time_zone="Africa/Nairobi")
