"""The staff site as staff meet it: found, clicked, typed, looked at in light, in dark and on a phone."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.browser.conftest import PATIENCE_MS, Scene, Visitor

pytestmark = pytest.mark.browser

PAGES = (
    "/admin/",
    "/admin/members/member/",
    "/admin/accounts/account/",
    "/admin/ledger/journalentry/",
    "/admin/ledger/trial-balance/",
    "/admin/ledger/glaccount/",
    "/admin/ledger/accountingperiod/",
    "/admin/accounts/accountproduct/",
    "/admin/balances/hold/",
    "/admin/payments/importrun/",
    "/admin/identity/user/",
    "/admin/identity/role/",
    "/admin/identity/branch/",
    "/admin/audit/auditevent/",
    "/admin/django_celery_beat/periodictask/",
    "/admin/password_change/",
)


def account_pages(scene: Scene) -> list[str]:
    tabs = ("change", "transactions", "holds", "statement", "history")
    return [reverse(f"admin:accounts_account_{tab}", args=[scene.account.pk]) for tab in tabs]


def test_a_member_is_found_and_the_account_looked_into(
    visit: Callable[..., Visitor], scene: Scene, tmp_path: Path
) -> None:
    visitor = visit()
    page = visitor.page
    page.keyboard.press("Control+k")
    page.locator("#search-input-command").press_sequentially(scene.name.lower(), delay=10)
    page.locator("#command-results-list a", has_text=scene.name).wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".nm-record-head h2")).to_contain_text(scene.name)
    page.get_by_role("link", name=scene.account.number).click()
    page.get_by_role("link", name="Transactions", exact=True).click()
    expect(page.locator(".nm-lines tbody tr")).to_have_count(25)
    page.get_by_role("link", name="Older", exact=True).click()
    expect(page.locator(".nm-lines")).to_contain_text("Salary, Acme Ltd")
    page.get_by_role("link", name="Newer").click()
    expect(page.locator(".nm-lines tbody tr")).to_have_count(25)
    page.screenshot(path=str(tmp_path / "transactions.png"))
    page.get_by_label("Text").fill("Groceries 7")
    page.keyboard.press("Enter")
    expect(page.locator(".nm-lines tbody tr")).to_have_count(1)


def test_the_trial_balance_leads_down_to_the_lines(visit: Callable[..., Visitor], scene: Scene) -> None:
    visitor = visit()
    visitor.go("/admin/ledger/trial-balance/")
    page = visitor.page
    expect(page.locator(".nm-card-table").first).to_contain_text("Balanced")
    page.get_by_role("link", name=re.compile("Savings deposits")).first.click()
    page.get_by_role("link", name="Ledger accounts").click()
    page.get_by_label("Number").fill(scene.account.number)
    page.keyboard.press("Enter")
    page.get_by_role("link", name=scene.account.number).click()
    expect(page.locator(".nm-lines tbody tr")).to_have_count(25)
    page.locator(".nm-lines tbody tr a").first.click()
    expect(page.locator(".nm-record-head h2")).to_contain_text("Entry #")
    expect(page.get_by_text("Balanced")).to_be_visible()


def go_by_keys(page: Page, key: str, ending: str) -> None:
    """Two keys in turn; on a busy machine they may come too far apart to be one, and are pressed again."""
    for last in (False, False, False, True):
        page.keyboard.press("g")
        page.keyboard.press(key)
        with contextlib.nullcontext() if last else contextlib.suppress(PlaywrightTimeout):
            page.wait_for_url(f"**{ending}", timeout=PATIENCE_MS if last else 15_000)
            return


def test_everything_can_be_reached_by_keys(visit: Callable[..., Visitor]) -> None:
    page = visit().page
    page.keyboard.press("?")
    expect(page.locator("#nm-keys")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("m")  # not while the list of keys is open
    page.keyboard.press("Escape")
    expect(page.locator("#nm-keys")).to_be_hidden()
    places = {
        "m": "/members/member/",
        "a": "/accounts/account/",
        "j": "/ledger/journalentry/",
        "t": "/trial-balance/",
        "d": "/admin/",
    }
    for key, ending in places.items():
        go_by_keys(page, key, ending)
    page.keyboard.press("/")
    expect(page.locator("#search-input-command")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#search-input-command")).to_be_hidden()
    go_by_keys(page, "a", "/accounts/account/")
    page.keyboard.press("/")
    expect(page.locator("#searchbar")).to_be_focused()
    page.keyboard.type("gm/?")
    expect(page.locator("#searchbar")).to_have_value("gm/?")


def test_the_first_tab_skips_to_the_content(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.go("/admin/")
    visitor.page.keyboard.press("Tab")
    expect(visitor.page.locator(".nm-skip")).to_be_focused()
    visitor.page.keyboard.press("Enter")
    assert visitor.page.url.endswith("#content")


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 390)])
def test_every_page_fits_and_keeps_quiet(visit: Callable[..., Visitor], scene: Scene, theme: str, width: int) -> None:
    visitor = visit(width=width, height=900, theme=theme)
    for path in [*PAGES, *account_pages(scene)]:
        visitor.go(path)
        wide = visitor.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{path} is {wide} wide on {width}"
        assert visitor.page.locator("h1").count() == 1, path


def test_dark_is_dark_and_text_stands_out(visit: Callable[..., Visitor], scene: Scene) -> None:
    visitor = visit(theme="dark")
    visitor.go(account_pages(scene)[0])
    for selector in (".nm-record-head h2", ".nm-kpi strong", ".nm-facts dt", ".nm-table td", ".nm-chip", ".nm-tabs a"):
        assert visitor.page.evaluate(CONTRAST, selector) >= 4.5, selector


def test_light_text_stands_out(visit: Callable[..., Visitor], scene: Scene) -> None:
    visitor = visit()
    visitor.go(account_pages(scene)[0])
    for selector in (".nm-record-head h2", ".nm-kpi span", ".nm-facts dt", ".nm-table td", ".nm-chip", ".nm-tabs a"):
        assert visitor.page.evaluate(CONTRAST, selector) >= 4.5, selector


def test_amounts_stand_under_their_heading(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.go("/admin/accounts/account/")
    edges = visitor.page.evaluate(
        "['th.column-booked_money .text', 'td.field-booked_money .nm-money']"
        ".map(s => document.querySelector(s).getBoundingClientRect().right)"
    )
    assert abs(edges[0] - edges[1]) < 2


# WCAG's contrast of an element's text against what lies behind it, whatever the notation of the colours.
CONTRAST = """selector => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const element = document.querySelector(selector);
  const chain = [];
  for (let node = element; node; node = node.parentElement) chain.unshift(getComputedStyle(node).backgroundColor);
  canvas.fillStyle = '#fff';
  canvas.fillRect(0, 0, 1, 1);
  const paint = colour => {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  let behind = [255, 255, 255];
  for (const colour of chain) behind = paint(colour);
  const front = paint(getComputedStyle(element).color);
  const light = rgb => rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const [high, low] = [light(behind), light(front)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}"""
