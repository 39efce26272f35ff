"""What does not fit a small window is in sight or reached by keys, and axe-core finds nothing there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import expect

from tests.browser.conftest import Scene, Visitor

pytestmark = pytest.mark.browser

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def test_what_does_not_fit_is_reached_by_keys(visit: Callable[..., Visitor], scene: Scene) -> None:
    visitor = visit(width=320, height=900, theme="dark")
    for tab in ("history", "transactions", "standing"):
        visitor.go(reverse(f"admin:accounts_account_{tab}", args=[scene.account.pk]))
        expect(visitor.page.locator(".nm-tabs [aria-current]")).to_be_in_viewport()
        found = Axe().run(visitor.page, options={"runOnly": WCAG}).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], tab
    visitor.page.set_viewport_size({"width": 200, "height": 900})
    visitor.go(reverse("admin:accounts_account_transactions", args=[scene.account.pk]))
    box = visitor.page.locator(".nm-scroll").first
    expect(box).to_have_attribute("aria-label", "Table")
    box.focus()
    visitor.page.keyboard.press("ArrowRight")
    visitor.page.wait_for_function("document.querySelector('.nm-scroll').scrollLeft > 0")
