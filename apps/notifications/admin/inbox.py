"""The bell: one's own notifications, and how one wants to be told."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET, require_POST

from apps.core import clock, display
from apps.core.admin import NuminaAdmin
from apps.core.api.etag import has_already
from apps.core.errors import DomainError, NotFound
from apps.core.notices import CHANNELS, EMAIL
from apps.core.words import language_names
from apps.identity.services import user_update
from apps.notifications import services
from apps.notifications.models import Channel, Notification, Preference
from apps.notifications.selectors import choices_of, notifications_of, rhythm_of, subscriptions_of, unread_state
from apps.notifications.services import Wish

FEED_ROWS = 8
BODY_MAX = 4_000


@admin.register(Notification)
class NotificationAdmin(NuminaAdmin):
    """Whoever works at the site sees what he was told, and nobody else's."""

    list_display = ("when", "title", "body", "state")
    list_display_links = ("title",)
    list_filter = (("read_at", admin.EmptyFieldListFilter),)
    ordering = ("-created_at", "-pk")
    fields = ("when", "body", "kind", "read_at")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Everybody who may sign in here."""
        return bool(request.user.is_authenticated and request.user.is_staff)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notification]:
        return notifications_of(_user(request))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("feed/", view(require_GET(self.feed_view)), name="notifications_notification_feed"),
            path("read/", view(require_POST(self.read_view)), name="notifications_notification_read"),
            path("<uuid:pk>/open/", view(require_GET(self.open_view)), name="notifications_notification_open"),
            path("preferences/", view(self.preferences_view), name="notifications_notification_preferences"),
            path("browsers/", view(require_POST(self.browsers_view)), name="notifications_notification_browsers"),
            *super().get_urls(),
        ]

    @admin.display(description="When", ordering="created_at")
    def when(self, notification: Notification) -> str:
        return display.moment_text(notification.created_at)

    @admin.display(description="State")
    def state(self, notification: Notification) -> SafeString:
        return display.chip("Read", "plain") if notification.read_at else display.chip("New", "info")

    def record_title(self, record: Notification) -> str:
        return record.title

    def record_actions(self, request: HttpRequest, record: Notification) -> list[dict[str, str]]:
        if not record.link:
            return []
        return [{"title": "Open", "url": self._own("open", record.pk), "icon": "open_in_new"}]

    # -- the bell

    def feed_view(self, request: HttpRequest) -> HttpResponse:
        """The newest, and how many are unread; 304 when the browser has them already."""
        unread, tag = unread_state(_user(request))
        headers = {"ETag": f'"{tag}"', "Cache-Control": "private, no-cache"}
        if has_already(request.headers, headers["ETag"]):
            return HttpResponse(status=304, headers=headers)
        rows = notifications_of(_user(request)).order_by("-created_at", "-pk")[:FEED_ROWS]
        items = [
            {
                "title": row.title,
                "body": row.body,
                "url": self._own("open", row.pk),
                "when": display.moment_text(row.created_at),
                "read": row.read_at is not None,
            }
            for row in rows
        ]
        return JsonResponse({"unread": unread, "items": items}, headers=headers)

    def read_view(self, request: HttpRequest) -> HttpResponse:
        """Mark all as read."""
        services.notification_mark_read_all(acting_user=_user(request), at=clock.now())
        if request.headers.get("Accept") == "application/json":
            return HttpResponse(status=204)
        return HttpResponseRedirect(reverse("admin:notifications_notification_changelist"))

    def open_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Mark one as read and go to what it is about."""
        try:
            found = services.notification_mark_read(acting_user=_user(request), notification_id=pk, at=clock.now())
        except NotFound:
            return HttpResponseRedirect(reverse("admin:notifications_notification_changelist"))
        return HttpResponseRedirect(found.link or self._url("change", found))

    # -- choices

    def preferences_view(self, request: HttpRequest) -> HttpResponse:
        """Which kinds, by which channels, and when not."""
        user = _user(request)
        if request.method == "POST":
            try:
                self._save(request)
            except DomainError as refusal:
                faults = getattr(refusal, "errors", None)
                messages.error(request, faults[0]["detail"] if faults else refusal.detail)
            else:
                messages.success(request, "Saved.")
            return HttpResponseRedirect(self._own("preferences"))
        kinds: dict[str, dict[str, Any]] = {}
        for choice in choices_of(user):
            entry = kinds.setdefault(choice.kind, {"title": choice.title, "choices": []})
            entry["choices"].append({"choice": choice, "modes": _modes(choice.channel)})
        context = {
            **self.admin_site.each_context(request),
            "title": "How you are told",
            "page_crumbs": [("Notifications", self._url("changelist")), ("How you are told", "")],
            "notice_channels": [Channel(channel).label for channel in CHANNELS],
            "notice_kinds": kinds.values(),
            "notice_rhythm": rhythm_of(user),
            "notice_zone": user.time_zone,
            "notice_languages": language_names(),
            "notice_language": user.locale.split("-")[0],
            "notice_browsers": subscriptions_of(user),
            "notice_push_key": settings.NUMINA["NOTIFICATIONS"]["PUSH"]["public_key"],
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "notifications/preferences.html", context)

    def _save(self, request: HttpRequest) -> None:
        wishes = [
            Wish(choice.kind, choice.channel, sent)
            for choice in choices_of(_user(request))
            if not choice.is_fixed
            and (sent := request.POST.get(f"{choice.kind}:{choice.channel}", choice.mode)) != choice.mode
        ]
        user = _user(request)
        begins, ends = (_time(request.POST.get(name, "")) for name in ("quiet_from", "quiet_until"))
        digest = _time(request.POST.get("digest_at", "")) or dt.time(8)
        language = request.POST.get("language", "")
        if language in dict(language_names()) and language != user.locale.split("-")[0]:
            user_update(acting_user=user, user_id=user.pk, expected_version=user.version, changes={"locale": language})
        services.rhythm_set(acting_user=user, quiet_from=begins, quiet_until=ends, digest_at=digest)
        if wishes:
            services.preference_set_many(acting_user=user, wishes=wishes)

    def browsers_view(self, request: HttpRequest) -> HttpResponse:
        """Subscribe this browser to push messages (JSON), or end one of one's own (a form with its id)."""
        user, at = _user(request), clock.now()
        try:
            if request.content_type == "application/json":
                sent = _object(request.body)
                services.subscription_create(acting_user=user, at=at, **sent)
                return HttpResponse(status=204)
            services.subscription_end(acting_user=user, subscription_id=UUID(request.POST.get("id", "")), at=at)
        except DomainError as refusal:
            return JsonResponse({"detail": refusal.detail}, status=refusal.status)
        except ValueError:
            return JsonResponse({"detail": "The request is not valid."}, status=400)
        return HttpResponseRedirect(self._own("preferences"))

    def _own(self, name: str, *args: object) -> str:
        return reverse(f"{self.admin_site.name}:notifications_notification_{name}", args=args)


def _user(request: HttpRequest) -> Any:
    return cast("Any", request.user)


def _modes(channel: str) -> list[tuple[str, str]]:
    return [
        (mode.value, str(mode.label))
        for mode in Preference.Mode
        if mode is not Preference.Mode.DIGEST or channel == EMAIL
    ]


def _time(text: str) -> dt.time | None:
    try:
        return dt.time.fromisoformat(text) if text else None
    except ValueError:
        return None


def _object(body: bytes) -> dict[str, str]:
    """endpoint, p256dh, auth and device of a browser. Raises ValueError for anything else."""
    if len(body) > BODY_MAX:
        raise ValueError
    sent = json.loads(body)
    wanted = {name: sent[name] for name in ("endpoint", "p256dh", "auth", "device")} if _has_all(sent) else {}
    if not wanted or not all(isinstance(value, str) for value in wanted.values()):
        raise ValueError
    return {**wanted, "device": wanted["device"][:80]}


def _has_all(sent: object) -> bool:
    return isinstance(sent, dict) and sent.keys() >= {"endpoint", "p256dh", "auth", "device"}
