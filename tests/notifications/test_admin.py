"""Notifications on the staff site: the bell, one's choices, deliveries, the bank's words."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.audit.models import AuditEvent
from apps.core.notices import notify
from apps.identity.models import User
from apps.notifications.models import Delivery, Notification, Preference, PushSubscription, Rhythm, Template
from config.integrations.notifications import vapid_public_key
from tests.factories.identity import UserFactory, user_make
from tests.notifications.kinds import APPROVED, AT, EVERYWHERE, SAMPLE
from tests.notifications.test_push import Browser, b64, key_make

pytestmark = pytest.mark.django_db
WORDS = {"kind": APPROVED.code, "channel": "email", "locale": "en"}


def at(name: str, *args: object) -> str:
    return reverse(f"admin:notifications_{name}", args=args)


@pytest.fixture
def staff() -> Callable[..., tuple[Client, User]]:
    def make(*permissions: str, **options: Any) -> tuple[Client, User]:
        user = user_make(*permissions, **options)
        client = Client()
        client.force_login(user)
        return client, user

    return make


def tell(user: User, **options: Any) -> Notification:
    (pk,) = notify(APPROVED, recipients=[user.pk], context=SAMPLE, at=AT, **options)
    return Notification.objects.get(pk=pk)


def test_every_page_has_the_bell_and_asks_nothing_for_it(staff: Any) -> None:
    client, _ = staff()
    page = client.get("/admin/").content.decode()

    assert 'aria-label="Notifications"' in page
    assert at("notification_feed") in page
    assert "notifications/bell.js" in page


def test_the_feed_shows_ones_own_and_says_when_nothing_changed(staff: Any, django_assert_num_queries: Any) -> None:
    client, user = staff()
    tell(user)
    tell(UserFactory())

    answer = client.get(at("notification_feed"))

    assert answer.json()["unread"] == 1
    (item,) = answer.json()["items"]
    assert (item["title"], item["read"]) == ("Your Harvest loan is approved", False)
    with django_assert_num_queries(2):  # the user, and what the feed counts
        again = client.get(at("notification_feed"), headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_opening_marks_as_read_and_goes_there(staff: Any) -> None:
    client, user = staff()
    row = tell(user, link="/admin/members/member/")

    answer = client.get(at("notification_open", row.pk))

    assert answer.headers["Location"] == "/admin/members/member/"
    assert client.get(at("notification_feed")).json()["unread"] == 0


def test_anothers_notification_is_not_opened(staff: Any) -> None:
    client, _ = staff()
    row = tell(UserFactory(), link="/admin/members/member/")

    assert client.get(at("notification_open", row.pk)).headers["Location"] == at("notification_changelist")
    assert client.get(at("notification_change", row.pk)).status_code == 404
    row.refresh_from_db()
    assert row.read_at is None


def test_all_are_marked_as_read_by_a_form_only(staff: Any) -> None:
    client, user = staff()
    tell(user), tell(user)

    assert client.get(at("notification_read")).status_code == 405
    assert client.post(at("notification_read"), headers={"Accept": "application/json"}).status_code == 204
    assert client.get(at("notification_feed")).json()["unread"] == 0
    assert client.get(at("notification_changelist")).status_code == 200


def test_forms_need_their_token(staff: Any) -> None:
    _, user = staff()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)

    for name in ("notification_read", "notification_preferences", "notification_browsers"):
        assert strict.post(at(name)).status_code == 403


def test_choices_are_saved(staff: Any) -> None:
    client, user = staff()
    assert "A loan was approved" in client.get(at("notification_preferences")).content.decode()

    sent = {
        f"{APPROVED.code}:email": "digest",
        f"{EVERYWHERE.code}:email": "off",  # fixed: what the form does not offer is not taken
        "quiet_from": "22:00",
        "quiet_until": "07:00",
        "digest_at": "09:30",
        "language": "sw",
    }
    page = client.post(at("notification_preferences"), sent, follow=True)

    assert "Saved." in page.content.decode()
    assert list(Preference.objects.values_list("user", "kind", "channel", "mode")) == [
        (user.pk, APPROVED.code, "email", "digest")
    ]
    assert str(Rhythm.objects.get(user=user).quiet_until) == "07:00:00"
    user.refresh_from_db()
    assert user.locale == "sw"


def test_choices_that_cannot_be_are_explained(staff: Any) -> None:
    client, _ = staff()

    page = client.post(at("notification_preferences"), {f"{APPROVED.code}:sms": "digest"}, follow=True)

    assert "now, off or, by e-mail only, digest." in page.content.decode()
    assert not Preference.objects.exists()


def test_a_browser_is_subscribed_and_stopped(staff: Any, configured: Any, capsys: Any) -> None:
    client, user = staff()
    key = key_make(capsys)
    configured(
        PUSH={
            "backend": "webpush",
            "private_key": key,
            "public_key": vapid_public_key(key),
            "subject": "mailto:a@example.com",
            "hosts": ("fcm.googleapis.com",),
        }
    )
    browser = Browser("https://fcm.googleapis.com/fcm/send/1")
    sent = {"endpoint": browser.endpoint, "p256dh": b64(browser.point), "auth": b64(browser.secret), "device": "Linux"}

    def post(body: Any) -> Any:
        return client.post(at("notification_browsers"), json.dumps(body), content_type="application/json")

    assert post(sent).status_code == 204
    assert post({**sent, "endpoint": "https://169.254.169.254/"}).status_code == 422
    assert [post(body).status_code for body in ({}, [], {**sent, "auth": 1})] == [400, 400, 400]
    assert "Linux" in client.get(at("notification_preferences")).content.decode()

    row = PushSubscription.objects.get()
    assert row.user == user
    assert client.post(at("notification_browsers"), {"id": str(row.pk)}).status_code == 302
    row.refresh_from_db()
    assert row.ended_at is not None


def test_deliveries_are_found_and_sent_again(staff: Any) -> None:
    client, _ = staff("notifications.view", "notifications.manage")
    recipient = UserFactory()
    tell(recipient)
    Delivery.objects.update(status="failed", error="451 <b>later</b>", address=recipient.email)
    row = Delivery.objects.get()

    found = client.get(at("delivery_changelist"), {"q": recipient.email}).content.decode()
    assert "Your Harvest loan is approved" in found
    page = client.get(at("delivery_change", row.pk)).content.decode()
    assert "Send again" in page
    assert "451 &lt;b&gt;later&lt;/b&gt;" in page
    assert "queue again" in client.post(at("delivery_retry", row.pk), follow=True).content.decode()
    row.refresh_from_db()
    assert row.status == "queued"
    assert client.get(at("delivery_retry", row.pk)).status_code == 405


def test_deliveries_are_for_those_who_may(staff: Any) -> None:
    reader, _ = staff("notifications.view")
    nobody, _ = staff()
    tell(UserFactory())
    row = Delivery.objects.get()
    Delivery.objects.update(status="failed")

    assert reader.post(at("delivery_retry", row.pk)).status_code == 403
    assert [nobody.get(at(name)).status_code for name in ("delivery_changelist", "template_changelist")] == [403, 403]
    assert nobody.get(at("template_words", *WORDS.values())).status_code == 403


def test_the_list_of_deliveries_costs_the_same_for_one_and_for_many(
    staff: Any, django_assert_max_num_queries: Any
) -> None:
    client, _ = staff("notifications.view")
    for _ in range(20):
        tell(UserFactory())
    client.get(at("delivery_changelist"))

    with django_assert_max_num_queries(9):
        client.get(at("delivery_changelist"))


def test_words_are_shown_as_they_read(staff: Any) -> None:
    client, _ = staff("notifications.view")

    assert "tests.loan_approved" in client.get(at("template_changelist")).content.decode()
    page = client.get(at("template_words", *WORDS.values())).content.decode()
    assert "125,000.50 KES" in page
    assert "nm-mail-preview" in page
    assert "<form" not in page.split("words-form")[1].split("</section>")[0]
    for channel in ("sms", "push", "in_app"):
        url = at("template_words", APPROVED.code, channel, "sw")
        assert "Harvest loan" in client.get(url).content.decode()


@pytest.mark.parametrize(
    "where", [("no.such", "email", "en"), (APPROVED.code, "pigeon", "en"), (APPROVED.code, "sms", "x!")]
)
def test_words_that_do_not_exist(staff: Any, where: tuple[str, str, str]) -> None:
    client, _ = staff("notifications.view")

    assert client.get(at("template_words", *where)).status_code == 404


def test_the_bank_says_it_in_its_own_words_and_takes_them_back(staff: Any, monkeypatch: Any) -> None:
    client, user = staff("notifications.view", "notifications.manage")
    url = at("template_words", *WORDS.values())
    words = {"subject": "Good news, {recipient_name}", "text": "{product}\n\n<script>alert(1)</script>", "version": "0"}

    preview = client.post(url, {**words, "do": "preview"}).content.decode()
    assert "Good news, Alice Wanjiku" in preview
    assert "<script>alert" not in preview
    assert not Template.objects.exists()

    client.post(url, {**words, "do": "save"})
    row = Template.objects.get()
    assert (row.subject, row.version, row.history.get().history_user) == (words["subject"], 1, user)
    assert "version" in client.post(url, {**words, "do": "save"}).content.decode(), "somebody saved meanwhile"
    assert Template.objects.get().version == 1
    with monkeypatch.context() as patched:  # two write the first words at one moment
        patched.setattr("apps.notifications.services._templates.template_lock", lambda **_: None)
        assert "version" in client.post(url, {**words, "do": "save"}).content.decode()
    assert Template.objects.get().version == 1

    with CaptureQueriesContext(connection) as seen:
        client.post(url, {"do": "restore"})
    assert any("notifications_template" in one["sql"] and "FOR NO KEY UPDATE" in one["sql"] for one in seen)
    assert not Template.objects.exists()
    actions = AuditEvent.objects.filter(actor=user).order_by("id").values_list("action", flat=True)
    assert list(actions) == ["notifications.template.saved", "notifications.template.removed"]


@pytest.mark.parametrize("text", ["{nobody}", "{product.__class__}", "{% load x %}", "{", ""])
def test_words_with_anything_but_placeholders_are_refused(staff: Any, text: str) -> None:
    client, _ = staff("notifications.view", "notifications.manage")
    url = at("template_words", *WORDS.values())

    for do in ("save", "preview"):
        assert client.post(url, {"subject": "s", "text": text, "version": "0", "do": do}).status_code == 200
    assert not Template.objects.exists()


def test_words_are_changed_by_those_who_may(staff: Any) -> None:
    client, _ = staff("notifications.view")

    answer = client.post(at("template_words", *WORDS.values()), {"subject": "s", "text": "t", "version": "0"})

    assert answer.status_code == 403
    assert not Template.objects.exists()
