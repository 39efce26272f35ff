"""A loan in Chromium, on a phone in the dark: from the application to the payoff; pages no wider than the phone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import Account
from apps.identity.models import User
from tests.browser.conftest import CHROMIUM, FLAGS, PATIENCE_MS
from tests.factories.accounts import AccountFactory
from tests.factories.identity import PASSWORD, user_make
from tests.factories.lending import product_make
from tests.factories.members import MemberFactory
from tests.factories.postings import branch_new

pytestmark = pytest.mark.browser
SEES = ("lending.view", "members.view", "accounts.view", "backoffice.dashboard")


@dataclass
class Desk:
    """A member with money, a product, and two people of the bank."""

    account: Account
    product: str
    guarantor: str
    officer: User
    chief: User


@pytest.fixture
def desk(committed_db: None) -> Desk:
    branch = branch_new()
    account = AccountFactory(branch=branch, balance="50000.00")
    product = product_make()
    officer = user_make(
        *SEES, "lending.apply", "lending.disburse", "lending.repay", "lending.secure", branch=branch,
        email=f"{branch.code}a@example.com",
    )  # fmt: skip
    chief = user_make(*SEES, "lending.decide", branch=branch, email=f"{branch.code}b@example.com")
    return Desk(account, str(product.pk), MemberFactory(branch=branch).number, officer, chief)


@pytest.fixture
def chromium(desk: Desk) -> Iterator[tuple[Browser, str]]:
    server = LiveServer("127.0.0.1")
    if not CHROMIUM.exists():
        pytest.fail("browser tests need Chromium: apt-get install chromium, or leave them out with -m 'not browser'")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser, server.url
        browser.close()
    server.stop()


def signed_in(chromium: tuple[Browser, str], user: User, said: list[str], *, width: int) -> Page:
    browser, url = chromium
    page = browser.new_context(viewport={"width": width, "height": 900}, locale="en-GB", base_url=url).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.on("console", lambda line: said.append(line.text) if line.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.add_init_script("localStorage.setItem('adminTheme', '\"dark\"')")
    page.goto("/admin/")
    page.fill("input[name=username]", user.email)
    page.fill("input[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/admin/")
    return page


def looked_at(page: Page, name: str) -> None:
    """No wider than the phone; a picture of it where one is asked for."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), page.url
    if folder := os.environ.get("NUMINA_PICTURES"):
        page.screenshot(path=f"{folder}/lending_{name}.png", full_page=True)


def step(page: Page, name: str) -> None:
    page.click(f"button[name=step][value={name}]")
    page.wait_for_load_state()


def act(page: Page, loan: str, kind: str, amount: str) -> None:
    page.goto(f"/admin/loans/{loan}/act/{kind}/")
    looked_at(page, kind)
    page.fill("input[name=amount]", amount)
    page.press("input[name=amount]", "Enter")
    page.wait_for_selector("text=What will be posted")
    looked_at(page, f"{kind}_preview")
    page.press("button[value=post]", "Enter")
    page.wait_for_url("**/transactions/")


def test_from_the_application_to_the_payoff(desk: Desk, chromium: tuple[Browser, str]) -> None:
    said: list[str] = []
    officer = signed_in(chromium, desk.officer, said, width=390)
    officer.goto("/admin/loan-applications/new/")
    officer.fill("input[name=member]", desk.account.member.number)
    officer.press("input[name=member]", "Enter")
    officer.wait_for_url("**/new/?member=*")
    officer.select_option("select[name=product]", desk.product)
    officer.click("text=Begin")
    officer.wait_for_url("**/loanapplication/*/change/")
    page_of_it = re.sub(r"^https?://[^/]+", "", officer.url)
    officer.click("a[href$='/edit/']")
    officer.fill("input[name=amount]", "12,000.00")
    officer.fill("input[name=instalments]", "12")
    officer.select_option("select[name=account]", str(desk.account.pk))
    looked_at(officer, "application_form")
    officer.click("text=Save the draft")
    officer.wait_for_url(f"**{page_of_it}")
    step(officer, "submit")
    chief = signed_in(chromium, desk.chief, said, width=1280)
    chief.goto(page_of_it)
    looked_at(chief, "application")
    step(chief, "approve")
    officer.goto(page_of_it)
    step(officer, "accept")
    officer.wait_for_url("**/lending/loan/*/change/")
    loan = officer.url.rstrip("/").split("/")[-2]
    officer.goto(f"/admin/lending/forms/guarantor/{loan}/")
    for name, value in (("member", desk.guarantor), ("amount", "3,000.00")):
        officer.fill(f"input[name={name}]", value)
    officer.press("input[name=amount]", "Enter")
    officer.wait_for_url("**/lending/loan/*/change/")
    act(officer, loan, "disbursement", "12,000.00")
    act(officer, loan, "repayment", "1,066.19")
    officer.goto(f"/admin/lending/loan/{loan}/change/")
    looked_at(officer, "loan")
    officer.goto(f"/admin/lending/loan/{loan}/schedule/?explain=2")
    looked_at(officer, "schedule")
    chief.goto("/admin/portfolio/?by=officer")
    looked_at(chief, "portfolio")
    officer.goto("/admin/my-day/?whose=all")
    looked_at(officer, "my_day")
    for path in (f"lending/loan/{loan}/transactions/", f"lending/loan/{loan}/security/", "lending/creditline/"):
        officer.goto(f"/admin/{path}")
        looked_at(officer, path.split("/")[-2])
    officer.goto(f"/admin/loans/{loan}/act/payoff/")
    total = officer.inner_text(".nm-figure").removeprefix("KES").strip()
    act(officer, loan, "payoff", total)
    officer.goto(f"/admin/lending/loan/{loan}/change/")
    assert officer.is_visible("text=Closed")
    assert said == []
