"""The counter in Chromium, by keyboard alone: open the till, take cash, pay cash, count."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.factories.identity import PASSWORD
from tests.payments.tills import SUPERVISOR, TELLER, Counter

pytestmark = pytest.mark.browser


@pytest.fixture
def counter(committed_db: None) -> Counter:
    counter = Counter()
    counter.teller = counter.user(*TELLER, *SUPERVISOR, "members.view", "backoffice.dashboard")
    return counter


@pytest.fixture
def page(counter: Counter) -> Iterator[Page]:
    server = LiveServer("127.0.0.1")
    if not CHROMIUM.exists():
        pytest.fail("browser tests need Chromium: apt-get install chromium, or leave them out with -m 'not browser'")
    said: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        page = browser.new_page(viewport={"width": 390, "height": 800}, locale="en-GB")
        page.on("console", lambda line: said.append(line.text) if line.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.add_init_script("localStorage.setItem('adminTheme', '\"dark\"')")
        page.goto(f"{server.url}/admin/till/")
        page.fill("input[name=username]", counter.teller.user.email)  # type: ignore[union-attr]
        page.fill("input[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_selector("select[name=till]")
        yield page
        browser.close()
    server.stop()
    assert said == []


def narrow(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, page.url


def test_a_tellers_day_without_a_mouse_on_a_phone_in_the_dark(counter: Counter, page: Page) -> None:
    keys = page.keyboard
    expect(page.locator("select[name=till]")).to_be_focused()
    narrow(page)
    page.locator("select[name=till]").press("Tab")
    keys.press("Enter")  # an empty drawer
    page.wait_for_selector("text=Cash up")
    narrow(page)
    keys.press("Enter")  # the link to the cash screen has the focus
    page.wait_for_url("**/admin/counter/")
    keys.type(counter.account.number)
    keys.press("Enter")
    page.wait_for_url("**/admin/counter/?account=*")
    narrow(page)
    expect(page.locator("input[name=amount]")).to_be_focused()
    keys.press("Tab")  # the summary of the notes
    keys.press("Enter")
    keys.press("Tab")
    keys.type("3")  # of the largest note
    expect(page.locator("input[name=amount]")).to_have_value("3000.00")
    expect(page.locator("[data-pieces-sum]")).to_have_text("3,000.00")
    keys.press("Enter")
    page.wait_for_selector("text=Balance after it")
    narrow(page)
    keys.press("Escape")
    expect(page.locator("input[name=amount]")).to_have_value("3000.00")
    keys.press("Enter")
    page.wait_for_selector("text=Balance after it")
    keys.press("Enter")
    page.wait_for_url("**/receipt/**")
    expect(page.locator(".nm-receipt")).to_contain_text("KES 3,000.00")
    narrow(page)
    keys.press("Enter")
    page.wait_for_url("**/admin/counter/")
    keys.type("Alice")
    keys.press("Enter")
    page.wait_for_url("**/admin/counter/?account=*")
    keys.press("-")
    keys.type("1000")
    keys.press("Enter")
    page.wait_for_selector("text=Balance after it")
    expect(page.locator("body")).to_contain_text("Pay out")
    keys.press("Enter")
    page.wait_for_url("**/receipt/**")
    page.goto(page.url.split("/admin/")[0] + "/admin/till/")
    expect(page.locator(".nm-kpi-main")).to_contain_text("KES 2,000.00")
    page.locator("input[name=piece_100000]").focus()
    keys.type("2")
    keys.press("Enter")
    page.wait_for_selector("text=Counted and closed.")
