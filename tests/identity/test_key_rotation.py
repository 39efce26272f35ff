"""Signing keys are changed without signing anybody out."""

from __future__ import annotations

import pytest

from apps.identity.services import token_pair_issue, token_refresh
from apps.identity.tokens import AccessToken, access_claims, claims_read, keys_by_kid, tokens_reset
from config.runtime.home import signing_key_make
from tests.factories.identity import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def keys(settings):
    """`keys(new, *previous)` sets them, as a restart with another environment does."""

    def use(signing, *previous):
        settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, "SIGNING_KEY": signing, "PREVIOUS_KEYS": previous}
        tokens_reset()

    yield use
    tokens_reset()


def test_old_tokens_stay_good_and_new_ones_have_the_new_key(api, keys):
    old, new = signing_key_make(), signing_key_make()
    keys(old)
    client = api.as_user(UserFactory())
    keys(new, old)
    assert client.get("users/me").status_code == 200
    pair = api.post("auth/refresh", {"refresh": client.refresh}).json()
    assert "access" in pair
    keys(new)  # the old key is retired once its last refresh token has expired
    assert client.get("users/me").status_code == 401
    client.access = pair["access"]
    assert client.get("users/me").status_code == 200
    assert api.post("auth/refresh", {"refresh": pair["refresh"]}).status_code == 200


def test_from_a_shared_secret_to_a_key_pair(keys):
    secret, pair = "s" * 48, signing_key_make()
    keys(secret)
    issued = token_pair_issue(user=UserFactory())
    keys(pair, secret)
    assert access_claims(issued.access).user_id == issued.user.pk
    fresh = token_refresh(refresh=issued.refresh)
    assert claims_read(fresh.access, AccessToken).session_id == issued.session_id
    assert [key.algorithm for key in keys_by_kid().values()] == ["EdDSA", "HS256"]


def test_a_copy_signs_with_a_key_pair_by_default(keys):
    keys(signing_key_make())
    assert next(iter(keys_by_kid().values())).algorithm == "EdDSA"
