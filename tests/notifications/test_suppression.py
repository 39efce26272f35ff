"""Addresses that bounced for good or complained are left alone until staff say otherwise; old letters go."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest
from anymail.signals import AnymailTrackingEvent, tracking
from django.test import Client

from apps.audit.models import AuditEvent
from apps.core.notices import notify
from apps.identity.models import User
from apps.jobs.registry import kind_of
from apps.notifications.causes import cause_of
from apps.notifications.models import Delivery, DeliveryEvent, Notification, Suppression
from apps.notifications.services import Report, delivery_report, delivery_retry, delivery_send_due
from apps.notifications.services import notices_purge as purge
from tests.factories.identity import user_make
from tests.notifications.conftest import Mailbox
from tests.notifications.kinds import APPROVED, AT, SAMPLE


def tell(user: User, at: dt.datetime = AT) -> Delivery:
    (told,) = notify(APPROVED, recipients=[user.pk], context=SAMPLE, at=at)
    delivery_send_due(at=at)
    return Delivery.objects.get(notification_id=told)


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("550 5.1.1 no such user", "bounce"),
        ("5.1.10 smtp; 550 recipient not found", "bounce"),
        ("550 5.2.1 mailbox disabled", "bounce"),
        ("550 no such user", "bounce"),
        ("553 not allowed", "bounce"),
        ("552 5.2.2 mailbox full", ""),
        ("550 5.7.1 refused by policy", ""),
        ("554 refused", ""),
        ("AnymailRecipientsRefused: 550", ""),
    ],
)
def test_only_what_will_never_work_is_held_back(said: str, cause: str) -> None:
    assert cause_of(said) == cause


def test_after_a_hard_bounce_nothing_is_sent_until_staff_lift_it(
    smtp: Mailbox, alice: User, api_with: Any, django_assert_num_queries: Any
) -> None:
    smtp.answers = ["rcpt 550 5.1.1 no such user"]
    assert tell(alice).status == "bounced"
    held = tell(alice)
    assert (held.status, smtp.messages) == ("suppressed", [])
    assert held.error.startswith("Nothing is sent to this address since")

    staff = api_with("notifications.view", "notifications.manage")
    staff.get("notifications/suppressions")  # who asks is read once
    with django_assert_num_queries(1):
        (row,) = staff.get("notifications/suppressions?standing=true&channel=email").json()["data"]
    assert (row["address"], row["reason"], row["detail"]) == (alice.email, "bounce", "550 5.1.1 no such user")
    url = f"notifications/suppressions/{row['id']}/lift"
    assert api_with("notifications.view").post(url, {"reason": "No."}).status_code == 403
    assert staff.post(url, {}).status_code == 400
    lifted = staff.post(url, {"reason": "The mailbox is open again."})
    assert lifted.status_code == 200, lifted.json()
    assert lifted.json()["lifted_because"] == "The mailbox is open again."
    assert staff.post(url, {"reason": "Again."}).json()["code"] == "suppression-lifted"
    assert staff.get("notifications/suppressions?standing=true").json()["data"] == []
    actions = AuditEvent.objects.filter(action__startswith="notifications.address").values_list("action", flat=True)
    assert sorted(actions) == ["notifications.address.lifted", "notifications.address.suppressed"]

    delivery_retry(acting_user=alice, delivery_id=held.pk, at=AT)
    delivery_send_due(at=AT)
    held.refresh_from_db()
    assert (held.status, len(smtp.messages)) == ("sent", 1)


def test_complaints_and_hard_bounces_of_providers_hold_back_soft_ones_do_not(smtp: Mailbox, alice: User) -> None:
    sent = tell(alice)

    def event(kind: str, **said: Any) -> None:
        one = AnymailTrackingEvent(event_type=kind, message_id=sent.provider_id, event_id=uuid.uuid4().hex, **said)
        tracking.send(sender=object, event=one, esp_name="Postmark")

    event("bounced", reject_reason="timed_out")
    assert not Suppression.objects.exists()
    event("complained")
    event("bounced", reject_reason="invalid")
    assert [(row.reason, row.recipient_id) for row in Suppression.objects.all()] == [("complaint", alice.pk)]


def test_staff_find_the_address_and_lift_it_on_its_page(smtp: Mailbox, alice: User) -> None:
    early = tell(alice)
    delivery_report(report=Report("smtp", "1", early.provider_id, "bounced", "550 5.1.1", "bounce"), at=AT)
    row = Suppression.objects.get()
    client = Client()
    client.force_login(user_make("notifications.view", "notifications.manage", "backoffice.dashboard"))
    listed = client.get("/admin/notifications/suppression/?held=yes").content.decode()
    assert alice.email in listed
    page = f"/admin/notifications/suppression/{row.pk}/"
    assert "Write to it again?" in client.get(f"{page}change/").content.decode()
    assert "Say why." in client.post(f"{page}lift/", {"reason": " "}, follow=True).content.decode()
    said = client.post(f"{page}lift/", {"reason": "Opened again"}, follow=True).content.decode()
    assert "The address is written to again." in said
    row.refresh_from_db()
    assert row.lifted_because == "Opened again"


def test_old_notifications_go_with_their_deliveries_and_what_waits_stays(smtp: Mailbox, alice: User) -> None:
    old, waiting, fresh = tell(alice), tell(alice), tell(alice, AT + dt.timedelta(days=2))
    Delivery.objects.filter(pk=waiting.pk).update(status="queued")
    delivery_report(report=Report("smtp", "1", old.provider_id, "delivered"), at=AT)

    counts = purge(before=AT + dt.timedelta(days=1), at=AT)

    assert counts == {"notifications": 1, "deliveries": 1, "reports": 1}
    left = set(Notification.objects.values_list("pk", flat=True))
    assert left == {waiting.notification_id, fresh.notification_id}
    assert not DeliveryEvent.objects.exists()
    assert AuditEvent.objects.get(action="notifications.purged").after["notifications"] == 1
    assert purge(before=AT + dt.timedelta(days=1), at=AT) == {"notifications": 0, "deliveries": 0, "reports": 0}
    assert kind_of("notifications.purge").check({"business_date": "2026-01-31"}) == {"business_date": "2026-01-31"}
