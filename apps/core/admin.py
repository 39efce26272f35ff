"""Base classes of the staff site: everything can be looked at by whoever may, nothing can be deleted.

Services own the writes, so a model is view-only here unless its admin names a permission for adding or changing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin, StackedInline, TabularInline

from apps.core.currencies import minor_format

PAGE_ROWS = 25
COUNTED_MAX = 10_000

MINUS = "\N{MINUS SIGN}"


class BoundedPaginator(Paginator):
    """Counts no further than 10,000 rows: nobody pages through more, and counting millions takes seconds."""

    @cached_property
    def count(self) -> int:
        """The number of rows, or 10,000 when there are more."""
        if hasattr(self.object_list, "query"):
            return int(self.object_list.order_by()[:COUNTED_MAX].count())  # type: ignore[union-attr]
        return min(len(self.object_list), COUNTED_MAX)


class PermissionByCode:
    """Who may do what, by the codes of the bank's own roles. An empty code means nobody.

    `view_permission` is needed to see anything; `add_permission` and `change_permission` open writing, for models
    that no service owns. There is no code for deleting: records are reversed, closed or deactivated.
    """

    view_permission: str = ""
    add_permission: str = ""
    change_permission: str = ""

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Does the user hold `view_permission`?"""
        return _holds(request, self.view_permission)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Does the user hold `add_permission`?"""
        return _holds(request, self.add_permission)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Does the user hold `change_permission`?"""
        return _holds(request, self.change_permission)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False


class NuminaAdmin(PermissionByCode, ModelAdmin):
    """The base of every admin class. See `PermissionByCode`, and `money_column` for amounts."""

    list_per_page = PAGE_ROWS
    list_max_show_all = PAGE_ROWS
    show_full_result_count = False
    paginator = BoundedPaginator
    actions = None
    list_fullwidth = True
    warn_unsaved_form = True

    class Media:
        css = {"all": ["core/admin.css"]}

    def has_module_permission(self, request: HttpRequest) -> bool:
        """The model is listed for whoever may view it."""
        return self.has_view_permission(request)


class NuminaHistoryAdmin(NuminaAdmin, SimpleHistoryAdmin):
    """For models with simple-history: a History tab with each change, who made it and why.

    History is read, never written back: the button is not shown, and a form sent all the same is refused, which
    simple-history alone does not do.
    """

    history_list_per_page = PAGE_ROWS

    def revert_disabled(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Always: a record changes through its service only."""
        return True

    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One version, to look at."""
        if request.method not in {"GET", "HEAD"}:
            raise PermissionDenied("history is read only")
        return super().history_form_view(request, object_id, version_id, extra_context)


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
    shown = minor_format(abs(minor), currency, grouped=True)
    kind = "nm-money nm-negative" if minor < 0 else "nm-money"
    sign = MINUS if minor < 0 else ""
    return format_html('<span class="{}">{}{} <span class="nm-currency">{}</span></span>', kind, sign, shown, currency)


def _holds(request: HttpRequest, code: str) -> bool:
    has_permission = getattr(request.user, "has_permission", None)  # the anonymous user has none
    return bool(code) and has_permission is not None and bool(has_permission(code))


def _follow(obj: Any, path: str) -> Any:
    for part in path.split("__"):
        obj = getattr(obj, part, None)
        if obj is None:
            return None
    return obj
