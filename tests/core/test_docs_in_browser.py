"""The API's page in a real browser, under the strict policy that it is served with."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import sync_playwright
from pytest_django.live_server_helper import LiveServer

pytestmark = pytest.mark.browser


@pytest.fixture
def server(committed_db: None) -> Iterator[str]:
    running = LiveServer("127.0.0.1")
    yield running.url
    running.stop()


def test_the_docs_render_and_work_without_a_word_in_the_console(server: str) -> None:
    said: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("requestfailed", lambda request: said.append(request.url))
        page.goto(f"{server}/api/v1/docs")
        page.locator("#operations-tag-health button.expand-operation").click()
        page.locator("#operations-health-health_live_retrieve button.opblock-summary-control").click()
        page.get_by_text("Try it out").first.click()
        page.get_by_text("Execute").first.click()
        page.locator(".live-responses-table").wait_for()
        assert '"status": "ok"' in page.locator(".live-responses-table").inner_text()
        page.goto(f"{server}/api/v1/docs/errors#not-found")
        assert page.locator("article:target code").inner_text() == "not-found"
        browser.close()
    assert said == []
