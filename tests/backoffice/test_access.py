"""Who sees what on the staff site. What is not yours looks as if it did not exist; nothing can be deleted."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory
from django.urls import resolve, reverse
from unfold.admin import ModelAdmin as UnfoldModelAdmin

from apps.backoffice.navigation import GROUPS
from apps.core.admin import NuminaAdmin
from tests.backoffice.conftest import EVERYTHING, Bank
from tests.factories.identity import user_make

LISTS = {
    "members_member": "members.view",
    "accounts_account": "accounts.view",
    "accounts_accountproduct": "products.view",
    "ledger_journalentry": "ledger.view",
    "ledger_glaccount": "ledger.view",
    "ledger_ledgeraccount": "ledger.view",
    "ledger_accountingperiod": "ledger.view",
    "ledger_currency": "ledger.view",
    "balances_hold": "accounts.view",
    "payments_importrun": "payments.import",
    "django_celery_beat_periodictask": "identity.manage_users",
}


@pytest.mark.parametrize(("name", "code"), LISTS.items())
def test_a_list_opens_with_its_permission_and_only_then(staff: Callable[..., Client], name: str, code: str) -> None:
    url = reverse(f"admin:{name}_changelist")
    assert staff(code).get(url).status_code == 200
    assert staff(*(one for one in EVERYTHING if one != code)).get(url).status_code == 403
    assert Client().get(url).status_code == 302


def test_the_trial_balance_opens_with_its_permission_and_only_then(staff: Callable[..., Client]) -> None:
    url = reverse("admin:ledger_trial_balance")
    assert staff("ledger.view").get(url).status_code == 200
    assert staff("members.view").get(url).status_code == 403
    assert Client().get(url).status_code == 302


KEPT_HERE = {
    "identity.ratelimit",
    "approvals.approver",
    "approvals.approvergroup",
    "jobs.businesscalendar",
    "jobs.closure",
}
"""Plain settings of the bank that no service owns; their pages write them, with history and an event in the trail."""


@pytest.mark.django_db
def test_nothing_is_added_changed_or_deleted_here() -> None:
    request: Any = RequestFactory().get("/admin/")
    request.user = user_make(*EVERYTHING, is_superuser=True)
    for model, model_admin in admin.site._registry.items():
        assert not model_admin.has_delete_permission(request), model
        if model._meta.label_lower not in KEPT_HERE:
            assert not model_admin.has_add_permission(request), model
            assert not model_admin.has_change_permission(request), model
        assert isinstance(model_admin, UnfoldModelAdmin), f"{model}: its inputs would be invisible"


def test_forms_that_were_forged_change_nothing(auditor: Client, bank: Bank) -> None:
    for view in ("change", "delete", "history"):
        url = reverse(f"admin:accounts_account_{view}", args=[bank.alice.pk])
        auditor.post(url, {"status": "closed", "post": "yes"})
        bank.alice.refresh_from_db()
        assert bank.alice.status == "active"
    assert auditor.post(reverse("admin:accounts_account_add"), {"number": "1"}).status_code == 403


def _pages(account: Any) -> list[str]:
    tabs = ("change", "transactions", "holds", "statement", "history")
    return [
        *(reverse(f"admin:accounts_account_{tab}", args=[account.pk]) for tab in tabs),
        reverse("admin:accounts_account_statement_file", args=[account.pk])
        + "?format=csv&from=2026-01-01&to=2026-01-31",
        *(
            reverse(f"admin:members_member_{tab}", args=[account.member_id])
            for tab in ("change", "accounts", "history")
        ),
        *(
            reverse(f"admin:ledger_ledgeraccount_{tab}", args=[account.ledger_account_id])
            for tab in ("change", "lines")
        ),
    ]


def test_what_another_branch_holds_does_not_exist(staff: Callable[..., Client], bank: Bank) -> None:
    client = staff(*EVERYTHING, scope="branch", branch=bank.east)
    assert [url for url in _pages(bank.alice) if client.get(url).status_code != 200] == []
    assert [url for url in _pages(bank.bob) if client.get(url).status_code != 404] == []


def test_a_user_without_a_branch_or_scope_sees_no_records(staff: Callable[..., Client], bank: Bank) -> None:
    for client in (staff(*EVERYTHING, scope="branch"), staff(*EVERYTHING, scope="own")):
        for url in _pages(bank.alice):
            assert client.get(url).status_code == 404, url
        listed = client.get(reverse("admin:ledger_journalentry_changelist")).content.decode()
        assert "Rent for March" not in listed


def test_lists_hold_the_own_branch_only(staff: Callable[..., Client], bank: Bank) -> None:
    client = staff(*EVERYTHING, scope="branch", branch=bank.east)
    for name in ("members_member", "accounts_account", "ledger_ledgeraccount"):
        text = client.get(reverse(f"admin:{name}_changelist")).content.decode()
        assert "Alice Otieno" in text or bank.alice.number in text
        assert "Bob Kamau" not in text
        assert bank.bob.number not in text


def test_an_entry_with_another_branch_shows_no_balance_of_it(staff: Callable[..., Client], bank: Bank) -> None:
    url = reverse("admin:ledger_journalentry_change", args=[bank.transfer])
    east = staff(*EVERYTHING, scope="branch", branch=bank.east).get(url).content.decode()
    assert "1,016.30" in east  # Alice after
    assert "1,263.20" not in east  # Bob after
    assert "1,263.20" in staff(*EVERYTHING).get(url).content.decode()


def test_the_navigation_holds_what_may_be_opened(staff: Callable[..., Client]) -> None:
    text = staff("backoffice.dashboard", "members.view").get(reverse("admin:index")).content.decode()
    assert reverse("admin:members_member_changelist") in text
    assert reverse("admin:ledger_trial_balance") not in text
    assert reverse("admin:accounts_account_changelist") not in text


def test_each_page_is_called_as_the_sidebar_calls_it(staff: Callable[..., Client]) -> None:
    client = staff(is_superuser=True)
    for title, _, name, _ in [entry for _, entries in GROUPS for entry in entries]:
        view, _, argument = name.partition(":")
        url = reverse(f"admin:{view}", args=[argument] if argument else None)
        if model_admin := getattr(resolve(url).func, "model_admin", None):  # a list: RecordPages draws its heading
            words = {model_admin.list_name()}
            assert model_admin.empty_text != NuminaAdmin.empty_text, f"{name} does not say what fills it"
        else:
            response: Any = client.get(url, follow=True)
            words = {response.context["title"], *(words for words, _ in response.context["page_crumbs"])}
        assert title in words, (name, words)


def test_a_key_that_is_none_is_not_found(auditor: Client) -> None:
    for name in ("members_member", "accounts_account", "ledger_journalentry", "balances_hold"):
        for key in ("nonsense", "0", "00000000-0000-0000-0000-000000000000", "9" * 40):
            assert auditor.get(reverse(f"admin:{name}_change", args=[key])).status_code == 404, (name, key)


def test_scripts_are_evaluated_on_the_staff_site_only(auditor: Client) -> None:
    policy = auditor.get(reverse("admin:index"))["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in Client().get("/api/v1/docs")["Content-Security-Policy"]
