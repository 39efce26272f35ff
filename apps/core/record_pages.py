"""A record's page on the staff site: title, labels, tabs; facts first, history last.

Apps add tabs with `tab_add`, also to records of apps below them, so that a member's page can list accounts while
members know nothing of accounts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import label_for_field, lookup_field, unquote
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db import models
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from apps.core import display
from apps.core.history import changes_of
from apps.core.snapshots import one_moment
from apps.core.trail import read_announce

TabContext = Callable[[HttpRequest, Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab of a record's page: its template gets what `context(request, record)` returns."""

    slug: str
    title: str
    template: str
    context: TabContext
    permission: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """A labelled value of a record."""

    label: str
    value: object


def user_may(request: HttpRequest, code: str) -> bool:
    """Does the user of this request hold the permission code? An empty code is held by nobody."""
    has_permission = getattr(request.user, "has_permission", None)  # the anonymous user has none
    return bool(code) and has_permission is not None and bool(has_permission(code))


class RecordPages(ModelAdmin):
    """Mixed into an admin class: pages of records instead of forms that nobody may send."""

    list_title: ClassVar[str] = ""
    """What the list is called, as the navigation calls it; empty for the model's plural."""
    subtitle: ClassVar[str] = ""
    overview_template = "numina/record_overview.html"
    tabs: ClassVar[list[Tab]] = []
    overview_parts: ClassVar[list[Tab]] = []
    notes_reads: ClassVar[bool] = False
    """Whether the access log notes who opened a page of a record."""
    at_one_moment: ClassVar[bool] = False
    """Whether a record and what its page shows of it are read of one state: for figures that must agree."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # Each class its own lists, so that tab_add reaches nobody else.
        cls.tabs = list(cls.tabs)
        cls.overview_parts = list(cls.overview_parts)

    @classmethod
    def tab_add(cls, tab: Tab) -> None:
        """Put a tab before the history. For the admin modules of higher apps, while they are imported."""
        cls.tabs.append(tab)

    @classmethod
    def overview_add(cls, part: Tab) -> None:
        """Put a part below the facts of the first tab: its template and context, as of a tab."""
        cls.overview_parts.append(part)

    # -- pages

    def get_urls(self) -> list[URLPattern]:
        info = (self.opts.app_label, self.opts.model_name)
        own = [
            path(
                f"<path:object_id>/{tab.slug}/",
                self.admin_site.admin_view(self._tab_view(tab)),
                name="{}_{}_{}".format(*info, tab.slug.replace("-", "_")),
            )
            for tab in self.tabs
        ]
        return own + super().get_urls()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = self.list_name()
        own = {"title": title, "page_crumbs": [(title, "")]}
        return super().changelist_view(request, {**own, **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The record's first tab. A form only where the user may change the record here, not through a service."""
        with self._moment():
            record = self.record_get(request, object_id)
            may_change = self.has_change_permission(request, record)
            context = {} if may_change else self._overview(request, record)
        if may_change:
            return super().change_view(request, object_id, form_url, extra_context)
        return self.render_tab(request, record, "", self.overview_template, context)

    def _overview(self, request: HttpRequest, record: Any) -> dict[str, Any]:
        parts = [part for part in self.overview_parts if not part.permission or user_may(request, part.permission)]
        context: dict[str, Any] = {
            "record_sections": self.record_sections(request, record),
            "record_parts": parts,
            **self.overview_context(request, record),
        }
        for part in parts:
            context |= part.context(request, record)
        return context

    def _moment(self) -> AbstractContextManager[None]:
        return one_moment() if self.at_one_moment else nullcontext()

    def overview_context(self, request: HttpRequest, record: Any) -> dict[str, Any]:
        """More for the first tab's template."""
        return {}

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What changed, when, by whom: from simple-history, newest first. Nothing can be reverted here."""
        record = self.record_get(request, object_id)
        if not hasattr(record, "history"):
            raise Http404
        context = {"history_entries": changes_of(record)}
        return self.render_tab(request, record, "history", "numina/record_history.html", context)

    def record_get(self, request: HttpRequest, object_id: str) -> Any:
        """The record, when the user may see it; otherwise it looks as if it did not exist."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        record = self.get_object(request, unquote(object_id))
        if record is None:
            raise Http404
        return record

    def _tab_view(self, tab: Tab) -> Callable[..., HttpResponse]:
        def view(request: HttpRequest, object_id: str) -> HttpResponse:
            with self._moment():
                record = self.record_get(request, object_id)
                if tab.permission and not user_may(request, tab.permission):
                    raise PermissionDenied
                context = tab.context(request, record)
            return self.render_tab(request, record, tab.slug, tab.template, context)

        return view

    def render_tab(
        self, request: HttpRequest, record: Any, slug: str, template: str, context: dict[str, Any]
    ) -> TemplateResponse:
        """A record's page with one tab open."""
        title = self.record_title(record)
        if self.notes_reads:
            read_announce(
                acting_user=request.user,
                object_type=record._meta.label_lower,
                object_id=str(record.pk),
                object_label=title,
            )
        request.current_app = self.admin_site.name
        page = {
            **self.admin_site.each_context(request),
            "title": title,
            "page_crumbs": [(self.list_name(), self._url("changelist")), (title, "")],
            "record": record,
            "record_title": title,
            "record_subtitle": self.record_subtitle(record),
            "record_chips": self.record_chips(record),
            "record_actions": self.record_actions(request, record),
            "record_tabs": self._tab_links(request, record, slug),
            "record_tab": slug,
            **context,
        }
        return TemplateResponse(request, template, page)

    def _tab_links(self, request: HttpRequest, record: Any, active: str) -> list[dict[str, Any]]:
        links = [{"title": "Overview", "url": self._url("change", record), "active": active == ""}]
        for tab in self.tabs:
            if not tab.permission or user_may(request, tab.permission):
                url = self._url(tab.slug.replace("-", "_"), record)
                links.append({"title": tab.title, "url": url, "active": active == tab.slug})
        if hasattr(record, "history"):
            links.append({"title": "History", "url": self._url("history", record), "active": active == "history"})
        return links

    def _url(self, view: str, record: Any = None) -> str:
        name = f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_{view}"
        return reverse(name, args=[record.pk] if record is not None else None)

    # -- what a page says of its record

    def list_name(self) -> str:
        """The list's name: its title, and where the pages of its records lead back to."""
        return self.list_title or capfirst(str(self.opts.verbose_name_plural))

    def record_title(self, record: Any) -> str:
        return str(record)

    def record_subtitle(self, record: Any) -> str:
        return self.subtitle or capfirst(str(self.opts.verbose_name))

    def record_chips(self, record: Any) -> Iterable[SafeString]:
        """Labels beside the title, most important first."""
        return ()

    def record_actions(self, request: HttpRequest, record: Any) -> Sequence[dict[str, str]]:
        """Links at the right of the title: title, url, icon."""
        return ()

    def record_sections(self, request: HttpRequest, record: Any) -> list[tuple[str, list[Fact]]]:
        """Headed groups of facts, by default those of `fieldsets`."""
        sections = []
        for heading, options in self.get_fieldsets(request, record):
            names = [name for row in options["fields"] for name in ([row] if isinstance(row, str) else row)]
            sections.append((str(heading or "Details"), [self.fact(request, record, name) for name in names]))
        return sections

    def fact(self, request: HttpRequest, record: Any, name: str) -> Fact:
        """A field, an attribute or a method of this admin, labelled and formatted."""
        label = capfirst(str(label_for_field(name, self.model, model_admin=self)))
        try:
            field, _, value = lookup_field(name, record, self)
        except (AttributeError, ObjectDoesNotExist):
            return Fact(label, display.EMPTY)
        return Fact(label, self._field_value(request, record, field, value) if field else value_show(value))

    def _field_value(self, request: HttpRequest, record: Any, field: models.Field[Any, Any], value: Any) -> object:
        if field.choices:
            return getattr(record, f"get_{field.name}_display")() or display.EMPTY
        if isinstance(field, models.ManyToManyField):
            return ", ".join(str(other) for other in value.all()) or display.EMPTY
        if isinstance(field, models.ForeignKey):
            other = getattr(record, field.name)
            return record_link(request, self.admin_site, other) if other else display.EMPTY
        return value_show(value)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        if self.fields:
            return list(self.fields)
        hidden = {"id", "search_text", "password"}
        return [field.name for field in self.opts.concrete_fields if field.name not in hidden]


def value_show(value: object) -> object:
    """A bare value as people read it."""
    if value is None or value == "":
        return display.EMPTY
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, dt.datetime):
        return display.moment_text(value)
    if isinstance(value, dt.date):
        return display.day_text(value)
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(str(item) for item in value) or display.EMPTY
    return value


def record_link(request: HttpRequest, site: Any, record: Any) -> object:
    """The record's name, as a link to its page where the user may see that page; a person's address as its hint."""
    bare = display.person(record) if hasattr(record, "get_username") else str(record)
    admin = site._registry.get(type(record))
    if admin is None or not admin.has_view_permission(request):
        return bare
    try:
        url = reverse(f"{site.name}:{record._meta.app_label}_{record._meta.model_name}_change", args=[record.pk])
    except NoReverseMatch:
        return bare
    return format_html('<a class="nm-link" href="{}">{}</a>', url, bare)
