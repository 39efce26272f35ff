"""The inbox in Chromium: three people take a loan through three levels, breaches escalate, bulk skips."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from apps.approvals.models import ApprovalPolicy, ApprovalRequest, ApprovalTimer
from apps.approvals.selectors import policies_forget
from apps.approvals.services import request_submit, timers_sweep
from apps.core import clock
from apps.identity.models import User
from apps.ledger.selectors import business_date_current
from apps.lending.actions import APPLICATION, application_payload
from apps.lending.models import LoanApplication
from apps.lending.services import application_submit, application_wait
from tests.approvals.support import Bank, toy_register
from tests.browser.conftest import CHROMIUM, FLAGS, PATIENCE_MS
from tests.factories.accounts import AccountFactory
from tests.factories.identity import PASSWORD
from tests.factories.lending import application_make
from tests.factories.members import MemberFactory

pytestmark = pytest.mark.browser

toy_register()


@dataclass
class Stage:
    """A bank of approvers with requests of its own, and a server."""

    bank: Bank
    url: str
    requests: list[ApprovalRequest] = field(default_factory=list)


def loan_asked(bank: Bank) -> ApprovalRequest:
    """An application for a loan that three levels decide on."""
    bank.policy(bank.level("manager", 1), bank.level("chief", 2), bank.level("finance", 3), kind=APPLICATION)
    account = AccountFactory(member=MemberFactory(branch=bank.branch), branch=bank.branch, balance="50000.00")
    officer = bank.person("officer", "lending.apply", "lending.view", branch=bank.branch, decides=False)
    draft = application_make(member=account.member, account=account, user=officer, amount=12_000_00, instalments=12)
    asked = application_submit(
        acting_user=officer, application_id=draft.pk, expected_version=draft.version,
        business_date=business_date_current(), at=clock.now(),
    )  # fmt: skip
    request = request_submit(kind=APPLICATION, maker=officer, payload=application_payload(asked), at=clock.now())
    assert request is not None
    application_wait(application_id=asked.pk, request_id=request.public_id)
    return request


@pytest.fixture
def stage(committed_db: None) -> Iterator[Stage]:
    policies_forget()
    bank = Bank()
    for role in bank.roles.values():
        role.permissions = sorted({*role.permissions, "approvals.request", "backoffice.dashboard"})
        role.save()
    bank.policy(bank.level("manager", 1), bank.level("chief", 2), bank.level("finance", 3), bulk_limit="500.00")
    now = clock.now()
    made = [
        bank.submit(at=now, amount="1200000.00", value=3, members=[]),
        bank.submit(at=now, amount="120.00"),
        bank.submit(at=now, amount="130.50"),
        bank.submit(at=now, amount="900.00"),
        bank.submit(at=now, amount="50.00", flags=["pep"]),
    ]
    server = LiveServer("127.0.0.1")
    yield Stage(bank, server.url, made)
    server.stop()
    # What this commits stays: loans of other tests are decided as if nobody had written rules for them.
    ApprovalPolicy.objects.filter(kind=APPLICATION, state="active").update(state="withdrawn")
    policies_forget()


@pytest.fixture
def browser(stage: Stage) -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.fail("browser tests need Chromium: apt-get install chromium, or leave them out with -m 'not browser'")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield opened
        opened.close()


SignIn = Callable[..., Page]


@pytest.fixture
def sign_in(browser: Browser, stage: Stage) -> Iterator[SignIn]:
    """`sign_in(user, width=390, theme="dark")`: that user's page. At the end nothing may have been complained of."""
    said: list[str] = []
    contexts = []

    def make(user: User, *, width: int = 1440, height: int = 1000, theme: str = "light") -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, locale="en-GB")
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda line: said.append(line.text) if line.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.add_init_script(f"localStorage.setItem('adminTheme', '\"{theme}\"')")
        page.goto(f"{stage.url}/admin/approvals/inbox/")
        page.fill("input[name=username]", user.email)
        page.fill("input[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_selector("#nav-sidebar", state="attached")
        page.goto(f"{stage.url}/admin/approvals/inbox/")
        return page

    yield make
    for context in contexts:
        context.close()
    assert said == []


def in_thread(work: Callable[[], Any]) -> Any:
    """Django's ORM refuses to work beside the event loop that Playwright runs in this thread."""
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connections

    def run() -> Any:
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


def row_of(page: Page, request: ApprovalRequest) -> Any:
    return page.locator("tbody[data-row]", has_text=request.number)


def test_three_people_take_one_loan_through_three_levels(stage: Stage, sign_in: SignIn) -> None:
    bank = stage.bank
    request = in_thread(lambda: loan_asked(bank))
    for person, level in ((bank.manager, "Manager"), (bank.chief, "Chief"), (bank.finance, "Finance")):
        page = sign_in(person)
        row = row_of(page, request)
        expect(row).to_contain_text(level)
        expect(row).to_contain_text("12,000.00")
        row.get_by_role("link").first.click()
        expect(page.locator(".nm-decide")).to_contain_text("Your decision")
        page.keyboard.press("a")
        assert page.evaluate("document.activeElement.value") == "approve"  # a slip of the finger moves nothing
        page.keyboard.press("Enter")
        page.wait_for_load_state()
        expect(page.locator("body")).to_contain_text(
            "Approved, and carried out." if person == bank.finance else "Approved."
        )
    page.goto(f"{stage.url}/admin/approvals/task/{request.public_id}/?tab=trail")
    expect(page.locator(".nm-picture .nm-box-approved")).to_have_count(3)
    expect(page.locator(".nm-history")).to_contain_text("Executed")
    assert in_thread(lambda: ApprovalRequest.objects.get(pk=request.pk).state) == "executed"
    decided = LoanApplication.objects.filter(pk=request.payload["application_id"])
    assert in_thread(lambda: decided.get().status) == LoanApplication.Status.APPROVED


def test_keys_move_unfold_and_choose(stage: Stage, sign_in: SignIn) -> None:
    page = sign_in(stage.bank.manager)
    expect(page.locator("tbody[data-row]")).to_have_count(5)
    page.keyboard.press("j")
    page.keyboard.press("o")
    expect(page.locator("tbody[data-at] .nm-after")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("#inbox-chosen")).to_contain_text("1 chosen")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/admin/approvals/task/"))


def test_bulk_skips_what_it_must(stage: Stage, sign_in: SignIn) -> None:
    page = sign_in(stage.bank.manager)
    for barred in (stage.requests[0], stage.requests[3], stage.requests[4]):
        expect(row_of(page, barred).locator("input[name=item]")).to_be_disabled()
    for wanted in (stage.requests[1], stage.requests[2]):
        row_of(page, wanted).locator("input[name=item]").check()
    expect(page.locator("#inbox-chosen")).to_have_text("2 chosen, together 250.50")
    page.locator("#inbox-bulk").evaluate("bar => bar.dataset.exponent = '0'")  # as where the base currency is the yen
    row_of(page, stage.requests[2]).locator("input[name=item]").uncheck()
    row_of(page, stage.requests[2]).locator("input[name=item]").check()
    expect(page.locator("#inbox-chosen")).to_have_text("2 chosen, together 25,050")
    in_thread(lambda: ApprovalRequest.objects.filter(pk=stage.requests[2].pk).update(version=5))  # somebody was faster
    page.locator("#inbox-bulk").get_by_role("button", name="Approve").click()
    expect(page.locator("body")).to_contain_text("1 of 2 decided")
    results = page.locator(".nm-results li")
    expect(results.nth(0)).to_contain_text("Done")
    expect(results.nth(1)).to_contain_text("Changed since you read it")
    assert in_thread(stage.requests[2].decisions.count) == 0


def test_a_breach_escalates_to_the_next_level(stage: Stage, sign_in: SignIn) -> None:
    request = stage.requests[1]

    def breach() -> None:
        late = clock.now() + dt.timedelta(days=5)
        due = ApprovalTimer.objects.filter(request=request, what="escalate")
        due.update(due_at=clock.now() - dt.timedelta(minutes=1))
        assert timers_sweep(at=clock.now()) == 1
        assert late > clock.now()

    page = sign_in(stage.bank.chief)
    expect(row_of(page, request)).to_have_count(0)
    in_thread(breach)
    page.reload()
    expect(row_of(page, request)).to_contain_text("escalated")
    row_of(page, request).get_by_role("link").first.click()
    page.get_by_role("link", name="Trail").click()
    expect(page.locator(".nm-history")).to_contain_text("Escalated")


def test_what_changed_since_it_was_opened_is_not_decided(stage: Stage, sign_in: SignIn) -> None:
    request = stage.requests[3]
    page = sign_in(stage.bank.manager)
    page.goto(f"{stage.url}/admin/approvals/task/{request.public_id}/")
    in_thread(lambda: ApprovalRequest.objects.filter(pk=request.pk).update(version=2))
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("body")).to_contain_text("It changed since you opened it")
    assert in_thread(request.decisions.count) == 0


def test_axe_finds_nothing_on_the_inbox_and_the_task(stage: Stage, sign_in: SignIn) -> None:
    """By the rules of axe-core: WCAG 2.2 A and AA and its best practices, on every tab, in the dark as well."""
    axe = Axe()
    task = f"task/{stage.requests[0].public_id}/?tab="
    tabs = ("changes", "documents", "exposure", "trail", "policy")
    for theme in ("light", "dark"):
        page = sign_in(stage.bank.manager, theme=theme)
        for path in ("inbox/", *(task + tab for tab in tabs)):
            page.goto(f"{stage.url}/admin/approvals/{path}")
            page.wait_for_function("window.Alpine !== undefined")
            found = axe.run(page).response["violations"]
            assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], (path, theme)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(stage: Stage, sign_in: SignIn, theme: str) -> None:
    page = sign_in(stage.bank.manager, width=390, height=800, theme=theme)
    paths = [
        "inbox/",
        f"task/{stage.requests[0].public_id}/",
        "inbox/?box=sent",
        "delegations/",
        "report/",
        "simulator/",
    ]
    for path in paths:
        page.goto(f"{stage.url}/admin/approvals/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
