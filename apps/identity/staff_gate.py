"""What every request to the staff site passes: allowed addresses, age and rest of the session, the second factor.

What is dangerous (NUMINA["STAFF_DANGEROUS"], names of URLs) is opened only to who has shown the second factor, or the
password where there is none, within the last minutes.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.core.exceptions import BadRequest
from django.core.handlers.exception import response_for_exception
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from apps.core.context import client_ip
from apps.core.errors import NotFound
from apps.core.trail import trail_record
from apps.identity.guards import StaffStepUp
from apps.identity.selectors import mfa_required_of
from apps.identity.staff_login import SECOND, SEEN, STARTED, VERIFIED

STAFF_SITE = "/admin/"
SEEN_EVERY_SECONDS = 60
OPEN_PAGES = frozenset({"login", "logout", "second_step", "jsi18n"})
ENROLMENT_PAGES = OPEN_PAGES | {"security", "security_confirm"}


class StaffGateMiddleware:
    """Stands after the session and the user are known. The API passes by."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """None lets the request through; anything else is the answer."""
        if not request.path_info.startswith(STAFF_SITE):
            return None
        if not address_allowed(request):
            return _address_refused(request)
        if request.method == "POST" and any("\0" in text for _, texts in request.POST.lists() for text in texts):
            raise BadRequest("NUL in a form.")  # PostgreSQL takes none: what is typed never holds one
        page = request.resolver_match.url_name if request.resolver_match else ""
        user: Any = request.user
        if page in OPEN_PAGES or not user.is_authenticated:
            return None
        reason = _over(request)
        if reason:
            return _sign_in_again(request, user, reason)
        user.on_staff_site, user.verified_at = True, dt.datetime.fromtimestamp(request.session.get(VERIFIED, 0), dt.UTC)
        if user.mfa_enabled_at is None and mfa_required_of(user) and page not in ENROLMENT_PAGES:
            return HttpResponseRedirect(reverse("admin:security"))
        if page in settings.NUMINA["STAFF_DANGEROUS"] and not lately_verified(request):
            return confirm_first(request)
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """404 where what a page asked a service for is not there or out of reach; to the second factor where an act
        turned out to need it in the middle of a page: nothing of it was done."""
        if isinstance(exception, NotFound) and request.path_info.startswith(STAFF_SITE):
            return response_for_exception(request, Http404(str(exception.detail)))
        if not isinstance(exception, StaffStepUp):
            return None
        messages.info(request, "That needs your second factor. Then fill in the form again: nothing was done yet.")
        return confirm_first(request)


def address_allowed(request: HttpRequest) -> bool:
    """Is the caller's address in one of NUMINA["STAFF_ADDRESSES"]? Everybody's is where there are none."""
    allowed = settings.NUMINA["STAFF_ADDRESSES"]
    if not allowed:
        return True
    text = client_ip(request.META, trusted_proxies=settings.NUMINA.get("TRUSTED_PROXIES", 0))
    if not text:
        return False
    address = ipaddress.ip_address(text)
    return any(address in ipaddress.ip_network(one, strict=False) for one in allowed)


def lately_verified(request: HttpRequest) -> bool:
    """Was the second factor, or the password where there is none, shown within NUMINA["STEP_UP_SECONDS"]?"""
    shown = request.session.get(VERIFIED, 0)
    return bool(time.time() - shown <= settings.NUMINA["STEP_UP_SECONDS"])


def confirm_first(request: HttpRequest) -> HttpResponse:
    """To the page that asks for it, and back by GET, to where the form is: it is filled in again, not repeated."""
    came_from = urlsplit(request.headers.get("Referer", ""))
    back = came_from.path if came_from.netloc == request.get_host() else request.path
    query = urlencode({"next": request.get_full_path() if request.method == "GET" else back})
    return HttpResponseRedirect(f"{reverse('admin:security_confirm')}?{query}")


def _over(request: HttpRequest) -> str:
    """Why the session ends now; empty while it does not. Its last use is written down once a minute."""
    now, session = int(time.time()), request.session
    user: Any = request.user
    if now - session.get(STARTED, 0) > settings.NUMINA["STAFF_SESSION_AGE"].total_seconds():
        return "too old"
    if now - session.get(SEEN, 0) > settings.NUMINA["STAFF_IDLE_MINUTES"] * 60:
        return "not used"
    if user.mfa_enabled_at is not None and not session.get(SECOND, False):
        return "no second factor"
    if now - session[SEEN] > SEEN_EVERY_SECONDS:
        session[SEEN] = now
    return ""


def _sign_in_again(request: HttpRequest, user: Any, reason: str) -> HttpResponse:
    trail_record(
        action="identity.session.ended",
        acting_user=user,
        kind="security",
        target=user,
        after={"place": "staff site"},
        reason=reason,
    )
    logout(request)
    return HttpResponseRedirect(f"{reverse('admin:login')}?{urlencode({'next': request.get_full_path()})}")


def _address_refused(request: HttpRequest) -> HttpResponse:
    trail_record(
        action="identity.login.address_refused",
        acting_user=None,
        actor_label="anonymous",
        kind="security",
        object_type="view",
        object_label=request.path[:254],
    )
    context = {
        "error_code": "403",
        "error_title": "Not from here",
        "error_text": "The staff site is open from the bank's own addresses only.",
    }
    return render(request, "numina/error_page.html", context, status=403)
