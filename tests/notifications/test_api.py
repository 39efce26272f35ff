"""One's own notifications over HTTP, and nobody else's."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from apps.core import clock
from apps.core.notices import notify
from apps.identity.models import User
from apps.notifications.models import Delivery, Notification
from apps.notifications.services import delivery_send_due
from tests.factories.identity import BranchFactory, UserFactory, user_make
from tests.notifications.kinds import APPROVED, AT, EVERYWHERE, SAMPLE

pytestmark = pytest.mark.django_db


def tell(user: User, count: int = 1, kind: Any = APPROVED) -> list[Any]:
    return [
        notify(kind, recipients=[user.pk], context=SAMPLE, at=AT + dt.timedelta(minutes=number), link="/admin/")[0]
        for number in range(count)
    ]


@pytest.fixture
def mine(api: Any, alice: User) -> Any:
    return api.as_user(alice)


def test_the_list_is_ones_own_newest_first(mine: Any, alice: User) -> None:
    ids = tell(alice, 3)
    tell(UserFactory())

    page = mine.get("notifications?limit=2").json()

    assert [one["id"] for one in page["data"]] == [str(ids[2]), str(ids[1])]
    assert page["has_more"]
    rest = mine.get(f"notifications?limit=2&cursor={page['next_cursor']}").json()
    assert [one["id"] for one in rest["data"]] == [str(ids[0])]
    assert page["data"][0] == {
        "id": str(ids[2]),
        "kind": "tests.loan_approved",
        "title": "Your Harvest loan is approved",
        "body": "Harvest loan: 125,000.50 KES approved",
        "link": "/admin/",
        "created_at": "2026-03-02T09:02:00Z",
        "read_at": None,
    }


def test_the_list_costs_the_same_for_one_and_for_many(mine: Any, alice: User, django_assert_num_queries: Any) -> None:
    mine.get("notifications")
    for count in (1, 20):
        tell(alice, count)
        with django_assert_num_queries(1):
            mine.get("notifications")


def test_filters(mine: Any, alice: User) -> None:
    first, _ = tell(alice, 2)
    tell(alice, kind=EVERYWHERE)
    mine.post(f"notifications/{first}/read")

    def found(query: str) -> int:
        return len(mine.get(f"notifications?{query}").json()["data"])

    assert [found("unread=true"), found("unread=false"), found("kind=tests.everywhere"), found("kind=no")] == [
        2,
        1,
        1,
        0,
    ]
    assert mine.get("notifications?unread=yes").status_code == 400


def test_reading_one_counts_once(mine: Any, alice: User) -> None:
    first, _ = tell(alice, 2)

    with clock.frozen(AT):
        answers = [mine.post(f"notifications/{first}/read").json() for _ in range(2)]

    assert [one["read_at"] for one in answers] == ["2026-03-02T09:00:00Z"] * 2
    assert mine.get("notifications/unread").json() == {"unread": 1}


def test_reading_all_leaves_what_comes_meanwhile(mine: Any, alice: User) -> None:
    tell(alice, 3)
    other = UserFactory()
    tell(other)

    with clock.frozen(AT + dt.timedelta(minutes=1)):
        assert mine.post("notifications/read").json() == {"read": 2}

    assert mine.get("notifications/unread").json() == {"unread": 1}
    assert Notification.objects.filter(recipient=other, read_at__isnull=True).exists()


def test_the_number_is_sent_only_when_it_changed(mine: Any, alice: User) -> None:
    def ask(tag: str | None) -> Any:
        return mine.get("notifications/unread", headers={"If-None-Match": tag})

    none = ask(None)
    assert (none.json(), none["Cache-Control"]) == ({"unread": 0}, "private, no-cache")
    assert ask(none["ETag"]).status_code == 304

    (first,) = tell(alice)
    one = ask(none["ETag"])
    assert one.json() == {"unread": 1}
    assert (ask(one["ETag"]).status_code, ask(one["ETag"]).content) == (304, b"")

    mine.post(f"notifications/{first}/read")
    assert ask(one["ETag"]).json() == {"unread": 0}
    assert ask(none["ETag"]).status_code == 200, "it is not the state of before"


@pytest.mark.parametrize(("method", "path"), [("get", "notifications/{}"), ("post", "notifications/{}/read")])
def test_anothers_notification_does_not_exist(mine: Any, method: str, path: str) -> None:
    (foreign,) = tell(UserFactory())

    response = getattr(mine, method)(path.format(foreign))

    assert (response.status_code, response.json()["code"]) == (404, "not-found")
    assert not Notification.objects.filter(read_at__isnull=False).exists()


def test_what_was_switched_off_in_the_app_is_not_listed(mine: Any, alice: User) -> None:
    wish = {"kind": APPROVED.code, "channel": "in_app", "mode": "off"}
    assert mine.patch("notifications/preferences", {"preferences": [wish]}).status_code == 200

    tell(alice)

    assert mine.get("notifications").json()["data"] == []
    assert mine.get("notifications/unread").json() == {"unread": 0}


def preference(mine: Any, kind: str, channel: str) -> dict[str, Any]:
    rows = mine.get("notifications/preferences").json()["preferences"]
    (found,) = [row for row in rows if (row["kind"], row["channel"]) == (kind, channel)]
    return found


def test_preferences_show_what_holds_and_change(mine: Any) -> None:
    assert preference(mine, APPROVED.code, "email")["mode"] == "now"
    assert preference(mine, APPROVED.code, "sms")["mode"] == "off"
    assert preference(mine, EVERYWHERE.code, "email")["is_fixed"]

    wishes = [
        {"kind": APPROVED.code, "channel": "email", "mode": "digest"},
        {"kind": APPROVED.code, "channel": "sms", "mode": "now"},
    ]
    for _ in range(2):
        assert mine.patch("notifications/preferences", {"preferences": wishes}).status_code == 200

    assert preference(mine, APPROVED.code, "email")["mode"] == "digest"
    assert preference(mine, APPROVED.code, "sms")["mode"] == "now"


@pytest.mark.parametrize(
    ("wish", "status", "code", "pointer"),
    [
        ({"kind": "notifications.digest", "channel": "sms", "mode": "now"}, 400, "validation-failed", None),
        ({"kind": "no.such", "channel": "sms", "mode": "off"}, 400, "validation-failed", "/preferences/0/kind"),
        ({"kind": APPROVED.code, "channel": "no", "mode": "off"}, 400, "validation-failed", "/preferences/0/channel"),
        ({"kind": APPROVED.code, "channel": "sms", "mode": "digest"}, 400, "validation-failed", "/preferences/0/mode"),
        ({"kind": EVERYWHERE.code, "channel": "email", "mode": "off"}, 422, "notification-channel-fixed", None),
        ({"kind": APPROVED.code, "channel": "sms", "mode": "off", "u": 1}, 400, "validation-failed", None),
    ],
    ids=["lent", "kind", "channel", "digest", "fixed", "field"],
)  # fmt: skip
def test_wishes_that_cannot_be_are_refused(mine: Any, wish: Any, status: int, code: str, pointer: str | None) -> None:
    response = mine.patch("notifications/preferences", {"preferences": [wish]})

    assert (response.status_code, response.json()["code"]) == (status, code)
    if pointer:
        assert response.json()["errors"][0]["pointer"] == pointer
    assert preference(mine, APPROVED.code, "sms")["mode"] == "off"


def test_quiet_hours(mine: Any) -> None:
    assert mine.get("notifications/rhythm").json() == {"quiet_from": None, "quiet_to": None, "digest_time": "08:00"}
    wanted = {"quiet_from": "22:00", "quiet_to": "06:30", "digest_time": "07:15"}

    assert mine.put("notifications/rhythm", wanted).json() == wanted
    assert mine.get("notifications/rhythm").json() == wanted


@pytest.mark.parametrize(
    "body",
    [
        {"quiet_from": "22:00", "quiet_to": None, "digest_time": "08:00"},
        {"quiet_from": "24:00", "quiet_to": "06:00", "digest_time": "08:00"},
        {"quiet_from": 22, "quiet_to": "06:00", "digest_time": "08:00"},
        {"quiet_from": None, "quiet_to": None},
    ],
    ids=["one end", "no hour", "number", "missing"],
)
def test_quiet_hours_that_are_none_are_refused(mine: Any, body: Any) -> None:
    assert mine.put("notifications/rhythm", body).status_code == 400


def test_staff_see_deliveries_of_their_reach(api: Any, smtp: Any, alice: User) -> None:
    east = BranchFactory()
    local = UserFactory(branch=east)
    tell(alice), tell(local)
    delivery_send_due(at=AT)

    def seen(scope: str, **options: Any) -> list[str]:
        client = api.as_user(user_make("notifications.view", scope=scope, **options))
        return sorted(one["address"] for one in client.get("notifications/deliveries").json()["data"])

    assert seen("all") == sorted([alice.email, local.email])
    assert seen("branch", branch=east) == [local.email]
    assert seen("branch") == seen("own") == []


def test_deliveries_are_filtered_and_cost_one_query(api_with: Any, alice: User, django_assert_num_queries: Any) -> None:
    client = api_with("notifications.view")
    tell(alice, 5, EVERYWHERE)
    client.get("notifications/deliveries")

    with django_assert_num_queries(1):
        page = client.get("notifications/deliveries?channel=sms&status=queued").json()

    assert len(page["data"]) == 5
    assert client.get("notifications/deliveries?status=sent").json()["data"] == []
    assert client.get("notifications/deliveries?channel=pigeon").status_code == 400


def test_staff_send_again_what_failed(api_with: Any, alice: User) -> None:
    tell(alice)
    delivery = Delivery.objects.get()
    path = f"notifications/deliveries/{delivery.pk}"
    keeper = api_with("notifications.manage", "notifications.view")
    assert keeper.post(f"{path}/retry").json()["code"] == "delivery-not-failed"
    Delivery.objects.update(status="bounced", error="550 no", attempts=3)

    answer = keeper.post(f"{path}/retry")

    assert (answer.status_code, answer.json()["status"], answer.json()["attempts"]) == (200, "queued", 0)
    assert keeper.get(path).json()["error"] == ""
    assert api_with("notifications.view").post(f"{path}/retry").status_code == 403


def test_staff_who_may_not_see_a_delivery_do_not_send_it_again(api_with: Any, alice: User) -> None:
    tell(alice)
    Delivery.objects.update(status="failed")
    path = f"notifications/deliveries/{Delivery.objects.get().pk}/retry"

    assert api_with("notifications.manage", "notifications.view", scope="own").post(path).status_code == 404
