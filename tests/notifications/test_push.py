"""Web push: a real message, encrypted by us and decrypted as a browser does; and addresses that are none of ours."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.management import call_command

from apps.core.notices import notify
from apps.identity.models import User
from apps.notifications.channels import Message
from apps.notifications.channels._webpush import PAYLOAD_MAX, payload_make
from apps.notifications.endpoints import endpoint_fault
from apps.notifications.models import Delivery, PushSubscription
from apps.notifications.services import delivery_send_due
from config.integrations.notifications import vapid_public_key
from tests.factories.identity import UserFactory
from tests.notifications.kinds import AT, EVERYWHERE, SAMPLE
from tests.notifications.servers import Provider, provider_run

URL = "notifications/subscriptions"


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Browser:
    """The keys of a browser, and how it reads a message."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.secret = os.urandom(16)

    @property
    def point(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def subscription(self, **changes: Any) -> dict[str, Any]:
        keys = {"p256dh": b64(self.point), "auth": b64(self.secret)}
        return {"endpoint": self.endpoint, "keys": keys, "device": "Alice's phone", **changes}

    def read(self, body: bytes) -> dict[str, Any]:
        plain = http_ece.decrypt(body, private_key=self.key, auth_secret=self.secret, version="aes128gcm")
        found: dict[str, Any] = json.loads(plain)
        return found


def key_make(capsys: Any) -> str:
    call_command("vapid_keys")
    private: str = capsys.readouterr().out.split("NUMINA_VAPID_PRIVATE_KEY=")[1].split()[0]
    return private


@pytest.fixture
def private_key(capsys: Any) -> str:
    return key_make(capsys)


@pytest.fixture
def push(tmp_path: Path, configured: Any, monkeypatch: Any, private_key: str) -> Iterator[Provider]:
    """A push service with TLS on localhost, which the bank's list names."""
    with provider_run(tmp_path) as running:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        configured(
            PUSH={
                "backend": "webpush",
                "private_key": private_key,
                "public_key": vapid_public_key(private_key),
                "subject": "mailto:bank@example.com",
                "hosts": (f"localhost:{running.port}",),
            }
        )
        running.headers = {"Location": "https://localhost/receipts/7"}
        yield running


@pytest.fixture
def browser(push: Provider) -> Browser:
    return Browser(f"https://localhost:{push.port}/send/abc")


def subscribe(api: Any, user: User, browser: Browser) -> Any:
    response = api.as_user(user).post(URL, browser.subscription())
    assert response.status_code == 201, response.content
    return response.json()


def tell(user: User) -> Delivery:
    notify(EVERYWHERE, recipients=[user.pk], context=SAMPLE, at=AT, link="/admin/")
    return Delivery.objects.get(channel="push")


def claims_of(header: str) -> tuple[dict[str, Any], str]:
    token, key = (part.split("=", 1)[1] for part in header.removeprefix("vapid ").replace(" ", "").split(","))
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))), key


def test_a_browser_reads_what_the_bank_sent(
    api: Any, alice: User, push: Provider, browser: Browser, private_key: str
) -> None:
    subscribe(api, alice, browser)
    delivery = tell(alice)

    delivery_send_due(at=AT)

    path, headers, body = push.requests[0]
    assert path == "/send/abc"
    assert headers["content-encoding"] == "aes128gcm"
    assert b"Harvest" not in body
    assert browser.read(body) == {
        "id": str(delivery.pk),
        "title": "Your Harvest loan is approved",
        "body": "Harvest loan: 125,000.50 KES approved",
        "link": "https://bank.example/admin/",
    }
    claims, key = claims_of(headers["authorization"])
    assert (claims["aud"], claims["sub"]) == (f"https://localhost:{push.port}", "mailto:bank@example.com")
    assert key == vapid_public_key(private_key)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.provider, delivery.provider_id) == (
        "sent",
        "webpush",
        "https://localhost/receipts/7",
    )


@pytest.mark.parametrize("answer", [404, 410])
def test_a_subscription_that_has_ended_is_not_used_again(
    api: Any, alice: User, push: Provider, browser: Browser, answer: int
) -> None:
    subscribe(api, alice, browser)
    push.answers = [answer]
    delivery = tell(alice)

    delivery_send_due(at=AT)

    delivery.refresh_from_db()
    assert delivery.status == "bounced"
    assert PushSubscription.objects.get().ended_at is not None
    assert not Delivery.objects.filter(
        notification__in=notify(EVERYWHERE, recipients=[alice.pk], context=SAMPLE, at=AT), channel="push"
    )


def test_a_push_service_with_a_bad_hour_gets_it_later(api: Any, alice: User, push: Provider, browser: Browser) -> None:
    subscribe(api, alice, browser)
    push.answers = [500]
    delivery = tell(alice)

    delivery_send_due(at=AT)
    delivery.refresh_from_db()
    assert delivery.status == "queued"
    delivery_send_due(at=delivery.due_at)

    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("sent", 2)


def test_the_list_of_hosts_holds_when_sending_too(
    api: Any, alice: User, push: Provider, browser: Browser, configured: Any, settings: Any
) -> None:
    subscribe(api, alice, browser)
    configured(PUSH={**settings.NUMINA["NOTIFICATIONS"]["PUSH"], "hosts": ("fcm.googleapis.com",)})
    delivery = tell(alice)

    delivery_send_due(at=AT)

    delivery.refresh_from_db()
    assert (delivery.status, push.requests) == ("failed", [])


def test_unsubscribing_stops_messages_and_only_ones_own(
    api: Any, alice: User, push: Provider, browser: Browser
) -> None:
    found = subscribe(api, alice, browser)
    assert set(found) == {"id", "device", "created_at"}, "the address is a secret of the browser"
    other = api.as_user(UserFactory())
    mine = api.as_user(alice)

    assert other.delete(f"{URL}/{found['id']}").status_code == 404
    assert other.get(URL).json()["data"] == []
    assert [one["id"] for one in mine.get(URL).json()["data"]] == [found["id"]]
    assert [mine.delete(f"{URL}/{found['id']}").status_code for _ in range(2)] == [204, 404]
    assert mine.get(URL).json()["data"] == []


def test_a_browser_belongs_to_whoever_subscribed_it_last(
    api: Any, alice: User, push: Provider, browser: Browser
) -> None:
    delivery_owner = UserFactory()
    subscribe(api, alice, browser)
    delivery = tell(alice)
    subscribe(api, delivery_owner, browser)

    delivery_send_due(at=AT)

    delivery.refresh_from_db()
    assert (delivery.status, push.requests) == ("failed", [])
    assert PushSubscription.objects.get().user == delivery_owner


def test_at_most_twenty_browsers_a_person(api: Any, alice: User, push: Provider) -> None:
    for number in range(22):
        subscribe(api, alice, Browser(f"https://localhost:{push.port}/send/{number}"))

    assert PushSubscription.objects.filter(ended_at__isnull=True).count() == 20


HOSTS = ("fcm.googleapis.com", "*.push.apple.com", "localhost:8443")


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc",
        "https://fcm.googleapis.com:443/x",
        "https://FCM.googleapis.com/x",
        "https://web.push.apple.com/x?y=z",
        "https://localhost:8443/x",
    ],
)
def test_known_push_services_are_taken(endpoint: str) -> None:
    assert endpoint_fault(endpoint, hosts=HOSTS) == ""


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/x", "https://169.254.169.254/latest/meta-data", "https://[::1]/", "https://127.0.0.1/",
        "https://evil.example/x", "https://fcm.googleapis.com.evil.example/", "https://evilpush.apple.com/",
        "https://push.apple.com/", "https://fcm.googleapis.com@evil.example/", "https://evil.example#@fcm.googleapis.com/",
        "https://evil.example\\@fcm.googleapis.com/", "https://fcm.googleapis.com:8080/", "https://localhost/",
        "https://fcm.googleapis.com:99999/", "https://fcm.googleapis.com\r\nHost: x/", "file:///etc/passwd",
        "//fcm.googleapis.com",
        "gopher://fcm.googleapis.com/", "https://", "", "https://fcm.googleapis.com/" + "x" * 1_000, "https://f\u0441m.googleapis.com/",
    ],
    ids=range(22),
)  # fmt: skip
def test_no_other_address_is_ever_called(endpoint: str) -> None:
    assert endpoint_fault(endpoint, hosts=HOSTS)


@pytest.mark.parametrize(
    "keys",
    [
        {"p256dh": "AAAA", "auth": b64(b"0" * 16)},
        {"p256dh": b64(b"\x04" + b"\x01" * 64), "auth": b64(b"0" * 16)},
        {"p256dh": "not base64!", "auth": b64(b"0" * 16)},
        {"p256dh": b64(Browser("").point), "auth": b64(b"0" * 15)},
    ],
    ids=["short", "off the curve", "not base64", "auth"],
)
def test_keys_that_cannot_be_encrypted_for_are_refused(
    api: Any, alice: User, push: Provider, browser: Browser, keys: Any
) -> None:
    response = api.as_user(alice).post(URL, browser.subscription(keys=keys))

    assert (response.status_code, response.json()["code"]) == (422, "push-endpoint-refused")
    assert not PushSubscription.objects.exists()


def test_an_address_of_nobodys_push_service_is_refused(api: Any, alice: User, push: Provider) -> None:
    response = api.as_user(alice).post(URL, Browser("https://169.254.169.254/latest").subscription())

    assert (response.status_code, response.json()["code"]) == (422, "push-endpoint-refused")


def test_without_a_key_of_the_bank_nobody_can_subscribe(api: Any, alice: User) -> None:
    mine = api.as_user(alice)

    answers = [
        mine.get("notifications/push-key"),
        mine.post(URL, Browser("https://fcm.googleapis.com/x").subscription()),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(503, "push-not-configured")] * 2


def test_browsers_are_told_the_banks_key(api: Any, alice: User, push: Provider, private_key: str) -> None:
    assert api.as_user(alice).get("notifications/push-key").json() == {"public_key": vapid_public_key(private_key)}


def test_a_payload_is_cut_to_what_push_services_take(alice: User) -> None:
    message = Message(alice.pk, "", "t" * 200, "\U0001f600" * 5_000, link="/x")

    payload = payload_make(message)

    assert len(payload) <= PAYLOAD_MAX
    assert json.loads(payload)["title"] == "t" * 200
