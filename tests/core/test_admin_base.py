"""The base of the staff site: who may, how far it counts, how amounts look."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from apps.core.admin import BoundedPaginator, PermissionByCode, money_column, money_html
from apps.identity.models import Branch


def request_of(*codes: str) -> Any:
    request = RequestFactory().get("/admin/")
    request.user = SimpleNamespace(is_active=True, has_permission=lambda code: code in codes)  # type: ignore[assignment]
    return request


class Viewed(PermissionByCode):
    view_permission = "members.view"


def test_what_is_not_named_is_not_allowed() -> None:
    admin, request = Viewed(), request_of("members.view", "members.update", "")
    assert admin.has_view_permission(request)
    assert not admin.has_add_permission(request)
    assert not admin.has_change_permission(request)
    assert not admin.has_view_permission(request_of("accounts.view"))
    assert not PermissionByCode().has_view_permission(request)


def test_nobody_deletes_and_strangers_see_nothing() -> None:
    assert not Viewed().has_delete_permission(request_of("members.view"))
    request = RequestFactory().get("/admin/")
    request.user = AnonymousUser()
    assert not Viewed().has_view_permission(request)


@pytest.mark.django_db
def test_counting_stops_at_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.core.admin.COUNTED_MAX", 7)
    Branch.objects.bulk_create(Branch(code=f"P{number}", name="x") for number in range(10))
    assert BoundedPaginator(Branch.objects.order_by("code"), 5).count == 7
    assert BoundedPaginator(Branch.objects.filter(code="P1").order_by("code"), 5).count == 1
    assert BoundedPaginator(range(3), 5).count == 3


def test_amounts_are_grouped_signed_and_escaped() -> None:
    assert "1,250.00" in money_html(125000, "KES")
    assert "nm-negative" not in money_html(125000, "KES")
    negative = money_html(-125000, "KES")
    assert "nm-negative" in negative
    assert "\N{MINUS SIGN}" in negative


def test_a_money_column_follows_relations_and_sorts() -> None:
    column: Any = money_column("Balance", "state__balance", "state__currency", empty="none")
    row = SimpleNamespace(state=SimpleNamespace(balance=5, currency="JPY"))
    assert "JPY" in column(None, row)
    assert column(None, SimpleNamespace(state=None)) == "none"
    assert (column.short_description, column.admin_order_field) == ("Balance", "state__balance")
