"""Pages of the staff site about one's own safety: second factors, sessions, password; and "show it again"."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from apps.core import clock
from apps.core.errors import DomainError, NotFound, TooManyRequests, ValidationFailed
from apps.core.tasks import after_commit
from apps.identity import selectors, services, tasks
from apps.identity.models import Challenge, SecondFactor, Session, User
from apps.identity.otp import qr_svg, totp_uri
from apps.identity.rates import rate_check, rate_give_back, user_keys
from apps.identity.staff_gate import confirm_first, lately_verified
from apps.identity.staff_login import SECOND, VERIFIED, next_page, too_many

PENDING_FACTOR = "numina_factor"
STEP_UP = "numina_step_up"


def security_page(request: HttpRequest, site: Any) -> HttpResponse:
    """One's own second factors, sessions and password."""
    user = cast("User", request.user)
    shown: dict[str, Any] = {}
    if request.method == "POST":
        act = ACTS.get(request.POST.get("do", ""))
        if act is None:
            return HttpResponseRedirect(reverse("admin:security"))
        try:
            answer = act(request, user)
        except TooManyRequests as error:
            return too_many(request, error)
        except ValidationFailed as error:
            answer = {"security_fault": " ".join(fault["detail"] for fault in error.errors)}
        except DomainError as error:
            answer = {"security_fault": error.detail}
        if isinstance(answer, HttpResponse):
            return answer
        if not answer:
            return HttpResponseRedirect(reverse("admin:security"))
        shown = answer
    context = {**site.each_context(request), **_facts(request, user), **shown}
    return render(request, "identity/security.html", context, status=422 if "security_fault" in shown else 200)


def confirm_page(request: HttpRequest, site: Any) -> HttpResponse:
    """Asks for the second factor, or the password where there is none, before something dangerous."""
    user = cast("User", request.user)
    target = next_page(request, request.GET.get("next", ""))
    fault = ""
    if request.method == "POST":
        keys = user_keys("code_user", user.pk)
        try:
            rate_check(request, keys)
            if "factor" in request.POST:
                _step_up_code(request, user)
            else:
                _step_up_end(request, user)
                rate_give_back(keys)
                return HttpResponseRedirect(target)
        except TooManyRequests as error:
            return too_many(request, error)
        except DomainError as error:
            fault = error.title
    context = {
        **site.each_context(request),
        "title": "Is it you?",
        "page_crumbs": [("Is it you?", "")],
        "factor_methods": selectors.factor_methods(user),
        "factor_fault": fault,
        "factor_target": target,
    }
    return render(request, "identity/confirm.html", context, status=422 if fault else 200)


def _facts(request: HttpRequest, user: User) -> dict[str, Any]:
    at = clock.now()
    return {
        "title": "My sign-in",
        "page_crumbs": [("My sign-in", "")],
        "security_factors": selectors.factors_of(user).filter(confirmed=True),
        "security_required": selectors.mfa_required_of(user) and user.mfa_enabled_at is None,
        "security_codes_left": user.recovery_codes.filter(used_at=None).count(),
        "security_sessions": selectors.sessions_of(user, at=at)[:25],
        "security_here": request.session.session_key,
    }


def _enrol(request: HttpRequest, user: User) -> Any:
    if not lately_verified(request):
        return confirm_first(request)
    kind = request.POST.get("kind", "totp")
    if kind not in SecondFactor.Kind.values:
        raise NotFound
    name = "".join(sign for sign in request.POST.get("name", "") if sign.isprintable())[:64]
    enrolled = services.factor_enrol(
        acting_user=user, kind=kind, name=name, address=request.POST.get("address", "")[:32], at=clock.now()
    )
    request.session[PENDING_FACTOR] = str(enrolled.factor.pk)
    if enrolled.challenge_id:
        after_commit(tasks.code_send, challenge_id=enrolled.challenge_id)
    return _pending(enrolled.factor, enrolled.secret, user)


def _pending(factor: SecondFactor, secret: str, user: User) -> dict[str, Any]:
    qr = qr_svg(totp_uri(secret, email=user.email)) if secret else ""
    return {"security_pending": factor, "security_secret": secret, "security_qr": qr}


def _confirm(request: HttpRequest, user: User) -> Any:
    keys = user_keys("code_user", user.pk)
    rate_check(request, keys)
    factor = selectors.factor_get_for(user=user, pk=_id(request.session.get(PENDING_FACTOR, "")))
    at = clock.now()
    here = Session.objects.filter(web_key=str(request.session.session_key)).values_list("pk", flat=True).first()
    try:
        codes = services.factor_confirm(
            acting_user=user, factor_id=factor.pk, code=request.POST.get("code", "")[:16], at=at, session_id=here
        )
    except DomainError as error:
        return {**_pending(factor, selectors.factor_secret(factor), user), "security_fault": error.title}
    rate_give_back(keys)
    user.refresh_from_db()
    request.session[SECOND], request.session[VERIFIED] = True, int(time.time())
    del request.session[PENDING_FACTOR]
    after_commit(tasks.notice_send, user_id=user.pk, what="A second factor was added", at=at)
    messages.success(request, "Sign-in asks for it from now on.")
    return {"security_codes": codes} if codes else {}


def _remove(request: HttpRequest, user: User) -> Any:
    if not lately_verified(request):
        return confirm_first(request)
    at = clock.now()
    services.factor_remove(acting_user=user, factor_id=_id(request.POST.get("factor", "")), at=at)
    after_commit(tasks.notice_send, user_id=user.pk, what="A second factor was removed", at=at)
    messages.success(request, "Removed.")
    return {}


def _codes(request: HttpRequest, user: User) -> Any:
    if not lately_verified(request):
        return confirm_first(request)
    return {"security_codes": services.recovery_codes_renew(acting_user=user, at=clock.now())}


def _end_session(request: HttpRequest, user: User) -> Any:
    session_id = _id(request.POST.get("session", ""))
    if services.token_revoke(acting_user=user, session_id=session_id, reason="ended by its owner", at=clock.now()):
        messages.success(request, "Ended.")
    return {}


def _end_others(request: HttpRequest, user: User) -> Any:
    here = Session.objects.filter(web_key=str(request.session.session_key)).values_list("pk", flat=True).first()
    ended = services.sessions_end(
        acting_user=user, user=user, reason="ended by its owner", at=clock.now(), except_id=here
    )
    messages.success(request, f"{ended} ended.")
    return {}


def _password(request: HttpRequest, user: User) -> Any:
    keys = user_keys("password_user", user.pk)
    rate_check(request, keys)
    new, at = request.POST.get("new_password", ""), clock.now()
    if new != request.POST.get("new_password_again", ""):
        return {"security_fault": "The two new passwords differ."}
    here = Session.objects.filter(web_key=str(request.session.session_key)).values_list("pk", flat=True).first()
    changed = services.password_change(
        acting_user=user, current=request.POST.get("current_password", "")[:256], new=new, at=at, session_id=here
    )
    rate_give_back(keys)
    update_session_auth_hash(request, changed)
    # The key of the session was changed with the password: its owner's list follows.
    if here is not None:
        Session.objects.filter(pk=here).update(web_key=str(request.session.session_key))
    after_commit(tasks.notice_send, user_id=user.pk, what="Your password was changed", at=at)
    messages.success(request, "Your password was changed; all other sessions were ended.")
    return {}


ACTS: dict[str, Callable[[HttpRequest, User], Any]] = {
    "enrol": _enrol,
    "confirm": _confirm,
    "remove": _remove,
    "codes": _codes,
    "end": _end_session,
    "end_others": _end_others,
    "password": _password,
}


def _step_up_token(request: HttpRequest, user: User) -> str:
    token = request.session.get(STEP_UP, "")
    at = clock.now()
    try:
        if token and services.challenge_user_id(token=token, at=at) == user.pk:
            return str(token)
    except DomainError:
        pass
    begun = services.challenge_begin(user=user, purpose=Challenge.Purpose.STEP_UP, at=at)
    request.session[STEP_UP] = begun.token
    return begun.token


def _step_up_code(request: HttpRequest, user: User) -> None:
    token = _step_up_token(request, user)
    challenge_id = services.challenge_code_ask(token=token, factor_id=_id(request.POST["factor"]), at=clock.now())
    after_commit(tasks.code_send, challenge_id=challenge_id)


def _step_up_end(request: HttpRequest, user: User) -> None:
    token = _step_up_token(request, user)
    services.challenge_answer(
        token=token,
        code=request.POST.get("code", "")[:256],
        purposes=frozenset({Challenge.Purpose.STEP_UP}),
        at=clock.now(),
    )
    request.session.pop(STEP_UP, None)
    request.session[VERIFIED] = int(time.time())


def _id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except (ValueError, AttributeError):
        raise NotFound from None
