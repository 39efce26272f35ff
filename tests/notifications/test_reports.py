"""What providers report: once, signed, in whatever order it comes."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

import pytest
from anymail.signals import AnymailTrackingEvent, tracking

from apps.core import clock
from apps.core.notices import notify
from apps.identity.models import User
from apps.notifications.models import Delivery, DeliveryEvent
from apps.notifications.services import Report, delivery_report, delivery_send_due
from apps.notifications.signatures import signature_make
from tests.notifications.conftest import Mailbox
from tests.notifications.kinds import APPROVED, AT, SAMPLE

SECRET = "a-secret-of-the-provider-" + "0" * 20
URL = "notifications/reports/acme"


@pytest.fixture
def sent(smtp: Mailbox, alice: User) -> Delivery:
    notify(APPROVED, recipients=[alice.pk], context=SAMPLE, at=AT)
    delivery_send_due(at=AT)
    return Delivery.objects.get()


def status_of(delivery: Delivery) -> str:
    delivery.refresh_from_db()
    return delivery.status


def report(delivery: Delivery, status: str, event: str = "") -> bool:
    return delivery_report(report=Report("acme", event or status, delivery.provider_id, status, "why"), at=AT)


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        (["delivered"], "delivered"),
        (["bounced"], "bounced"),
        (["failed"], "failed"),
        (["delivered", "bounced"], "bounced"),
        (["bounced", "delivered"], "bounced"),
        (["delivered", "failed"], "delivered"),
    ],
    ids="-".join,
)
def test_reports_in_any_order_lead_to_the_truth(sent: Delivery, reports: list[str], expected: str) -> None:
    for one in reports:
        assert report(sent, one)
    assert status_of(sent) == expected


def test_the_same_report_twice_counts_once(sent: Delivery) -> None:
    assert [report(sent, "delivered"), report(sent, "delivered")] == [True, False]
    assert DeliveryEvent.objects.count() == 1


def test_a_report_that_comes_before_we_know_the_id_is_applied_later(smtp: Mailbox, alice: User) -> None:
    notify(APPROVED, recipients=[alice.pk], context=SAMPLE, at=AT)
    delivery = Delivery.objects.get()
    early = Report("smtp", "1", f"<{delivery.pk}@numina.invalid>", "bounced", "no such mailbox")
    assert delivery_report(report=early, at=AT)

    delivery_send_due(at=AT)

    assert status_of(delivery) == "bounced"
    assert delivery.error == "no such mailbox"


@pytest.mark.parametrize(
    ("event_type", "expected"),
    [("delivered", "delivered"), ("bounced", "bounced"), ("complained", "bounced"), ("opened", "sent")],
)
def test_reports_of_mail_providers_come_through_anymail(sent: Delivery, event_type: str, expected: str) -> None:
    event = AnymailTrackingEvent(event_type=event_type, message_id=sent.provider_id, event_id=uuid.uuid4().hex)

    tracking.send(sender=object, event=event, esp_name="Postmark")

    assert status_of(sent) == expected


class Provider:
    """Signs as Standard Webhooks says."""

    def __init__(self, api: Any) -> None:
        self.api = api

    def post(
        self, body: dict[str, Any] | bytes, *, path: str = URL, secret: str = SECRET, age: int = 0, **own: str
    ) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        stamp, event = int(clock.now().timestamp()) - age, own.pop("event", "evt_1")
        headers = {
            "webhook-id": event,
            "webhook-timestamp": str(stamp),
            "webhook-signature": signature_make(secret=secret, event_id=event, timestamp=stamp, body=raw),
            **{name.replace("_", "-"): value for name, value in own.items()},
        }
        return self.api.post(path, raw, headers=headers)


@pytest.fixture
def provider(db: None, api: Any, configured: Any) -> Provider:
    configured(WEBHOOK_SECRETS=(("acme", SECRET), ("acme", "an-older-secret" + "1" * 20)))
    return Provider(api)


def test_a_signed_report_is_taken_once(provider: Provider, sent: Delivery) -> None:
    body = {"message_id": sent.provider_id, "status": "delivered"}

    assert [provider.post(body).status_code, provider.post(body).status_code] == [204, 204]
    assert status_of(sent) == "delivered"
    assert DeliveryEvent.objects.count() == 1


def test_a_secret_of_the_standard_signs_as_its_libraries_do() -> None:
    """The vector that the libraries of Standard Webhooks share."""
    made = signature_make(
        secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        event_id="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp=1614265330, body=b'{"test": 2432232314}',
    )  # fmt: skip
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_an_older_secret_holds_while_keys_are_exchanged(provider: Provider, sent: Delivery) -> None:
    body = {"message_id": sent.provider_id, "status": "bounced"}

    assert provider.post(body, secret="an-older-secret" + "1" * 20).status_code == 204
    assert status_of(sent) == "bounced"


@pytest.mark.parametrize(
    "lie",
    [
        {"secret": "another-secret" + "0" * 30},
        {"age": 301},
        {"age": -330},
        {"webhook_signature": ""},
        {"webhook_signature": "v1," + base64.b64encode(b"0" * 32).decode()},
        {"webhook_id": "evt_2"},
        {"webhook_timestamp": "nonsense"},
        {"webhook_timestamp": "\u0661\u0662"},
    ],
    ids=["secret", "old", "future", "none", "wrong", "id", "time", "digits"],
)
def test_what_is_not_signed_changes_nothing(provider: Provider, sent: Delivery, lie: dict[str, Any]) -> None:
    response = provider.post({"message_id": sent.provider_id, "status": "delivered"}, **lie)

    assert response.status_code == 401
    assert response.json()["code"] == "webhook-signature-invalid"
    assert status_of(sent) == "sent"


def test_a_provider_without_a_secret_does_not_exist(provider: Provider) -> None:
    assert provider.post({}, path="notifications/reports/nobody").status_code == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"message_id": "x"}, {"message_id": "x", "status": "opened"}, {"message_id": "x", "status": "sent"}, b"[]",
     b"{", b""],
    ids=["empty", "status", "unknown", "sent", "list", "torn", "nothing"],
)  # fmt: skip
def test_reports_that_say_nothing_are_refused(provider: Provider, body: Any) -> None:
    assert provider.post(body).status_code == 400
    assert not DeliveryEvent.objects.exists()


def test_a_report_on_a_message_of_nobody_is_kept_and_changes_nothing(provider: Provider, sent: Delivery) -> None:
    assert provider.post({"message_id": "unknown", "status": "bounced"}).status_code == 204
    assert status_of(sent) == "sent"
