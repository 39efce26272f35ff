"""Tokens that must not be accepted (abuse case 17), and what accepting one costs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import uuid
from types import SimpleNamespace

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.core.exceptions import ImproperlyConfigured

from apps.identity import tokens
from apps.identity.principals import principals_clear
from apps.identity.services import token_pair_issue
from apps.identity.tokens import AccessToken, RefreshToken, access_claims, claims_read, keys_by_kid, tokens_reset
from tests.conftest import ApiClient
from tests.factories.identity import UserFactory, user_make

pytestmark = pytest.mark.django_db

PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
"""


def b64(data) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(payload, header=None, key=None) -> str:
    """A token put together by hand: any header, any key."""
    known = next(iter(keys_by_kid().values()))
    head = {"alg": "HS256", "typ": "JWT", "kid": known.kid, **(header or {})}
    body = f"{b64({name: value for name, value in head.items() if value is not None})}.{b64(payload)}"
    mac = hmac.new(known.signing if key is None else key, body.encode(), hashlib.sha256).digest()
    return f"{body}.{b64(mac)}"


@pytest.fixture
def pair(user):
    return token_pair_issue(user=user)


@pytest.fixture
def payload(pair):
    return jwt.decode(pair.access, options={"verify_signature": False})


def status_with(token: str) -> int:
    client = ApiClient()
    client.access = token
    answer = client.get("users/me")
    if answer.status_code == 401:
        assert answer.json()["code"] == "invalid-token"
    return int(answer.status_code)


def test_the_hand_made_token_is_good_when_nothing_is_wrong(payload):
    assert status_with(signed(payload)) == 200


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "NONE", ""])
def test_unsigned_tokens_are_refused(payload, algorithm):
    head = b64({"alg": algorithm, "typ": "JWT", "kid": next(iter(keys_by_kid()))})
    for tail in ("", b64(b"x")):
        assert status_with(f"{head}.{b64(payload)}.{tail}") == 401


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "HS384"},
        {"alg": "RS256"},
        {"alg": "EdDSA"},
        {"kid": None},
        {"kid": "../../../../dev/null"},
        {"kid": "' OR 1=1 --"},
        {"kid": ""},
        {"kid": 7},
        {"kid": ["a"]},
        {"crit": ["b64"], "b64": False},
    ],
)
def test_headers_choose_neither_key_nor_algorithm(payload, header):
    assert status_with(signed(payload, header)) == 401


def test_keys_from_the_header_are_never_fetched_or_used(payload):
    key = b"attacker's own key, quite long enough"
    jwk = {"kty": "oct", "k": b64(key)}
    for header in ({"jku": "http://127.0.0.1:1/jwks"}, {"jwk": jwk}, {"x5u": "http://127.0.0.1:1/"}):
        assert status_with(signed(payload, header, key)) == 401


def test_hmac_with_a_public_key_is_refused(payload):
    assert status_with(signed(payload, key=PUBLIC_KEY.encode())) == 401


def test_edited_payload_is_refused(pair, payload):
    head, _, signature = pair.access.split(".")
    other = UserFactory()
    for change in ({"sub": str(other.pk)}, {"exp": payload["exp"] + 10_000_000}, {"sid": str(uuid.uuid4())}):
        assert status_with(f"{head}.{b64({**payload, **change})}.{signature}") == 401


@pytest.mark.parametrize("missing", ["exp", "iat", "iss", "aud", "sub", "jti", "sid", "token_type"])
def test_every_claim_is_required(payload, missing):
    payload.pop(missing)
    assert status_with(signed(payload)) == 401


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "somebody"},
        {"aud": "other-api"},
        {"aud": ["other-api"]},
        {"exp": 1},
        {"exp": "soon"},
        {"exp": -1},
        {"exp": 10**400},
        {"iat": 10**12},
        {"nbf": 10**12},
        {"token_type": "refresh"},
        {"sub": "1 OR 1=1"},
        {"sub": None},
        {"sub": 7},
        {"sid": "not-a-uuid"},
        {"sid": {"$ne": 1}},
        {"jti": ""},
    ],
)
def test_wrong_claims_are_refused(payload, change):
    assert status_with(signed({**payload, **change})) == 401


def test_a_session_belongs_to_its_user(payload):
    other = UserFactory()
    assert status_with(signed({**payload, "sub": str(other.pk)})) == 401
    principals_clear()
    assert status_with(signed(payload)) == 200
    # also when the session's principal is in memory
    assert status_with(signed({**payload, "sub": str(other.pk)})) == 401


def test_refresh_and_access_are_not_exchanged(api, pair):
    assert status_with(pair.refresh) == 401
    answer = api.post("auth/refresh", {"refresh": pair.access})
    assert answer.status_code == 401
    assert answer.json()["code"] == "invalid-refresh-token"


def test_expired_tokens_are_refused_also_when_seen_before(payload, monkeypatch):
    expiry = int(time.time()) + 3_600
    token = signed({**payload, "exp": expiry})
    assert status_with(token) == 200
    monkeypatch.setattr(tokens, "time", SimpleNamespace(time=lambda: expiry + 4.9))  # within the leeway of 5 seconds
    assert status_with(token) == 200
    monkeypatch.setattr(tokens, "time", SimpleNamespace(time=lambda: expiry + 5.1))
    assert status_with(token) == 401


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer a b",
        "Bearer a.b",
        "Bearer a.b.c.d",
        "Basic dXNlcjpw",
        "Token x",
        "Bearer " + "x" * 5000,
    ],
)
def test_malformed_authorization_headers(api, header):
    answer = api.get("users/me", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_no_header_is_not_authenticated(api):
    answer = api.get("users/me")
    assert answer.status_code == 401
    assert answer.json()["code"] == "not-authenticated"


def test_tokens_are_not_taken_from_elsewhere(api, pair):
    assert api.get(f"users/me?access={pair.access}").status_code == 401
    api.cookies["access"] = pair.access
    assert api.get("users/me").status_code == 401


def test_what_a_request_costs_in_queries(api_with, django_assert_num_queries):
    client = api_with("identity.view_roles")
    with django_assert_num_queries(2):  # the principal, the list
        assert client.get("roles").status_code == 200
    with django_assert_num_queries(1):  # the list
        assert client.get("roles").status_code == 200
    with django_assert_num_queries(0):  # strangers cost nothing
        assert ApiClient().get("roles").status_code == 401


def test_a_seen_token_is_not_verified_again(pair, monkeypatch):
    access_claims(pair.access)
    monkeypatch.setattr(tokens, "claims_read", lambda *_: pytest.fail("verified again"))
    assert access_claims(pair.access).session_id == pair.session_id


def test_the_memory_of_seen_tokens_is_bounded(pair, monkeypatch):
    tokens_reset()
    monkeypatch.setattr(tokens, "VERIFIED_MAX", 10)
    for _ in range(50):
        access_claims(str(_access_like(pair)))
    assert len(tokens._verified._claims) <= 10


def _access_like(pair):
    token = AccessToken()
    token["sub"], token["sid"], token["jti"] = str(pair.user.pk), str(pair.session_id), uuid.uuid4().hex
    return token


def test_a_changed_principal_is_nobody_elses(user):
    pair = token_pair_issue(user=user)
    claims = access_claims(pair.access)
    from apps.identity.principals import principal_get

    one = principal_get(user_id=claims.user_id, session_id=claims.session_id)
    one.email, one.is_staff = "changed@example.com", True
    two = principal_get(user_id=claims.user_id, session_id=claims.session_id)
    assert two.email == user.email
    assert not two.is_staff
    two.full_name = "Still a model"
    two.save(update_fields=["full_name"])
    user.refresh_from_db()
    assert user.full_name == "Still a model"


def test_keys_change_with_the_setting(pair, settings):
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, "SIGNING_KEY": "another-secret-of-enough-characters-000000"}
    assert status_with(pair.access) == 401
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, "SIGNING_KEY": ""}
    with pytest.raises(ImproperlyConfigured):
        keys_by_kid()


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_private_keys_sign_with_their_own_algorithm(user, settings, kind):

    private = ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else rsa.generate_private_key(65537, 2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, "SIGNING_KEY": pem.decode()}
    pair = token_pair_issue(user=user)
    assert jwt.get_unverified_header(pair.access)["alg"] == {"ed25519": "EdDSA", "rsa": "RS256"}[kind]
    assert status_with(pair.access) == 200
    payload = jwt.decode(pair.access, options={"verify_signature": False})
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    known = next(iter(keys_by_kid()))
    head = f"{b64({'alg': 'HS256', 'kid': known})}.{b64(payload)}"
    forged = f"{head}.{b64(hmac.new(public, head.encode(), hashlib.sha256).digest())}"
    assert status_with(forged) == 401


def test_a_private_key_of_a_weak_kind_is_refused(settings):

    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, "SIGNING_KEY": pem.decode()}
    with pytest.raises(ImproperlyConfigured):
        keys_by_kid()


def test_claims_of_a_refresh_token(pair):
    claims = claims_read(pair.refresh, RefreshToken)
    assert claims.user_id == pair.user.pk
    assert claims.session_id == pair.session_id


def test_roles_taken_away_show_at_the_next_request(api_with):
    from apps.identity.services import user_roles_set

    client = api_with("identity.view_roles")
    assert client.get("roles").status_code == 200
    user_roles_set(acting_user=None, user_id=client.user.pk, role_codes=[], reason="moved to another desk")
    assert client.get("roles").status_code == 403


def test_superusers_and_scopes(user):
    everything = UserFactory(is_superuser=True)
    assert everything.has_permission("ledger.post")
    assert everything.scope == "all"
    assert user.scope == "own"
    assert user_make(scope="branch").scope == "branch"
    with pytest.raises(KeyError):
        user.has_permission("ledger.pots")
