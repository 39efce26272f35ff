"""What the app does for others: identity's codes and links, figures for Prometheus."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import json
from pathlib import Path
from typing import Any

import pytest

from apps.core import clock
from apps.core.notices import notify
from apps.identity.messages import Message
from apps.identity.models import User
from apps.notifications import hooks
from apps.notifications.channels import Delayed, Refused
from apps.notifications.metrics import DeliveryCollector
from apps.notifications.models import Delivery, Notification
from tests.notifications.conftest import Mailbox
from tests.notifications.kinds import AT, EVERYWHERE, SAMPLE

pytestmark = pytest.mark.django_db


def secret(user: User, channel: str, to: str) -> Message:
    return Message(channel, "code", user, to, "Your code\r\nBcc: x@example.com", "Your code is 123456.")


def test_codes_go_in_the_banks_brand_and_leave_no_trace(smtp: Mailbox, alice: User) -> None:
    hooks.secret_send(secret(alice, "email", alice.email))

    (envelope,) = smtp.messages
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert envelope.rcpt_tos == [alice.email]
    assert (message["Subject"], message["Bcc"]) == ("Your code Bcc: x@example.com", None)
    assert message.get_body(("plain",)).get_content().strip() == "Your code is 123456."
    assert "123456" in message.get_body(("html",)).get_content()
    assert not Delivery.objects.exists()
    assert not Notification.objects.exists()


def test_a_code_that_was_not_taken_is_its_senders_to_try_again(smtp: Mailbox, alice: User) -> None:
    smtp.answers = ["451 later", "rcpt 550 unknown"]

    for expected in (Delayed, Refused):
        with pytest.raises(expected):
            hooks.secret_send(secret(alice, "email", alice.email))


def test_codes_by_sms_take_the_banks_provider(configured: Any, alice: User, tmp_path: Path) -> None:
    configured(SMS={"backend": "file", "path": str(tmp_path / "sms")})

    hooks.secret_send(secret(alice, "sms", alice.phone))

    assert json.loads((tmp_path / "sms").read_text())["text"] == "Your code is 123456."


def test_figures_show_outcomes_and_how_long_the_oldest_waits(alice: User) -> None:
    notify(EVERYWHERE, recipients=[alice.pk], context=SAMPLE, at=AT)
    notify(EVERYWHERE, recipients=[alice.pk], context=SAMPLE, at=AT, bulk=True)
    Delivery.objects.filter(channel="sms").update(status="bounced")

    with clock.frozen(AT + dt.timedelta(minutes=5)):
        found = {
            (sample.name, *sorted(sample.labels.values())): sample.value
            for family in DeliveryCollector().collect()
            for sample in family.samples
        }

    assert found == {
        ("numina_notification_deliveries_last_hour", "bounced", "sms"): 2,
        ("numina_notification_deliveries_last_hour", "email", "queued"): 2,
        ("numina_notification_due", "email", "no"): 1,
        ("numina_notification_due", "email", "yes"): 1,
        ("numina_notification_due_age_seconds", "email", "no"): 300,
        ("numina_notification_due_age_seconds", "email", "yes"): 300,
    }
