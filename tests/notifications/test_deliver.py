"""Delivery through a real SMTP server: what is sent, and what becomes of it when the server refuses, hangs or dies."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail

from apps.core.notices import EMAIL, notify
from apps.identity.models import User
from apps.notifications import services
from apps.notifications.errors import DeliveryNotFailed
from apps.notifications.models import Delivery
from apps.notifications.services import Wish, delivery_send_bulk, delivery_send_due, preference_set_many
from apps.notifications.services._deliver import ATTEMPTS_MAX, BACK_OFF_SECONDS, LEASE
from tests.factories.identity import UserFactory, user_make
from tests.notifications.conftest import Mailbox
from tests.notifications.kinds import APPROVED, AT, SAMPLE

pytestmark = pytest.mark.django_db


def tell(*users: User, **options: Any) -> None:
    notify(APPROVED, recipients=[user.pk for user in users], context=SAMPLE, **{"at": AT, **options})


def later(**delta: int) -> dt.datetime:
    return AT + dt.timedelta(**delta)


def read(envelope: Any) -> Any:
    return email.message_from_bytes(envelope.content, policy=email.policy.default)


def test_a_mail_has_text_and_html_in_the_banks_brand(smtp: Mailbox, alice: User, configured: Any) -> None:
    configured()
    tell(alice, link="/admin/members/member/1/")

    assert delivery_send_due(at=AT) == 1

    delivery = Delivery.objects.get()
    message = read(smtp.messages[0])
    assert smtp.messages[0].rcpt_tos == [alice.email]
    assert message["Subject"] == "Your Harvest loan is approved"
    assert message["Message-ID"] == f"<{delivery.pk}@numina.invalid>"
    assert message["Auto-Submitted"] == "auto-generated"
    text, html = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "Dear Alice Wanjiku," in text
    assert "https://bank.example/admin/members/member/1/" in text
    assert 'href="https://bank.example/admin/members/member/1/"' in html
    assert "Numina Bank" in html
    assert "<script" not in html
    assert (delivery.status, delivery.attempts, delivery.address) == ("sent", 1, alice.email)
    assert (delivery.provider, delivery.provider_id) == ("smtp", message["Message-ID"])
    assert delivery.leased_until is None


def test_what_was_sent_is_not_sent_again(smtp: Mailbox, alice: User) -> None:
    tell(alice)

    assert [delivery_send_due(at=AT), delivery_send_due(at=later(days=1))] == [1, 0]
    assert len(smtp.messages) == 1


def test_one_connection_carries_a_batch(smtp: Mailbox) -> None:
    tell(*UserFactory.create_batch(10))

    assert delivery_send_due(at=AT) == 10
    assert (len(smtp.messages), smtp.connections) == (10, 1)


def test_what_was_lost_on_the_way_is_found_by_the_sweep(smtp: Mailbox, alice: User) -> None:
    """No task ever came: the broker was away, or the process died after its commit."""
    tell(alice)

    from apps.notifications.tasks import deliver_due

    deliver_due()
    assert len(smtp.messages) == 1


def test_a_message_in_a_dead_workers_hand_is_sent_after_its_lease(smtp: Mailbox, alice: User) -> None:
    tell(alice)
    Delivery.objects.update(leased_until=AT + LEASE, attempts=1)

    assert delivery_send_due(at=later(minutes=14)) == 0
    assert delivery_send_due(at=AT + LEASE) == 1
    assert Delivery.objects.get().attempts == 2


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        ("rcpt 550 5.1.1 no such mailbox", "bounced", "550 5.1.1 no such mailbox"),
        ("552 5.3.4 too big", "failed", "552 5.3.4 too big"),
    ],
    ids=["mailbox", "size"],
)
def test_what_a_server_refuses_for_good_is_not_tried_again(
    smtp: Mailbox, alice: User, answer: str, status: str, error: str
) -> None:
    smtp.answers = [answer]
    tell(alice)

    delivery_send_due(at=AT)

    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.error) == (status, error)
    assert delivery_send_due(at=later(days=30)) == 0


@pytest.mark.parametrize("answer", ["rcpt 450 4.2.1 greylisted", "451 4.3.0 try later"], ids=["greylist", "busy"])
def test_what_a_server_puts_off_is_tried_again_with_growing_pauses(smtp: Mailbox, alice: User, answer: str) -> None:
    smtp.answers = [answer, answer]
    tell(alice)

    at = AT
    for pause in BACK_OFF_SECONDS[:2]:
        delivery_send_due(at=at)
        delivery = Delivery.objects.get()
        assert delivery.status == "queued"
        assert 0.8 * pause <= (delivery.due_at - at).total_seconds() <= 1.2 * pause + 2
        assert delivery_send_due(at=delivery.due_at - dt.timedelta(seconds=1)) == 0
        at = delivery.due_at
    delivery_send_due(at=at)

    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, delivery.error) == ("sent", 3, "")
    assert len(smtp.messages) == 1


def test_after_the_last_try_it_has_failed_and_staff_may_send_it_again(smtp: Mailbox, alice: User) -> None:
    smtp.answers = ["451 no"] * ATTEMPTS_MAX
    tell(alice)
    at = AT
    for _ in range(ATTEMPTS_MAX):
        delivery_send_due(at=at)
        at += dt.timedelta(hours=8)
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.attempts, delivery.error) == ("failed", ATTEMPTS_MAX, "451 no")

    services.delivery_retry(acting_user=user_make("notifications.manage"), delivery_id=delivery.pk, at=at)

    assert delivery_send_due(at=at) == 1
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("sent", 1)
    with pytest.raises(DeliveryNotFailed):
        services.delivery_retry(acting_user=alice, delivery_id=delivery.pk, at=at)


def test_one_refusal_does_not_keep_the_others_from_going_out(smtp: Mailbox) -> None:
    smtp.answers = ["rcpt 550 no"]
    tell(*UserFactory.create_batch(3))

    delivery_send_due(at=AT)

    assert sorted(Delivery.objects.values_list("status", flat=True)) == ["bounced", "sent", "sent"]


def test_a_server_that_is_away_is_asked_once_a_batch(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_USE_TLS = "127.0.0.1", False
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.EMAIL_PORT = closed.getsockname()[1]
        tell(*UserFactory.create_batch(3))
        delivery_send_due(at=AT)

    assert list(Delivery.objects.values_list("status", "attempts").distinct()) == [("queued", 1)]
    assert "ConnectionRefusedError" in Delivery.objects.first().error


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=20) as server:
        yield server


def test_a_server_that_hangs_costs_one_timeout_a_batch(settings: Any, silent: socket.socket) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", silent.getsockname()[1], False
    settings.EMAIL_TIMEOUT = 1
    tell(*UserFactory.create_batch(5))

    delivery_send_due(at=AT)

    silent.setblocking(False)
    silent.accept()[0].close()
    with pytest.raises(BlockingIOError):  # nobody called a second time
        silent.accept()
    assert set(Delivery.objects.values_list("status", "attempts")) == {("queued", 1)}
    assert "timed out" in Delivery.objects.first().error


def test_a_fault_of_ours_in_one_message_does_not_stop_the_batch(smtp: Mailbox, monkeypatch: Any, caplog: Any) -> None:
    from apps.notifications.services import _deliver

    tell(*UserFactory.create_batch(2))
    broken = Delivery.objects.order_by("pk").first().pk
    compose = _deliver.message_compose

    def breaking(group: list[Delivery]) -> Any:
        if group[0].pk == broken:
            raise ZeroDivisionError
        return compose(group)

    monkeypatch.setattr(_deliver, "message_compose", breaking)

    delivery_send_due(at=AT)

    assert sorted(Delivery.objects.values_list("status", "error")) == [("queued", "ZeroDivisionError:"), ("sent", "")]


def test_a_digest_is_one_mail_for_all(smtp: Mailbox, alice: User) -> None:
    preference_set_many(acting_user=alice, wishes=[Wish(APPROVED.code, EMAIL, "digest")])
    for number in range(3):
        tell(alice, key=f"{number}")

    assert delivery_send_due(at=later(hours=1)) == 0
    assert delivery_send_due(at=later(days=1), limit=1) == 3

    message = read(smtp.messages[0])
    assert len(smtp.messages) == 1
    assert message["Subject"] == "3 notices from Numina Bank"
    assert message.get_body(("plain",)).get_content().count("Dear Alice Wanjiku") == 3
    assert set(Delivery.objects.values_list("status", "provider_id")) == {("sent", message["Message-ID"])}


def test_bulk_mail_keeps_to_the_banks_rate_in_any_minute(smtp: Mailbox, configured: Any) -> None:
    configured(BULK_PER_MINUTE=24)
    tell(*UserFactory.create_batch(30), bulk=True)

    sent = [delivery_send_bulk(at=later(seconds=5 * step)) for step in range(14)]

    assert sent[:12] == [2] * 12
    assert sum(sent[:12]) == 24
    assert sum(sent) == 28
    assert "bulk" in {read(envelope)["Precedence"] for envelope in smtp.messages}


def test_bulk_mail_stands_behind_nobody_elses(smtp: Mailbox, configured: Any, alice: User) -> None:
    configured(BULK_PER_MINUTE=1)
    tell(*UserFactory.create_batch(5), bulk=True)
    tell(alice)

    assert delivery_send_due(at=AT) == 1
    assert smtp.messages[0].rcpt_tos == [alice.email]


def test_who_left_meanwhile_is_not_written_to(smtp: Mailbox, alice: User) -> None:
    tell(alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)

    delivery_send_due(at=AT)

    assert Delivery.objects.get().status == "failed"
    assert smtp.messages == []


def test_anymail_gives_the_providers_own_id(settings: Any, alice: User) -> None:
    settings.EMAIL_BACKEND = "anymail.backends.test.EmailBackend"
    tell(alice)

    delivery_send_due(at=AT)

    delivery = Delivery.objects.get()
    assert delivery.status == "sent"
    assert delivery.provider_id
    assert delivery.provider_id == str(mail.outbox[0].anymail_status.message_id)
