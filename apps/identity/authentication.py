"""How the API knows its callers: an access token of a person, or a key of a machine."""

from __future__ import annotations

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from apps.core.errors import InvalidToken, PermissionDenied
from apps.identity.errors import MfaEnrolmentRequired
from apps.identity.models import User
from apps.identity.principals import principal_get, principal_of_key
from apps.identity.selectors import mfa_required_of
from apps.identity.tokens import Claims, access_claims

REALM = 'Bearer realm="numina"'
KEY_PREFIX = "nk_"
KEY_MAX_CHARACTERS = 200
# What staff without a second factor may still do where one is required: set it up, and leave.
BEFORE_ENROLMENT = ("/api/v1/auth/", "/api/v1/users/me")
# How a person signs in and is told is changed by the person, who can be asked for a second factor; no key can. The two
# that are open all the same end or begin nothing for a key.
OF_PERSONS = ("/api/v1/auth/", "/api/v1/users/me", "/api/v1/notifications")
HARMLESS = ("/api/v1/auth/logout", "/api/v1/auth/step-up")


class JWTAuthentication(BaseAuthentication):
    """Signature from memory when seen before, then the principal from memory when read in the last seconds.

    A token dies with its expiry, with its session (sign-out, a refresh token used twice, deactivation) and with its
    user. The process that ends a session refuses its tokens at once; others within NUMINA["PRINCIPAL_CACHE_SECONDS"]
    (5 unless set), since they may hold the principal for that long. See apps.identity.principals.

    Machines send their key instead, as `Authorization: Bearer nk_live_...` or `X-Api-Key: nk_live_...`. A key changes
    nothing of its user's own: factors, sessions, particulars.
    """

    def authenticate(self, request: Request) -> tuple[User, Claims | None] | None:
        """(user, claims); None without the header; InvalidToken (401) for anything that is not acceptable.

        `claims` is None for a key. MfaEnrolmentRequired (403) for staff without the second factor they need,
        PermissionDenied (403) for a key where only a person acts.
        """
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not header:
            key = request.META.get("HTTP_X_API_KEY", "")
            return (_machine(request, key), None) if key else None
        scheme, _, raw = header.partition(" ")
        if scheme.lower() != "bearer" or not raw or " " in raw:
            raise InvalidToken("Send one access token: Authorization: Bearer ...")
        if "HTTP_X_API_KEY" in request.META:
            raise InvalidToken("Send an access token or a key, not both.")
        if raw.startswith(KEY_PREFIX):
            return _machine(request, raw), None
        claims = access_claims(raw)
        user = principal_get(user_id=claims.user_id, session_id=claims.session_id)
        if user is None:
            raise InvalidToken("The session has ended. Sign in again.")
        if user.mfa_enabled_at is None and mfa_required_of(user):
            _enrolment_only(request, user)
        return user, claims

    def authenticate_header(self, request: Request) -> str:
        """The challenge of a 401."""
        return REALM


def _machine(request: Request | HttpRequest, raw: str) -> User:
    user = principal_of_key(raw=raw) if len(raw) <= KEY_MAX_CHARACTERS and raw.startswith(KEY_PREFIX) else None
    if user is None:
        raise InvalidToken("The key is not accepted.")
    path = request.path
    if request.method not in ("GET", "HEAD") and path.startswith(OF_PERSONS) and not path.startswith(HARMLESS):
        refused = PermissionDenied("The person does this, signed in; a key cannot.")
        refused.acting_user = user  # who it is was proven, and the request does not know it yet
        raise refused
    return user


def _enrolment_only(request: Request | HttpRequest, user: User) -> None:
    if not request.path.startswith(BEFORE_ENROLMENT):
        refused = MfaEnrolmentRequired()
        refused.acting_user = user  # who it is was proven, and the request does not know it yet
        raise refused
