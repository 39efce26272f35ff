"""The staff site under hostile input: nothing that a caller sent comes back as markup, and no page breaks."""

from __future__ import annotations

import re
import uuid
from itertools import count
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from apps.identity.permissions import PERMISSIONS
from tests.factories.accounts import AccountFactory, ProductFactory, cash_move
from tests.factories.identity import BranchFactory, user_make
from tests.factories.members import MemberFactory
from tests.security.routes import INJECTIONS, all_patterns, turn

# These send thousands of requests; the lines behind them are measured by the tests that look at the answers.
pytestmark = pytest.mark.no_cover
MARK = "zqx"
SCRIPT = f"<script>{MARK}</script>"
IMAGE = f"\"'><img src=x onerror={MARK}>"
TEMPLATE = "{{77777*77777}}{% debug %}"
PARAMETERS = [
    "q",
    "o",
    "p",
    "e",
    "all",
    "_changelist_filters",
    "status__exact",
    "password__startswith",
    "user__password",
]


def _staff(**options: Any) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user_make(*PERMISSIONS, **options))
    return client


@pytest.fixture
def root(db: None) -> Client:
    return _staff(scope="all")


@pytest.fixture
def things(db: None) -> dict[str, Any]:
    """A record of each kind with markup wherever people may write."""
    branch = BranchFactory(name=SCRIPT)
    member = MemberFactory(branch=branch, first_name=SCRIPT, last_name=IMAGE, address=TEMPLATE, city=SCRIPT[:80])
    product = ProductFactory(name=SCRIPT, description=IMAGE)
    account = AccountFactory(member=member, product=product, branch=branch, name=SCRIPT)
    cash_move(account, "10.00", description=SCRIPT, counterparty=IMAGE, reference=TEMPLATE)
    user = user_make("members.view", full_name=SCRIPT, branch=branch)
    return {"member": member, "account": account, "product": product, "branch": branch, "user": user}


def _unescaped(text: str) -> list[str]:
    """Where the marks stand outside of text and of quoted attributes."""
    found = re.findall(rf"<script[^>]*>[^<]*{MARK}|<img[^>]*onerror={MARK}", text)
    return found + re.findall("6049261729", text)


def _object_pages(things: dict[str, Any]) -> list[str]:
    """Every page below the records."""
    pages = []
    for path, _ in all_patterns():
        found = re.fullmatch(r"admin/(\w+)/(\w+)/<path:object_id>/(.*)", path)
        if found is None:
            continue
        name = {"accountproduct": "product"}.get(found[2], found[2])
        if name in things:
            pages.append(f"/{path.replace('<path:object_id>', str(things[name].pk))}")
    return pages


def _lists() -> list[str]:
    return [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") for model in admin.site._registry
    ]


def test_markup_in_names_and_texts_is_shown_as_text(root: Client, things: dict[str, Any]) -> None:
    faults, seen = [], 0
    pages = [
        *_lists(),
        *_object_pages(things),
        reverse("admin:index"),
        f"/admin/search/?q={quote(SCRIPT)}",
        f"/admin/search/?q={MARK}",
    ]
    for page in pages:
        response = root.get(page)
        text = response.content.decode(errors="replace") if not response.streaming else ""
        seen += MARK in text
        if response.status_code >= 500 or _unescaped(text):
            faults.append(f"{page}: {response.status_code} {_unescaped(text)}")
    assert not faults, "\n".join(faults)
    assert seen >= 8, "the marks were looked for where they are not shown"


def test_parameters_break_no_page_and_are_not_reflected(root: Client, things: dict[str, Any]) -> None:
    faults, places = [], count()
    for page in [*_lists(), "/admin/search/", reverse("admin:index"), "/admin/ledger/trial-balance/"]:
        for name in PARAMETERS:
            texts = (SCRIPT, IMAGE, "%00", "'--", "9" * 30, "-1")
            for text in turn(texts, next(places), 2 if name == "q" else 1):  # lists read the others by one base class
                url = f"{page}?{name}={text if text == '%00' else quote(text)}"
                response = root.get(url)
                shown = response.content.decode(errors="replace")
                if response.status_code >= 500 or _unescaped(shown):
                    faults.append(f"{url}: {response.status_code}")
    assert not faults, "\n".join(faults)


def test_searches_with_injections_break_no_list(root: Client, things: dict[str, Any]) -> None:
    faults = []
    for place, page in enumerate([*_lists(), "/admin/search/"]):
        for text in turn(INJECTIONS, place, 6):
            response = root.get(f"{page}?q={quote(text)}")
            if response.status_code >= 500:
                faults.append(f"{page} {text[:30]!r}: {response.status_code}")
    assert not faults, "\n".join(faults)


def test_ids_that_are_no_ids_break_no_page(root: Client, things: dict[str, Any]) -> None:
    faults, places = [], count()
    for path, _ in all_patterns():
        if not path.startswith("admin/") or "<path:object_id>" not in path or "<path:content_type_id>" in path:
            continue
        idents = ("x", "1", "-1", "9" * 30, "%00", "'--", quote(SCRIPT), str(uuid.uuid4()), "..%2f..", "_3C")
        for ident in turn(idents, next(places), 4):
            url = "/" + path.replace("<path:object_id>", ident)
            response = root.get(url, follow=True)
            if response.status_code >= 500 or _unescaped(response.content.decode(errors="replace")):
                faults.append(f"{url}: {response.status_code}")
    assert not faults, "\n".join(faults)


def test_records_of_another_branch_are_not_shown(things: dict[str, Any]) -> None:
    client = _staff(scope="branch", branch=BranchFactory())
    faults = []
    for page in _object_pages({name: things[name] for name in ("member", "account", "user")}):
        response = client.get(page)
        if response.status_code == 200 or MARK in response.content.decode(errors="replace"):
            faults.append(f"{page}: {response.status_code}")
    for page in [*_lists(), f"/admin/search/?q={MARK}"]:
        if "accountproduct" in page or "branch" in page:
            continue  # products belong to the whole bank; branches are in test_access
        text = client.get(page).content.decode(errors="replace").replace(f"q={MARK}", "").replace(f'value="{MARK}"', "")
        if str(things["member"].pk) in text or str(things["account"].pk) in text or str(things["user"].pk) in text:
            faults.append(f"{page}: shows a foreign record")
    assert not faults, "\n".join(faults)


def test_nothing_is_changed_or_deleted_through_the_site(root: Client, things: dict[str, Any]) -> None:
    """Pages of the site read; the few that act are in their own tests with CSRF."""
    faults = []
    before = {name: getattr(one, "version", None) for name, one in things.items()}
    for page in [one for one in _object_pages(things) if one.endswith(("change/", "delete/"))]:
        response = root.post(page, {"post": "yes", "name": "changed", "is_superuser": "on", "status": "closed"})
        if response.status_code not in {200, 302, 403, 404, 405}:
            faults.append(f"{page}: {response.status_code}")
    for page in _lists():
        response = root.post(page, {"action": "delete_selected", "_selected_action": ["1"], "post": "yes"})
        if response.status_code >= 500:
            faults.append(f"{page}: {response.status_code}")
    for name, one in things.items():
        one.refresh_from_db()
        if getattr(one, "version", None) != before[name] or getattr(one, "is_superuser", False):
            faults.append(f"{name} was changed")
    assert not faults, "\n".join(faults)


def test_posts_without_a_csrf_token_are_refused(db: None) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user_make(*PERMISSIONS, scope="all"))

    for page in ("/admin/login/", "/admin/logout/", "/admin/password_change/"):
        assert client.post(page, {"username": "x", "password": "y"}).status_code == 403, page


def test_every_page_of_the_site_asks_who_you_are(things: dict[str, Any]) -> None:
    faults = []
    public = {"/admin/login/", "/admin/logout/", "/admin/jsi18n/"}
    for path, _ in all_patterns():
        if not path.startswith("admin/") or "(?P" in path or f"/{path}" in public:
            continue
        url = "/" + path.replace("<path:object_id>", "1").replace("<path:content_type_id>", "1")
        response = Client().get(url)
        if response.status_code not in {302, 403, 404} or (
            response.status_code == 302 and "/admin/login/" not in response["Location"]
        ):
            faults.append(f"{url}: {response.status_code}")
    assert not faults, "\n".join(faults)


FORMS = [
    ("accounts_account_act", "account", ("holder",), {"member": "\x00", "role": "joint", "version": "1"}),
    ("accounts_account_act", "account", ("note",), {"text": "a\x00b"}),
    ("accounts_account_fee_waive", "account", (), {"fee": "1", "reason": "a\x00b"}),
    ("compliance_legalhold_place", None, (), {"number": "\x00", "reason": "x"}),
]


def test_nul_in_a_form_is_refused_and_breaks_no_page(root: Client, things: dict[str, Any]) -> None:
    for name, thing, more, sent in FORMS:
        url = reverse(f"admin:{name}", args=[*([things[thing].pk] if thing else []), *more])
        assert root.post(url, sent).status_code == 400, name


def test_what_is_out_of_reach_is_not_there_for_forms_either(things: dict[str, Any]) -> None:
    client = _staff(scope="branch", branch=BranchFactory())
    for name in ("accounts_termdeposit_place", "accounts_dividend_draw", "payments_cheque_act"):
        ident = uuid.uuid4() if name == "accounts_dividend_draw" else things["account"].pk
        url = reverse(f"admin:{name}", args=[ident, *(["in"] if name == "payments_cheque_act" else [])])
        answer = client.post(url, {"amount": "1", "version": "1"})
        assert answer.status_code in {302, 404}, name


def test_a_number_without_end_in_a_form_breaks_no_page(root: Client, things: dict[str, Any]) -> None:
    url = reverse("admin:accounts_accountproduct_terms_change", args=[things["product"].pk])
    for field, text in (
        ("grace", "9" * 5_000), ("grace", "3d"), ("dormant", "9" * 5_000), ("dormant", "\u0663"),
        ("rates", "0 2.5 100 4"), ("grace", "3"),
    ):  # fmt: skip
        sent = {"action": "set", "posting": "monthly", "effective_from": "2100-01-01", field: text}
        assert root.post(url, sent).status_code == 302
        assert things["product"].terms.exists() == (text == "3"), (field, text)  # nor is it taken for nothing
