"""Signing in, staying signed in, signing out: over HTTP."""

from __future__ import annotations

import pytest

from apps.audit.models import AuditEvent
from apps.identity.models import Session, User
from tests.conftest import ApiClient
from tests.factories.identity import PASSWORD, RoleFactory, UserFactory

pytestmark = pytest.mark.django_db


def login(api, user, password=PASSWORD):
    return api.post("auth/login", {"email": user.email, "password": password})


def test_login_gives_tokens_and_the_user(api):
    role = RoleFactory(permissions=["members.view"], scope="branch", code="clerk")
    user = UserFactory(roles=[role])
    answer = login(api, user)
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 900
    assert body["user"]["permissions"] == ["members.view"]
    assert body["user"]["roles"] == ["clerk"]
    assert body["user"]["scope"] == "branch"
    assert "password" not in str(body["user"])
    api.access = body["access"]
    me = api.get("users/me")
    assert me.status_code == 200
    assert me.json()["email"] == user.email
    user.refresh_from_db()
    assert user.last_login is not None
