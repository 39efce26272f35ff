"""The bank's words: every kind, how it reads, and a form to say it otherwise."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from apps.core.admin import NuminaAdmin
from apps.core.errors import DomainError
from apps.core.notices import CHANNELS, EMAIL, SMS, Kind, kind_get, kinds_all
from apps.core.record_pages import user_may
from apps.notifications.models import Channel, Template
from apps.notifications.rendering import (
    Reader,
    Words,
    email_facts,
    locale_of,
    sample_facts,
    values_of,
    words_fill,
    words_of,
)
from apps.notifications.selectors import overrides_of, templates_of
from apps.notifications.services import template_remove, template_save

SAMPLE_READER = ("Alice Wanjiku", "UTC")


@admin.register(Template)
class TemplateAdmin(NuminaAdmin):
    """Kinds are of the code, words may be the bank's."""

    view_permission = "notifications.view"
    list_title = "Words"
    empty_text = "Each kind of notice has words of its own; what the bank has changed stands here."

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.words_view)
        return [
            path("words/<str:kind>/<str:channel>/<str:locale>/", page, name="notifications_template_words"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Every kind, its channels, and where the bank speaks in its own words."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        own = {(kind, channel) for kind, channel, _ in overrides_of()}
        rows = [
            {
                "kind": kind,
                "languages": [
                    {"code": code, "name": _name(code), "url": self._words_url(kind.code, _first_channel(kind), code)}
                    for code in sorted(kind.texts)
                ],
                "channels": [
                    {
                        "label": Channel(channel).label,
                        "url": self._words_url(kind.code, channel, "en"),
                        "used": channel in kind.channels,
                        "own": (kind.code, channel) in own,
                    }
                    for channel in CHANNELS
                ],
            }
            for kind in kinds_all()
        ]
        context = {"title": self.list_name(), "page_crumbs": [(self.list_name(), "")], "words_rows": rows}
        return self._page(request, "notifications/kinds.html", context)

    def words_view(self, request: HttpRequest, kind: str, channel: str, locale: str) -> HttpResponse:
        """How a kind reads by a channel in a language; with notifications.manage, a form to change it."""
        found = kind_get(kind)
        if not self.has_view_permission(request):
            raise PermissionDenied
        if found is None or channel not in CHANNELS or str(locale_of(locale)).replace("_", "-") != locale:
            raise Http404
        words = words_of(found, channel, locale, overrides_of(kind=kind))
        may = user_may(request, "notifications.manage")
        if request.method == "POST":
            if not may:
                raise PermissionDenied
            words = Words(request.POST.get("subject", ""), request.POST.get("text", "").replace("\r\n", "\n"))
            if request.POST.get("do") != "preview" and self._done(request, found, channel, locale, words):
                return HttpResponseRedirect(self._words_url(kind, channel, locale))
        row = templates_of(kind=kind).get((channel, locale))
        context = {
            "title": found.title,
            "page_crumbs": [(self.list_name(), self._url("changelist")), (found.title, "")],
            "words_kind": found,
            "words_channel": Channel(channel).label,
            "words_is_sms": channel == SMS,
            "words_locale": locale,
            "words_names": sorted(found.names),
            "words": words,
            "words_row": row,
            "words_may": may,
            "words_tabs": [
                (Channel(other).label, self._words_url(kind, other, locale), other == channel) for other in CHANNELS
            ],
            "words_languages": [
                (other, _name(other), self._words_url(kind, channel, other), other == locale)
                for other in sorted({*found.texts, *(known for _, known in templates_of(kind=kind)), locale})
            ],
            **_preview(request, found, channel, locale, words),
        }
        return self._page(request, "notifications/words.html", context)

    def _done(self, request: HttpRequest, kind: Kind, channel: str, locale: str, words: Words) -> bool:
        user: Any = request.user
        where = {"kind": kind.code, "channel": channel, "locale": locale}
        try:
            if request.POST.get("do") == "restore":
                template_remove(acting_user=user, **where)
                messages.success(request, "These are the words of Numina again.")
                return True
            version = request.POST.get("version", "")
            template_save(
                acting_user=user,
                **where,
                subject=words.subject,
                text=words.text,
                expected_version=int(version) if version.isascii() and version.isdigit() and len(version) < 9 else 0,
            )
        except DomainError as refusal:
            faults = getattr(refusal, "errors", None) or [{"detail": refusal.detail}]
            for fault in faults:
                messages.error(request, fault["detail"])
            return False
        messages.success(request, "Saved. Messages that are sent from now on say it so.")
        return True

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        request.current_app = self.admin_site.name
        return TemplateResponse(request, template, {**self.admin_site.each_context(request), **context})

    def _words_url(self, kind: str, channel: str, locale: str) -> str:
        return reverse(f"{self.admin_site.name}:notifications_template_words", args=[kind, channel, locale])


def _name(code: str) -> str:
    """The language's own name: Kiswahili."""
    return str(locale_of(code).get_display_name() or code).capitalize()


def _first_channel(kind: Kind) -> str:
    """The channel to show a language by: e-mail where the kind has it, since it says most."""
    return EMAIL if EMAIL in kind.channels else next(one for one in CHANNELS if one in kind.channels)


def _preview(request: HttpRequest, kind: Kind, channel: str, locale: str, words: Words) -> dict[str, Any]:
    """The words filled with the kind's sample; what is wrong with them instead, when they cannot be filled."""
    reader = Reader(SAMPLE_READER[0], locale, SAMPLE_READER[1])
    try:
        filled = words_fill(words, channel, values_of(kind, sample_facts(kind), reader))
    except KeyError as missing:
        messages.error(request, f"There is no {{{missing.args[0] or ''}}} here.")
        return {"words_filled": None}
    mail = email_facts(parts=[(filled, "/")], reader=reader, subject=filled.subject) if channel == EMAIL else None
    return {"words_filled": filled, "words_mail": mail}
