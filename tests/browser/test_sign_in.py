"""A second factor, from setting it up to signing in with it, as staff do it in a browser."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

import pytest

from apps.core import clock
from apps.identity.otp import totp_code
from apps.identity.services import challenge_begin
from tests.browser.conftest import Scene, Visitor
from tests.factories.identity import PASSWORD, user_make

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 390)])
def test_a_second_factor_is_set_up_and_asked_for(
    visit: Callable[..., Visitor], scene: Scene, theme: str, width: int
) -> None:
    visitor = visit(theme=theme, width=width)
    page = visitor.page
    visitor.go("/admin/security/")
    page.fill("input[name=name]", "My phone")
    page.click("button[value=totp]")
    page.wait_for_selector(".nm-qr svg")
    assert page.locator(".nm-qr svg").bounding_box()["width"] > 100
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing sticks out"
    secret = page.inner_text("[data-secret]")
    page.fill("input[name=code]", totp_code(secret, int(time.time())))
    page.keyboard.press("Enter")
    page.wait_for_selector(".nm-codes")
    codes = page.locator(".nm-codes li").all_inner_texts()
    assert len(codes) == 10

    # Somebody else's browser knows the password alone.
    page.context.clear_cookies()
    page.goto(f"{scene.url}/admin/")
    page.fill("input[name=username]", scene.email)
    page.fill("input[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{scene.url}/admin/login/second-step/")
    page.goto(f"{scene.url}/admin/")
    assert "/admin/login/" in page.url
    page.goto(f"{scene.url}/admin/login/second-step/")
    # The code that was shown a moment ago is used up; the next one is good already.
    page.fill("input[name=code]", totp_code(secret, int(time.time()) + 30))
    page.keyboard.press("Enter")
    page.wait_for_url(f"{scene.url}/admin/")
    assert page.inner_text("h1, .nm-crumbs").strip()


@pytest.fixture
def invited(scene: Scene) -> tuple[str, str]:
    """Somebody new: e-mail address, and the address of the page behind the link."""
    user = user_make("backoffice.dashboard", email=f"{uuid.uuid4().hex}@example.com")
    token = challenge_begin(user=user, purpose="reset", at=clock.now()).token
    return user.email, f"{scene.url}/account/password?token={token}"


def test_a_password_is_set_by_the_link_of_a_message(
    invited: tuple[str, str], visit: Callable[..., Visitor], scene: Scene
) -> None:
    """The page hides its address from others, not from us: else Django would take the form for a stranger's."""
    page, (email, link), phrase = visit().page, invited, "A good phrase of mine 7"
    page.context.clear_cookies()
    page.goto(link)
    for name in ("password", "password_again"):
        page.fill(f"input[name={name}]", phrase)
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Your password is set")
    page.goto(f"{scene.url}/admin/")
    page.fill("input[name=username]", email)
    page.fill("input[name=password]", phrase)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{scene.url}/admin/")
