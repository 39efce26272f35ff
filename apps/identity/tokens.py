"""Signed tokens: which keys, which claims, and what makes a token acceptable.

The algorithm always comes from the key that `kid` names, never from the token; `kid` is looked up in a closed map;
issuer, audience, expiry and type are required. Whether the session behind a token still lives is asked elsewhere
(apps.identity.principals).
"""

from __future__ import annotations

import hashlib
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenBackendExpiredToken, TokenError
from rest_framework_simplejwt.tokens import Token

from apps.core.errors import InvalidToken

TOKEN_MAX_CHARACTERS = 4_096
VERIFIED_MAX = 10_000
_REQUIRED_CLAIMS = ["exp", "iat", "iss", "aud", "sub", "jti", "sid", "token_type"]


@dataclass(frozen=True)
class Key:
    """A signing key with its one algorithm. For HS256 the two halves are the same secret."""

    kid: str
    algorithm: str
    signing: Any
    verifying: Any


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says. `expires_at` is in seconds since 1970."""

    user_id: uuid.UUID
    session_id: uuid.UUID
    jti: uuid.UUID
    expires_at: int


@lru_cache(maxsize=1)
def keys_by_kid() -> dict[str, Key]:
    """All keys that tokens may be signed with; the first signs. The only place that knows where keys come from.

    A private key in PEM (RSA: RS256, Ed25519: EdDSA) is used as such; any other text is the secret of HS256. Previous
    keys sign nothing any more and are accepted until they are taken out of the settings: who holds tokens of theirs
    gets tokens of the new key at the next refresh.
    """
    text = settings.SIMPLE_JWT["SIGNING_KEY"]
    if not text:
        raise ImproperlyConfigured("NUMINA_JWT_SIGNING_KEY is not set.")
    keys = [_key(one) for one in (text, *settings.SIMPLE_JWT.get("PREVIOUS_KEYS", ()))]
    return {key.kid: key for key in keys}


def _key(text: str) -> Key:
    kid = hashlib.sha256(b"numina.kid:" + text.encode()).hexdigest()[:16]
    if text.lstrip().startswith("-----BEGIN"):
        return _key_from_pem(text, kid)
    return Key(kid=kid, algorithm="HS256", signing=text.encode(), verifying=text.encode())


def _key_from_pem(text: str, kid: str) -> Key:
    # One-line environment files carry line ends as \n.
    private = load_pem_private_key(text.replace("\\n", "\n").encode(), password=None)
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return Key(kid=kid, algorithm="EdDSA", signing=private, verifying=private.public_key())
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size >= 2048:
        return Key(kid=kid, algorithm="RS256", signing=private, verifying=private.public_key())
    raise ImproperlyConfigured("NUMINA_JWT_SIGNING_KEY must be an Ed25519 key or an RSA key of 2048 bits or more.")


class KeyedBackend(TokenBackend):
    """simplejwt's backend with a closed map of keys instead of one key."""

    def __init__(self) -> None:
        self._keys = keys_by_kid()
        signer = next(iter(self._keys.values()))
        super().__init__(
            signer.algorithm,
            audience=settings.SIMPLE_JWT["AUDIENCE"],
            issuer=settings.SIMPLE_JWT["ISSUER"],
            leeway=settings.SIMPLE_JWT["LEEWAY"],
        )
        self._signer = signer

    def encode(self, payload: dict[str, Any]) -> str:
        """The signed token, naming its key."""
        claims = {**payload, "aud": self.audience, "iss": self.issuer}
        return jwt.encode(
            claims, self._signer.signing, algorithm=self._signer.algorithm, headers={"kid": self._signer.kid}
        )

    def decode(self, token: str, verify: bool = True) -> dict[str, Any]:  # type: ignore[override]
        """The claims of an acceptable token; TokenBackendError otherwise. There is no unverified reading."""
        try:
            key = self._keys.get(str(jwt.get_unverified_header(token).get("kid", "")))
            if key is None:
                raise TokenBackendError("Token names no key of ours")
            claims: dict[str, Any] = jwt.decode(
                token,
                key.verifying,
                algorithms=[key.algorithm],
                audience=self.audience,
                issuer=self.issuer,
                leeway=self.get_leeway(),
                options={"require": _REQUIRED_CLAIMS},
            )
        except jwt.ExpiredSignatureError as error:
            raise TokenBackendExpiredToken("Token is expired") from error
        except (jwt.InvalidTokenError, ValueError, TypeError) as error:
            raise TokenBackendError("Token is invalid") from error
        return claims


@lru_cache(maxsize=1)
def _backend() -> KeyedBackend:
    return KeyedBackend()


class SessionToken(Token):
    """What access and refresh tokens share: the user (`sub`), the session (`sid`), an id of their own (`jti`)."""

    def get_token_backend(self) -> KeyedBackend:
        return _backend()


class AccessToken(SessionToken):
    """Opens the API for some minutes."""

    token_type = "access"  # noqa: S105 - a kind, not a secret
    lifetime: timedelta = settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"]


class RefreshToken(SessionToken):
    """Buys the next pair of tokens, once."""

    token_type = "refresh"  # noqa: S105 - a kind, not a secret
    lifetime: timedelta = settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"]


def claims_read(raw: str, kind: type[SessionToken]) -> Claims:
    """The claims of a token of this kind; InvalidToken when it is not acceptable for any reason."""
    if len(raw) > TOKEN_MAX_CHARACTERS or not raw.isascii():
        raise InvalidToken("The token is not valid.")
    try:
        token = kind(raw)  # type: ignore[arg-type]
        return Claims(
            user_id=uuid.UUID(token["sub"]),
            session_id=uuid.UUID(token["sid"]),
            jti=uuid.UUID(token["jti"]),
            expires_at=int(token["exp"]),
        )
    except (TokenError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise InvalidToken("The token is not valid or has expired.") from error


class _Verified:
    """Tokens whose signature was found good, by hash: a second look costs 1 µs instead of 60 to 156.

    Bounded in number; each entry ends with its token.
    """

    def __init__(self) -> None:
        self._claims: dict[bytes, Claims] = {}
        self._lock = threading.Lock()

    def read(self, raw: str) -> Claims:
        key = hashlib.sha256(raw.encode("utf-8", "replace")).digest()
        claims = self._claims.get(key)
        if claims is None:
            claims = claims_read(raw, AccessToken)
            with self._lock:
                if len(self._claims) >= VERIFIED_MAX:
                    # The oldest tenth: dicts keep their order, and old tokens are the next to expire.
                    for old in list(self._claims)[: VERIFIED_MAX // 10]:
                        del self._claims[old]
                self._claims[key] = claims
        elif claims.expires_at + settings.SIMPLE_JWT["LEEWAY"] <= time.time():
            with self._lock:
                self._claims.pop(key, None)
            raise InvalidToken("The token is not valid or has expired.")
        return claims

    def clear(self) -> None:
        with self._lock:
            self._claims.clear()


_verified = _Verified()


def access_claims(raw: str) -> Claims:
    """The claims of an access token, verified now or before. Raises InvalidToken."""
    return _verified.read(raw)


def tokens_reset() -> None:
    """Forget keys and verified tokens: after the keys changed, and in tests."""
    keys_by_kid.cache_clear()
    _backend.cache_clear()
    _verified.clear()


def _on_setting_changed(*, setting: str, **_: Any) -> None:
    if setting == "SIMPLE_JWT":
        tokens_reset()


setting_changed.connect(_on_setting_changed, dispatch_uid="identity.tokens")
