"""One refresh token in many hands at the same moment."""

from __future__ import annotations

import threading
from uuid import uuid4

import pytest
from django.db import connection

from apps.identity.errors import InvalidRefreshToken
from apps.identity.models import Session
from apps.identity.services import token_pair_issue, token_refresh
from tests.factories.identity import UserFactory


@pytest.mark.concurrency
def test_parallel_refreshes_with_one_token_give_one_pair(committed_db):
    user = UserFactory(email=f"race-{uuid4()}@example.com")
    pair = token_pair_issue(user=user)
    barrier = threading.Barrier(8)
    outcomes: list[str] = []

    def refresh():
        barrier.wait()
        try:
            token_refresh(refresh=pair.refresh)
            outcomes.append("pair")
        except InvalidRefreshToken as error:
            outcomes.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=refresh) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("pair") == 1
    assert set(outcomes) == {"pair", "InvalidRefreshToken"}
    # One of the eight held a spent token, so nobody keeps the session.
    assert Session.objects.get(pk=pair.session_id).revoked_at is not None
