"""How the API knows its callers: `Authorization: Bearer <access token>`."""

from __future__ import annotations

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from apps.core.errors import InvalidToken
from apps.identity.models import User
from apps.identity.principals import principal_get
from apps.identity.tokens import Claims, access_claims

REALM = 'Bearer realm="numina"'


class JWTAuthentication(BaseAuthentication):
    """Signature from memory when seen before, then the principal from memory when read in the last seconds.

    A token dies with its expiry, with its session (sign-out, a refresh token used twice, deactivation) and with its
    user. The process that ends a session refuses its tokens at once; others within NUMINA["PRINCIPAL_CACHE_SECONDS"]
    (5 unless set), since they may hold the principal for that long. See apps.identity.principals.
    """

    def authenticate(self, request: Request) -> tuple[User, Claims] | None:
        """(user, claims); None without the header; InvalidToken (401) for anything that is not acceptable."""
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not header:
            return None
        scheme, _, raw = header.partition(" ")
        if scheme.lower() != "bearer" or not raw or " " in raw:
            raise InvalidToken("Send one access token: Authorization: Bearer ...")
        claims = access_claims(raw)
        user = principal_get(user_id=claims.user_id, session_id=claims.session_id)
        if user is None:
            raise InvalidToken("The session has ended. Sign in again.")
        return user, claims

    def authenticate_header(self, request: Request) -> str:
        """The challenge of a 401."""
        return REALM
