"""The staff site's sign-in: limited like the API's, a second factor for who has one, each outcome in the trail."""

from __future__ import annotations

import functools
import time
import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import login as auth_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from unfold.forms import AuthenticationForm

from apps.core import clock
from apps.core.errors import DomainError, TooManyRequests
from apps.core.tasks import after_commit
from apps.core.trail import trail_record
from apps.identity import selectors, services, tasks
from apps.identity.emails import EMAIL_MAX
from apps.identity.errors import ChallengeNotValid, CodeNotValid
from apps.identity.models import Challenge, User
from apps.identity.rates import DEVICE_COOKIE, device_of, login_keys, rate_check, rate_give_back, user_keys
from apps.identity.validators import PASSWORD_MAX

LoginView = Callable[..., HttpResponse]
# What the session remembers, as seconds since 1970.
STARTED, SEEN, VERIFIED, SECOND = "numina_started", "numina_seen", "numina_verified", "numina_second_factor"
PENDING, NEXT = "numina_challenge", "numina_next"
DEVICE_COOKIE_SECONDS = 400 * 86_400
BACKEND = "django.contrib.auth.backends.ModelBackend"


class SecondFactorWanted(Exception):
    """Raised through Django's sign-in form when the password is right and a second factor has to follow."""

    def __init__(self, user: User) -> None:
        self.user = user
        super().__init__("a second factor has to follow")


class StaffLoginForm(AuthenticationForm):
    """The password is half of a sign-in for who has a second factor."""

    def __init__(self, request: HttpRequest | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.fields["password"].max_length = PASSWORD_MAX
        self.fields["password"].widget.attrs["maxlength"] = str(PASSWORD_MAX)

    def clean_password(self) -> str:
        """Refuse what is longer than any password of ours, unhashed."""
        password: str = self.cleaned_data["password"]
        if len(password) > PASSWORD_MAX:
            raise self.get_invalid_login_error()
        return password

    def confirm_login_allowed(self, user: Any) -> None:
        """Staff only, as the base class says; then ask for the second factor."""
        super().confirm_login_allowed(user)
        if user.mfa_enabled_at is not None:
            raise SecondFactorWanted(user)


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
            return too_many(request, error)
        try:
            response = login(request, *args, **kwargs)
        except SecondFactorWanted as wanted:
            rate_give_back(keys)
            return _second_step_begin(request, wanted.user)
        if isinstance(request.user, User) and response.status_code == 302:
            rate_give_back(keys)
            session_note(request, request.user, second_factor=False)
            _device_remember(request, response)
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


def too_many(request: HttpRequest, error: TooManyRequests) -> HttpResponse:
    """The page that says how long to wait."""
    response = render(request, "identity/too_many_attempts.html", {"retry_after": error.retry_after}, status=429)
    response["Retry-After"] = str(error.retry_after)
    return response


def second_step(request: HttpRequest, site: Any) -> HttpResponse:
    """The page that asks for the code. Nobody is signed in before it is right."""
    token = request.session.get(PENDING, "")
    at = clock.now()
    try:
        user_id = services.challenge_user_id(token=token, at=at)
    except ChallengeNotValid:
        request.session.pop(PENDING, None)
        return HttpResponseRedirect(reverse("admin:login"))
    fault = ""
    if request.method == "POST":
        try:
            rate_check(request, user_keys("code_user", user_id))
            if "factor" in request.POST:
                _code_ask(token, request.POST["factor"])
            else:
                return _second_step_end(request, token)
        except TooManyRequests as error:
            return too_many(request, error)
        except ChallengeNotValid:
            return HttpResponseRedirect(reverse("admin:login"))
        except DomainError as error:
            fault = error.title
    methods = selectors.factor_methods(User.objects.get(pk=user_id))
    context = {**site.each_context(request), "title": "Second factor", "factor_methods": methods, "factor_fault": fault}
    return render(request, "identity/second_step.html", context, status=422 if fault else 200)


def session_note(request: HttpRequest, user: User, *, second_factor: bool) -> None:
    """Write the sign-in down: for its owner's list of sessions, and in the session itself for the gate."""
    at = clock.now()
    marks(request, second_factor=second_factor)
    if request.session.session_key is None:
        request.session.save()
    User.objects.filter(pk=user.pk).update(last_login=at)
    agent = request.META.get("HTTP_USER_AGENT", "").replace("\x00", "").encode("utf-8", "replace").decode()
    services.session_start(
        user=user,
        at=at,
        expires_at=at + settings.NUMINA["STAFF_SESSION_AGE"],
        client=services.Client(user_agent=agent, device=device_of(request)),
        verified_at=at if second_factor else None,
        web_key=str(request.session.session_key),
    )


def marks(request: HttpRequest, *, second_factor: bool) -> None:
    """What the gate (apps.identity.staff_gate) looks at: when the session began, and what was shown for it."""
    now = int(time.time())
    request.session[STARTED] = request.session[SEEN] = request.session[VERIFIED] = now
    request.session[SECOND] = second_factor


def next_page(request: HttpRequest, wanted: str) -> str:
    """Where to go after signing in: a page of ours, or the dashboard."""
    if wanted and url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}):
        return wanted
    return resolve_url(settings.LOGIN_REDIRECT_URL)


def _second_step_begin(request: HttpRequest, user: User) -> HttpResponse:
    begun = services.challenge_begin(user=user, purpose=Challenge.Purpose.SIGN_IN, at=clock.now())
    request.session.cycle_key()  # nobody who knew the key before may answer
    request.session[PENDING] = begun.token
    request.session[NEXT] = request.POST.get("next", "") or request.GET.get("next", "")
    return HttpResponseRedirect(reverse("admin:second_step"))


def _second_step_end(request: HttpRequest, token: str) -> HttpResponse:
    code = request.POST.get("code", "")[:64]
    at = clock.now()
    challenge = services.challenge_answer(
        token=token, code=code, purposes=frozenset({Challenge.Purpose.SIGN_IN}), at=at
    )
    if not challenge.user.is_staff:
        raise ChallengeNotValid
    rate_give_back(user_keys("code_user", challenge.user_id))
    target = next_page(request, request.session.pop(NEXT, ""))
    request.session.pop(PENDING, None)
    auth_login(request, challenge.user, backend=BACKEND)
    session_note(request, challenge.user, second_factor=True)
    response = HttpResponseRedirect(target)
    _device_remember(request, response)
    return response


def _code_ask(token: str, factor: str) -> None:
    try:
        factor_id = uuid.UUID(factor)
    except ValueError:
        raise CodeNotValid from None
    challenge_id = services.challenge_code_ask(token=token, factor_id=factor_id, at=clock.now())
    after_commit(tasks.code_send, challenge_id=challenge_id)


def _device_remember(request: HttpRequest, response: HttpResponse) -> None:
    if DEVICE_COOKIE not in request.COOKIES:
        response.set_cookie(
            DEVICE_COOKIE,
            uuid.uuid4().hex,
            max_age=DEVICE_COOKIE_SECONDS,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
