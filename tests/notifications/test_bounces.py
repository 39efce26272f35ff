"""A mail server that takes a message and gives it back later."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command

from apps.core.notices import notify
from apps.identity.models import User
from apps.notifications.models import Delivery
from apps.notifications.services import delivery_send_due
from tests.notifications.conftest import Mailbox
from tests.notifications.kinds import APPROVED, AT, SAMPLE

pytestmark = pytest.mark.django_db

BOUNCE = """\
From: MAILER-DAEMON@mail.example
To: no-reply@numina.invalid
Message-ID: <dsn-1@mail.example>
Subject: Undelivered mail
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example

Final-Recipient: rfc822; alice@example.com
Action: {action}
Status: 5.1.1
Diagnostic-Code: smtp; 550 no such mailbox
--b
Content-Type: {kind}

{original}
--b--
"""


@pytest.fixture
def read(monkeypatch: Any, capsys: Any) -> Any:
    def run(raw: str | bytes) -> str:
        data = raw.encode() if isinstance(raw, str) else raw
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(data)))
        call_command("bounce_read")
        out: str = capsys.readouterr().out
        return out.strip()

    return run


@pytest.fixture
def sent(smtp: Mailbox, alice: User) -> tuple[Delivery, str]:
    """The delivery, and the message as the server took it."""
    notify(APPROVED, recipients=[alice.pk], context=SAMPLE, at=AT)
    delivery_send_due(at=AT)
    return Delivery.objects.get(), smtp.messages[0].content.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("kind", ["message/rfc822", "text/rfc822-headers"])
def test_a_message_that_comes_back_has_bounced(read: Any, sent: tuple[Delivery, str], kind: str) -> None:
    delivery, content = sent
    original = content if kind == "message/rfc822" else content.split("\n\n")[0]
    bounce = BOUNCE.format(action="failed", kind=kind, original=original)

    answers = [read(bounce), read(bounce)]

    delivery.refresh_from_db()
    assert (delivery.status, delivery.error) == ("bounced", "5.1.1 smtp; 550 no such mailbox")
    assert answers == [f"{delivery.provider_id} bounced", f"{delivery.provider_id} bounced, known already"]


@pytest.mark.parametrize("action", ["delayed", "relayed", ""])
def test_a_delay_is_no_bounce(read: Any, sent: tuple[Delivery, str], action: str) -> None:
    delivery, content = sent

    assert read(BOUNCE.format(action=action, kind="message/rfc822", original=content)) == "no bounce"
    delivery.refresh_from_db()
    assert delivery.status == "sent"


@pytest.mark.parametrize(
    "raw", [b"", b"\xff\xfe\x00", b"Subject: Out of office\n\nBack on Monday.", b"Content-Type: multipart/report\n\nx"]
)
def test_other_mail_is_left_alone(read: Any, raw: bytes) -> None:
    assert read(raw) == "no bounce"


def test_a_bounce_of_somebody_elses_message_changes_nothing(read: Any, sent: tuple[Delivery, str]) -> None:
    delivery, _ = sent
    strange = "Message-ID: <other@example.com>\nSubject: x\n\nx"

    read(BOUNCE.format(action="failed", kind="message/rfc822", original=strange))

    delivery.refresh_from_db()
    assert delivery.status == "sent"
