"""What is done at the end of each request, by how connections are kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.conf import settings
from django.core.signals import request_finished
from django.db import close_old_connections


@pytest.fixture
def receivers() -> Iterator[None]:
    before = list(request_finished.receivers)
    yield
    request_finished.receivers = before
    request_finished.sender_receivers_cache.clear()


@pytest.mark.parametrize(("age", "closes"), [(None, False), (0, True), (60, True)], ids=["kept", "pool", "a minute"])
def test_a_connection_that_is_not_kept_is_given_back(
    receivers: None, monkeypatch: pytest.MonkeyPatch, age: int | None, closes: bool
) -> None:
    request_finished.connect(close_old_connections)
    monkeypatch.setitem(settings.DATABASES["default"], "CONN_MAX_AGE", age)
    apps.get_app_config("core").ready()
    assert any(entry[1]() is close_old_connections for entry in request_finished.receivers) is closes
