"""Base classes of the staff site: everything can be looked at by whoever may, nothing can be deleted.

Services own the writes, so a model is view-only here unless its admin names a permission for adding or changing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, StackedInline, TabularInline

from apps.core.display import money_text
from apps.core.record_pages import RecordPages, user_may

PAGE_ROWS = 25
COUNTED_MAX = 10_000
SEARCH_CHARACTERS_MAX = 100


class BoundedPaginator(Paginator):
    """Counts no further than 10,000 rows: nobody pages through more, and counting millions takes seconds."""

    @cached_property
    def count(self) -> int:
        """The number of rows, or 10,000 when there are more."""
        if isinstance(self.object_list, QuerySet):
            return int(self.object_list.order_by()[:COUNTED_MAX].count())
        return min(len(self.object_list), COUNTED_MAX)


class PermissionByCode:
    """Who may do what, by the codes of the bank's own roles. An empty code means nobody.

    `view_permission` is needed to see anything; `add_permission` and `change_permission` open writing, for models
    that no service owns. There is no code for deleting: records are reversed, closed or deactivated.
    """

    view_permission: str = ""
    add_permission: str = ""
    change_permission: str = ""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Does the user hold `view_permission`?"""
        return user_may(request, self.view_permission)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Does the user hold `add_permission`?"""
        return user_may(request, self.add_permission)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Does the user hold `change_permission`?"""
        return user_may(request, self.change_permission)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False


def branch_scope(request: HttpRequest, queryset: QuerySet[Any], field: str) -> QuerySet[Any]:
    """The part of a queryset that the user's scope reaches: the whole bank, the user's branches, or nothing."""
    user: Any = request.user
    match user.scope:
        case "all":
            return queryset
        case "branch" if user.branch_id:
            return queryset.filter(**{f"{field}__in": user.branch_ids})
        case _:
            return queryset.none()


class NuminaAdmin(PermissionByCode, RecordPages, ModelAdmin):
    """The base of every admin class. See `RecordPages`, `PermissionByCode`, and `money_column` for amounts."""

    branch_field = ""
    """Lookup of the branch by which users of branch scope are limited; empty where records belong to the bank."""
    empty_text = "The list fills as the bank works."
    """What an empty list says: where its records come from."""
    list_per_page = PAGE_ROWS
    list_max_show_all = PAGE_ROWS
    show_full_result_count = False
    paginator = BoundedPaginator
    show_facets = admin.ShowFacets.NEVER  # counting each choice of each filter is a scan for each
    actions = None
    list_fullwidth = True
    warn_unsaved_form = True

    def has_module_permission(self, request: HttpRequest) -> bool:
        """The model is listed for whoever may view it."""
        return self.has_view_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """What the user's scope reaches."""
        queryset = super().get_queryset(request)
        return branch_scope(request, queryset, self.branch_field) if self.branch_field else queryset

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The usual search. No text of PostgreSQL holds a NUL: asked for, it would be an error instead of no result."""
        return super().get_search_results(request, queryset, search_term.replace("\x00", "")[:SEARCH_CHARACTERS_MAX])


class NuminaHistoryAdmin(NuminaAdmin):
    """For models with simple-history: a History tab with each change, who made it and why.

    History is read, never written back: there is no page that would take a form for it.
    """


class NuminaTabularInline(PermissionByCode, TabularInline):
    """Rows of a related model below the record, view-only unless it names permissions."""

    extra = 0
    per_page = PAGE_ROWS
    show_change_link = False


class NuminaStackedInline(PermissionByCode, StackedInline):
    """Blocks of a related model below the record, view-only unless it names permissions."""

    extra = 0
    show_change_link = False


def money_column(
    name: str, minor_attr: str, currency_attr: str = "currency", *, empty: str = "-"
) -> Callable[[Any, Any], str | SafeString]:
    """A column (or read-only field) of an amount: right-aligned, digits of one width, grouped, with its currency.

    `minor_attr` and `currency_attr` are paths over relations with "__"; the column sorts by the first. Bind it to a
    name that ends in `_money`, which is what aligns the heading: `balance_money = money_column("Balance",
    "balance__balance", "currency_id")`.
    """

    def column(_admin: Any, obj: Any) -> str | SafeString:
        minor = _follow(obj, minor_attr)
        if minor is None:
            return empty
        return money_html(minor, str(_follow(obj, currency_attr)))

    column.short_description = name  # type: ignore[attr-defined]
    column.admin_order_field = minor_attr  # type: ignore[attr-defined]
    return column


def money_html(minor: int, currency: str) -> SafeString:
    """Minor units as the staff site shows money: "1,250.00 KES", negative with a real minus sign."""
    kind = "nm-money nm-negative" if minor < 0 else "nm-money"
    return format_html(
        '<span class="{}">{} <span class="nm-currency">{}</span></span>', kind, money_text(minor, currency), currency
    )


def _follow(obj: Any, path: str) -> Any:
    for part in path.split("__"):
        obj = getattr(obj, part, None)
        if obj is None:
            return None
    return obj
