"""A server on the test database with real commits, a bank of its own numbers in it, and Chromium in front.

The append-only tables refuse to be emptied, so nothing is cleaned up: every run brings new members and accounts.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import Account
from apps.core import clock
from apps.identity.models import Branch
from apps.ledger.sealing import journal_seal_all
from tests.backoffice.conftest import EVERYTHING
from tests.factories.accounts import AccountFactory, ProductFactory, cash_move
from tests.factories.identity import PASSWORD, user_make
from tests.factories.members import MemberFactory

CHROMIUM = Path("/usr/bin/chromium")
PATIENCE_MS = 90_000
"""How long a page may take: a busy machine is no fault of it."""
expect.set_options(timeout=PATIENCE_MS)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Scene:
    """What the browser finds: an account with 30 movements, its member's unusual name, and who looks."""

    url: str
    email: str
    name: str
    account: Account


@dataclass
class Visitor:
    """A page signed in as staff. `said` holds whatever the console, the page or the network complained of."""

    page: Page
    url: str
    said: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(self.url + path)
        self.page.wait_for_function("window.Alpine !== undefined")


@pytest.fixture
def scene(committed_db: None) -> Iterator[Scene]:
    word = "".join(chr(ord("a") + int(digit, 16)) for digit in uuid.uuid4().hex[:10]).capitalize()
    branch = Branch.objects.create(code=word.upper(), name=f"{word} branch")
    member = MemberFactory(branch=branch, first_name="Amani", last_name=word)
    product = ProductFactory(name="Everyday account")
    account = AccountFactory(member=member, product=product)
    cash_move(account, "50000.00", description="Salary, Acme Ltd")
    for number in range(29):
        cash_move(account, f"-{number + 1}0.00", description=f"Groceries {number + 1}")
    journal_seal_all(at=clock.now())
    email = f"{word.lower()}@example.com"
    user_make(*EVERYTHING, email=email, full_name="Browser Staff", branch=branch)
    server = LiveServer("127.0.0.1")
    yield Scene(server.url, email, f"Amani {word}", account)
    server.stop()


@pytest.fixture
def chromium(scene: Scene) -> Iterator[Browser]:
    """Opened after the data was made and closed before the database is: while it runs, Django sees an event loop."""
    if not CHROMIUM.exists():
        pytest.fail("browser tests need Chromium: apt-get install chromium, or leave them out with -m 'not browser'")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser, scene: Scene) -> Iterator[Callable[..., Visitor]]:
    """`visit(width=390, theme="dark")`: signed in, in a new profile. At the end nothing may have been complained of."""
    contexts: list[BrowserContext] = []
    visitors: list[Visitor] = []

    def make(*, width: int = 1440, height: int = 1000, theme: str = "light") -> Visitor:
        context = chromium.new_context(viewport={"width": width, "height": height}, locale="en-GB")
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        visitor = Visitor(page, scene.url)
        visitors.append(visitor)
        page.on("console", lambda message: _note(visitor, message.type, message.text))
        page.on("pageerror", lambda error: visitor.said.append(str(error)))
        page.on("request", lambda request: _note_foreign(visitor, request.url))
        page.add_init_script(f"localStorage.setItem('adminTheme', '\"{theme}\"')")
        page.goto(f"{scene.url}/admin/")
        page.fill("input[name=username]", scene.email)
        page.fill("input[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{scene.url}/admin/")
        return visitor

    yield make
    for context in contexts:
        context.close()
    assert [line for visitor in visitors for line in visitor.said] == []


def _note(visitor: Visitor, kind: str, text: str) -> None:
    if kind in {"error", "warning"}:
        visitor.said.append(text)


def _note_foreign(visitor: Visitor, url: str) -> None:
    if not url.startswith((visitor.url, "data:", "blob:")):
        visitor.said.append(f"fetched from outside: {url}")
