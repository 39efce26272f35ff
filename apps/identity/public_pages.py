"""The two pages that links in e-mails lead to. Opening one changes nothing: mail scanners open links, too."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.core import clock
from apps.core.errors import DomainError, TooManyRequests, ValidationFailed
from apps.core.tasks import after_commit
from apps.identity import services, tasks
from apps.identity.rates import address_keys, rate_check

TOKEN_MAX = 64


@never_cache
@require_http_methods(["GET", "POST"])
def password_page(request: HttpRequest) -> HttpResponse:
    """Set a new password by the link that was sent."""
    if request.method == "GET":
        return _page(request, "Set a new password", fields=True)
    new = request.POST.get("password", "")
    if new != request.POST.get("password_again", ""):
        return _page(request, "Set a new password", fields=True, fault="The two passwords differ.", status=422)
    try:
        rate_check(request, address_keys(request, "link_ip"))
        at = clock.now()
        user = services.password_reset(token=_token(request), new=new, at=at)
    except ValidationFailed as error:
        fault = " ".join(one["detail"] for one in error.errors)
        return _page(request, "Set a new password", fields=True, fault=fault, status=422)
    except DomainError as error:
        return _refused(request, error)
    after_commit(tasks.notice_send, user_id=user.pk, what="Your password was changed", at=at)
    return _page(request, "Your password is set", text="You can sign in with it now. All earlier sessions were ended.")


@never_cache
@require_http_methods(["GET", "POST"])
def confirm_page(request: HttpRequest) -> HttpResponse:
    """Confirm an e-mail address by the link that was sent."""
    if request.method == "GET":
        return _page(request, "Confirm your address", button="Confirm")
    try:
        rate_check(request, address_keys(request, "link_ip"))
        services.email_confirm(token=_token(request), at=clock.now())
    except DomainError as error:
        return _refused(request, error)
    return _page(request, "Your address is confirmed", text="You can sign in now.")


def _token(request: HttpRequest) -> str:
    return (request.POST if request.method == "POST" else request.GET).get("token", "")[:TOKEN_MAX]


def _refused(request: HttpRequest, error: DomainError) -> HttpResponse:
    response = _page(request, error.title, text="Ask for another link.", status=error.status)
    if isinstance(error, TooManyRequests):
        response["Retry-After"] = str(error.retry_after)
    return response


def _page(request: HttpRequest, title: str, *, status: int = 200, **context: Any) -> HttpResponse:
    facts = {"account_title": title, "account_token": _token(request), **context}
    response = render(request, "identity/account.html", facts, status=status)
    # The address holds the token: no other site may see it. Our own must, or Django takes the form for a stranger's.
    response["Referrer-Policy"] = "same-origin"
    return response


urlpatterns = [
    path("confirm", confirm_page, name="account-confirm"),
    path("password", password_page, name="account-password"),
]
