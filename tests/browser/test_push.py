"""A push message in a real browser: the worker of the site shows it and opens what it is about.

A push service is somewhere on the internet; here the message reaches the worker as the browser itself would hand it
over, decrypted. What comes before that, from the bank to the browser's keys, is in tests/notifications/test_push.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from apps.core.ids import uuid7
from apps.notifications.channels import Message
from apps.notifications.channels._webpush import payload_make
from tests.browser.conftest import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]

REGISTER = """async (path) => {
  const registration = await navigator.serviceWorker.register(path);
  const worker = registration.installing || registration.waiting || registration.active;
  if (worker.state !== "activated")
    await new Promise((done) => worker.addEventListener("statechange", () => worker.state === "activated" && done()));
}"""
SHOWN = """async (path) => {
  const registration = await navigator.serviceWorker.getRegistration(path);
  const shown = await registration.getNotifications();
  return shown.map((one) => ({ title: one.title, body: one.body, tag: one.tag, link: one.data.link }));
}"""


def push(page: Page, origin: str, payload: str) -> None:
    """Hand a push message to the site's worker, as Chromium does when its push service has one."""
    session = page.context.new_cdp_session(page)
    known: list[Any] = []
    session.on("ServiceWorker.workerRegistrationUpdated", lambda event: known.extend(event["registrations"]))
    session.send("ServiceWorker.enable")
    page.wait_for_function("() => true")
    session.send(
        "ServiceWorker.deliverPushMessage",
        {"origin": origin, "registrationId": known[-1]["registrationId"], "data": payload},
    )
    session.detach()


def test_the_worker_shows_what_was_pushed(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    page = visitor.page
    page.context.grant_permissions(["notifications"], origin=visitor.url)
    path = f"{visitor.url}/static/notifications/push-worker.js"
    page.evaluate(REGISTER, path)
    message = Message(uuid7(), "Phone", "Your loan is approved", "Harvest loan: 125,000.50 KES", link="/admin/jobs/")

    push(page, visitor.url, payload_make(message).decode())
    push(page, visitor.url, payload_make(message).decode())
    push(page, visitor.url, "torn {")

    page.wait_for_function(f"async () => (await ({SHOWN})('{path}')).length > 0")
    assert page.evaluate(SHOWN, path) == [
        {
            "title": "Your loan is approved",
            "body": "Harvest loan: 125,000.50 KES",
            "tag": str(message.id),
            "link": "/admin/jobs/",
        }
    ]
