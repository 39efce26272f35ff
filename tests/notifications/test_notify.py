"""From an event to rows: who is told, by what, when; once; and only if the event itself is kept."""

from __future__ import annotations

import contextlib
import datetime as dt
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction

from apps.core.notices import EMAIL, IN_APP, PUSH, SMS, notify
from apps.identity.models import User
from apps.notifications import services, tasks
from apps.notifications.models import Delivery, Notification, PushSubscription
from apps.notifications.services import Wish, preference_set_many, rhythm_set
from tests.factories.identity import UserFactory
from tests.notifications.kinds import APPROVED, AT, EVERYWHERE, SAMPLE, URGENT


def tell(user: User, kind: Any = APPROVED, **options: Any) -> list[Any]:
    return notify(kind, recipients=[user.pk], context=SAMPLE, **{"at": AT, **options})


def channels() -> list[str]:
    return sorted(Delivery.objects.values_list("channel", flat=True))


def choose(user: User, kind: str, channel: str, mode: str) -> None:
    preference_set_many(acting_user=user, wishes=[Wish(kind, channel, mode)])


def browser_of(user: User, name: str = "a") -> PushSubscription:
    return PushSubscription.objects.create(
        user=user, endpoint=f"https://fcm.googleapis.com/{name}", p256dh="x", auth="y"
    )


def test_the_words_are_kept_as_they_were(alice: User) -> None:
    tell(alice, link="/admin/")

    row = Notification.objects.get()
    assert (row.title, row.body) == ("Your Harvest loan is approved", "Harvest loan: 125,000.50 KES approved")
    assert row.context["amount"] == [12_500_050, "KES"]
    assert (row.link, row.in_app, row.read_at) == ("/admin/", True, None)
    assert channels() == [EMAIL]


def test_each_channel_and_each_browser_has_a_delivery_of_its_own(alice: User) -> None:
    browser_of(alice), browser_of(alice, "b")

    tell(alice, EVERYWHERE)

    assert channels() == [EMAIL, PUSH, PUSH, SMS]


def test_a_channel_without_an_address_is_left_out(db: None) -> None:
    tell(UserFactory(phone=""), EVERYWHERE)

    assert channels() == [EMAIL]


def test_inactive_users_are_told_nothing(db: None) -> None:
    assert tell(UserFactory(is_active=False)) == []
    assert not Notification.objects.exists()


def test_the_same_key_reaches_a_person_once_for_each_kind(alice: User) -> None:
    assert len(tell(alice, key="loan 1")) == 1
    assert tell(alice, key="loan 1") == []
    assert len(tell(alice, EVERYWHERE, key="loan 1")) == 1
    assert len(tell(UserFactory(), key="loan 1")) == 1
    assert Delivery.objects.filter(notification__kind=APPROVED.code).count() == 2


def test_without_a_key_each_call_tells_anew_and_a_person_named_twice_is_told_once(alice: User) -> None:
    ids = notify(APPROVED, recipients=[alice.pk, alice.pk], context=SAMPLE, at=AT)
    again = tell(alice)

    assert len(ids) == len(again) == 1


def test_what_is_undone_tells_nobody(alice: User) -> None:
    with contextlib.suppress(RuntimeError), transaction.atomic():
        tell(alice)
        raise RuntimeError
    assert not Notification.objects.exists()


def test_delivery_begins_after_the_commit_and_one_message_wakes_for_all(
    db: None, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(tasks.deliver_due, "apply_async", lambda **_: sent.append("woken"))
    people = [UserFactory().pk for _ in range(services.BATCH + 1)]
    cache.delete(tasks.WOKEN)

    with django_capture_on_commit_callbacks(execute=True):
        notify(APPROVED, recipients=people, context=SAMPLE, at=AT)
        assert sent == []
    with django_capture_on_commit_callbacks(execute=True):
        notify(APPROVED, recipients=people[:1], context=SAMPLE, at=AT)
    assert sent == ["woken"], "the second is seen by the worker that the first has woken"

    with django_capture_on_commit_callbacks(execute=True):
        tasks.deliver_due()  # as the worker: takes the mark away, finds a full batch and wakes a second worker
    assert sent == ["woken", "woken"]
    assert not Delivery.objects.filter(status="queued").exists()
    cache.delete(tasks.WOKEN)


def test_preferences_decide(alice: User) -> None:
    choose(alice, APPROVED.code, EMAIL, "off")
    choose(alice, APPROVED.code, IN_APP, "off")
    choose(alice, APPROVED.code, SMS, "now")

    tell(alice)

    assert channels() == [SMS]
    assert not Notification.objects.get().in_app


def test_what_is_fixed_comes_whatever_was_once_chosen(alice: User) -> None:
    from apps.notifications.models import Preference

    Preference.objects.create(user=alice, kind=EVERYWHERE.code, channel=EMAIL, mode="off")

    tell(alice, EVERYWHERE)

    assert EMAIL in channels()


def test_quiet_hours_hold_messages_but_not_urgent_ones(alice: User) -> None:
    rhythm_set(acting_user=alice, quiet_from=dt.time(22), quiet_until=dt.time(7), digest_at=dt.time(8))
    night = dt.datetime(2026, 3, 2, 20, 30, tzinfo=dt.UTC)  # 23:30 in Nairobi

    tell(alice, at=night)
    tell(alice, URGENT, at=night)

    due = dict(Delivery.objects.values_list("notification__kind", "due_at"))
    assert due == {APPROVED.code: dt.datetime(2026, 3, 3, 4, 0, tzinfo=dt.UTC), URGENT.code: night}


def test_a_digest_waits_for_its_hour(alice: User) -> None:
    choose(alice, APPROVED.code, EMAIL, "digest")

    tell(alice)

    delivery = Delivery.objects.get()
    assert delivery.is_digest
    assert delivery.due_at == dt.datetime(2026, 3, 3, 5, 0, tzinfo=dt.UTC)  # 08:00 in Nairobi


@pytest.mark.parametrize("link", ["https://evil.example/", "//evil.example"])
def test_links_that_leave_the_site_are_refused(alice: User, link: str) -> None:
    with pytest.raises(ValueError, match="path of this site"):
        tell(alice, link=link)


def test_telling_a_thousand_costs_as_many_queries_as_telling_one(db: None, django_assert_num_queries: Any) -> None:
    people = [user.pk for user in UserFactory.create_batch(30)]

    for recipients in (people[:1], people):
        with django_assert_num_queries(5):  # savepoint, words, people, one insert, release
            notify(APPROVED, recipients=recipients, context=SAMPLE, at=AT)
