"""The staff site's sign-in page: limited like the API's, each outcome in the trail."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.core import clock
from apps.core.errors import TooManyRequests
from apps.core.trail import trail_record
from apps.identity.emails import EMAIL_MAX
from apps.identity.models import User
from apps.identity.rates import login_keys, rate_check, rate_give_back

LoginView = Callable[..., HttpResponse]


def limited(login: LoginView) -> LoginView:
    """Django's login view with the limits of the API (counted together with it) and events in the trail."""

    @functools.wraps(login)
    def view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return login(request, *args, **kwargs)
        email = request.POST.get("username", "")[: EMAIL_MAX * 2]
        keys = login_keys(request, email)
        try:
            rate_check(request, keys)
        except TooManyRequests as error:
            context = {"retry_after": error.retry_after}
            response = render(request, "identity/too_many_attempts.html", context, status=429)
            response["Retry-After"] = str(error.retry_after)
            return response
        response = login(request, *args, **kwargs)
        if isinstance(request.user, User) and response.status_code == 302:
            rate_give_back(keys)
            User.objects.filter(pk=request.user.pk).update(last_login=clock.now())
            trail_record(
                action="identity.session.started",
                acting_user=request.user,
                kind="security",
                target=request.user,
                after={"place": "staff site"},
            )
        else:
            trail_record(
                action="identity.login.failed",
                acting_user=None,
                actor_label="anonymous",
                kind="security",
                object_type="identity.user",
                object_label=email,
                after={"place": "staff site"},
            )
        return response

    return view
