"""What all tests share: callers of the API, users with given permissions, and clean caches."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client
from pytest_django import fixtures as pytest_django_fixtures

from apps.approvals.selectors import policies_forget
from apps.audit.security import damper
from apps.core import clock
from apps.identity.limits import limits_clear
from apps.identity.models import Branch, Session, User
from apps.identity.principals import principals_clear
from apps.identity.services import token_pair_issue
from apps.identity.throttle import throttle_clear
from apps.payments.selectors import refs_forget
from tests.factories.identity import BranchFactory, UserFactory, user_make

API = "/api/v1/"


class ApiClient(Client):
    """Speaks JSON below /api/v1/: `api.post("auth/login", {...})`; `api.as_user(user)` is another client, signed in.

    Requests go through every middleware. `headers` are given as Django's client takes them.
    """

    def __init__(self, user: User | None = None, **defaults: Any) -> None:
        super().__init__(raise_request_exception=True, **defaults)
        self.user = user
        self.access = ""
        self.refresh = ""
        if user is not None:
            pair = token_pair_issue(user=user)
            self.access, self.refresh = pair.access, pair.refresh

    def as_user(self, user: User) -> ApiClient:
        return ApiClient(user)

    def step_up(self, *, ago: dt.timedelta = dt.timedelta(0)) -> ApiClient:
        """Have the user shown a second factor, just now or some time `ago`."""
        Session.objects.filter(user=self.user).update(verified_at=clock.now() - ago)
        return self

    def generic(self, method: str, path: str, data: Any = "", content_type: Any = "", **extra: Any) -> Any:  # type: ignore[override]
        headers = {
            **({"Authorization": f"Bearer {self.access}"} if self.access else {}),
            **(extra.pop("headers", None) or {}),
        }
        headers = {name: value for name, value in headers.items() if value is not None}
        url = path if path.startswith("/") else API + path
        return super().generic(method, url, data, content_type, headers=headers, **extra)

    def _with_body(self, method: str, path: str, data: Any, extra: dict[str, Any]) -> Any:
        content_type = extra.pop("content_type", "application/json")
        body = data if isinstance(data, str | bytes) else b"" if data is None else json.dumps(data).encode()
        return self.generic(method, path, body, content_type if body else "", **extra)

    def post(self, path: str, data: Any = None, **extra: Any) -> Any:  # type: ignore[override]
        return self._with_body("POST", path, data, extra)

    def put(self, path: str, data: Any = None, **extra: Any) -> Any:  # type: ignore[override]
        return self._with_body("PUT", path, data, extra)

    def patch(self, path: str, data: Any = None, **extra: Any) -> Any:  # type: ignore[override]
        return self._with_body("PATCH", path, data, extra)

    def delete(self, path: str, data: Any = None, **extra: Any) -> Any:  # type: ignore[override]
        return self._with_body("DELETE", path, data, extra)


def _close_outside_of_tests(self: BaseDatabaseWrapper) -> None:
    """A server gives its connection back after each request. A request made inside a test's transaction must not, and
    it may end late: when its response is closed."""
    if not self.in_atomic_block:
        _close_if_obsolete(self)


@contextlib.contextmanager
def connection_kept() -> Iterator[None]:
    """Inside, the default connection stays open: Django's test case closes it after each test, and with it would go
    the transaction around them."""
    connection = connections["default"]
    connection.close, closing = lambda: None, connection.close  # type: ignore[method-assign]
    try:
        yield
    finally:
        connection.close = closing  # type: ignore[method-assign]


_close_if_obsolete = BaseDatabaseWrapper.close_if_unusable_or_obsolete
BaseDatabaseWrapper.close_if_unusable_or_obsolete = _close_outside_of_tests  # type: ignore[method-assign]


def caches_forget() -> None:
    """Empty the caches of the process and the counters of rate limits."""
    principals_clear()
    limits_clear()
    throttle_clear()
    refs_forget()
    policies_forget()
    damper.clear()
    cache.clear()


@pytest.fixture(autouse=True)
def _forgetful(request: pytest.FixtureRequest) -> Iterator[None]:
    """Caches of the process and counters of rate limits start empty in every test that has a database."""
    yield
    if {"db", "transactional_db", "committed_db", "bank"} & set(request.fixturenames):
        caches_forget()


def _databases_of(test: pytest.Item) -> tuple[Any, bool]:
    """pytest-django makes databases for tests that it knows; those that only ask for the set-up are to be among them.

    Without one, they would find the application's own database.
    """
    databases, serialized = _databases_known(test)
    if "django_db_setup" in getattr(test, "fixturenames", ()):
        return {"default"}, serialized
    return databases, serialized


_databases_known = pytest_django_fixtures._get_databases_for_test
pytest_django_fixtures._get_databases_for_test = _databases_of


_LONGEST = {
    Path(__file__).parent / name
    for name in ("jobs/test_worker.py", "faults/test_engine_processes.py", "faults/test_postgresql_killed.py")
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with tests that commit come last: what they leave is not found by tests that count what there is.

    The longest of those begin, so that the workers end together and none has a minute to do alone.
    """
    committing = {"committed_db", "live_server", "browser"}
    late = {item.path for item in items if committing & set(getattr(item, "fixturenames", ()))}
    items.sort(key=lambda item: (item.path in late, item.path not in _LONGEST))


@pytest.fixture
def committed_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The database with real commits, for threads and live servers.

    Nothing is cleaned up: the append-only tables refuse it. Use data of your own, and leave it.
    """
    with django_db_blocker.unblock():
        from django.db import connection, connections

        name = connection.settings_dict["NAME"]
        assert name.startswith("test_"), f"{name} is not a test database: nothing may be committed to it"
        yield
        connections.close_all()


@pytest.fixture
def user_with(db: None) -> Callable[..., User]:
    """`user_with("members.view", scope="branch", branch=branch)`: a user who holds exactly these permissions."""
    return user_make


@pytest.fixture
def api() -> ApiClient:
    """A client nobody is signed in on; see ApiClient.as_user."""
    return ApiClient()


@pytest.fixture
def api_with(db: None) -> Callable[..., ApiClient]:
    """`api_with("accounts.view")`: a client signed in as a new user with exactly these permissions (`.user`)."""

    def make(*permissions: str, **options: Any) -> ApiClient:
        return ApiClient(user_make(*permissions, **options))

    return make


@pytest.fixture
def branch(db: None) -> Branch:
    return BranchFactory()


@pytest.fixture
def user(db: None) -> User:
    """A user without any role."""
    return UserFactory()


@contextlib.contextmanager
def _rates(settings: Any, **rates: str) -> Iterator[None]:
    settings.NUMINA = {**settings.NUMINA, "RATES": {**settings.NUMINA.get("RATES", {}), **rates}}
    yield


@pytest.fixture
def rates(settings: Any) -> Callable[..., Any]:
    """`with rates(login_email="3/m"):` sets rate limits, which are off in tests otherwise."""
    return lambda **rates: _rates(settings, **rates)
