"""The bell, with real keys and a real screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apps.core import clock
from apps.core.notices import notify
from apps.identity.models import User
from tests.browser.conftest import Scene, Visitor
from tests.notifications.kinds import APPROVED, SAMPLE

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def told(scene: Scene) -> None:
    """Whoever looks was told two things, before the browser opened."""
    user = User.objects.get(email=scene.email)
    User.objects.filter(pk=user.pk).update(is_superuser=True)
    for _ in range(2):
        notify(APPROVED, recipients=[user.pk], context=SAMPLE, at=clock.now(), link="/admin/members/member/")


def test_the_bell_by_keyboard(told: Any, visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    page = visitor.page
    bell = page.get_by_role("button", name="Notifications, 2 unread")
    bell.wait_for()
    assert page.locator("[data-bell-badge]").inner_text() == "2"

    bell.focus()
    page.keyboard.press("Enter")
    panel = page.get_by_role("region", name="Notifications")
    panel.wait_for()
    assert panel.get_by_role("listitem").count() == 2
    assert "New: Your Harvest loan is approved" in panel.inner_text().replace("\n", " ")
    page.keyboard.press("Escape")
    panel.wait_for(state="hidden")
    assert bell.evaluate("node => node === document.activeElement")

    page.keyboard.press("Enter")
    panel.get_by_role("link", name="Your Harvest loan is approved").first.click()
    page.wait_for_url("**/admin/members/member/")
    page.get_by_role("button", name="Notifications, 1 unread").wait_for()


@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1440, "light")])
def test_all_are_marked_as_read(
    told: Any, visit: Callable[..., Visitor], width: int, theme: str, tmp_path: Any
) -> None:
    visitor = visit(width=width, theme=theme)
    page = visitor.page
    page.get_by_role("button", name="Notifications, 2 unread").click()
    box = page.locator("#nm-bell-panel").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width

    page.get_by_role("button", name="Mark all as read").click()
    page.get_by_role("button", name="Notifications", exact=True).wait_for()
    assert page.locator("[data-bell-badge]").is_hidden()


def test_choices_and_words_are_usable_on_a_phone(told: Any, visit: Callable[..., Visitor]) -> None:
    visitor = visit(width=390, height=844, theme="dark")
    for path in (
        "/admin/notifications/notification/",
        "/admin/notifications/notification/preferences/",
        "/admin/notifications/template/words/tests.loan_approved/email/en/",
    ):
        visitor.go(path)
        assert visitor.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
