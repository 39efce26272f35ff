"""Every answer is counted by route and status, and all processes' counts are shown as one."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from prometheus_client import generate_latest

from apps.core import http_stats

pytestmark = pytest.mark.django_db

LIVE = "GET /api/v1/health/live"


def test_answers_are_counted_by_route_and_status(client: Client) -> None:
    before = http_stats.counts_shared()
    client.get("/api/v1/health/live")
    client.get("/api/v1/nowhere")
    counts = http_stats.counts_shared()
    assert counts[f"{LIVE}|status|200"] == before.get(f"{LIVE}|status|200", 0) + 1
    assert counts["GET /unknown|status|404"] == before.get("GET /unknown|status|404", 0) + 1
    text = generate_latest().decode()
    assert f'numina_http_answers_total{{route="{LIVE}",status="200"}} {counts[f"{LIVE}|status|200"]}.0' in text
    assert f'numina_http_request_seconds_bucket{{le="+Inf",route="{LIVE}"}}' in text


def test_counts_wait_for_a_server_that_is_away(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    def away(_: str) -> Any:
        raise ConnectionError

    counts = http_stats.counts_shared().get(f"{LIVE}|status|200", 0)
    with monkeypatch.context() as patch:
        patch.setattr(http_stats, "get_redis_connection", away)
        assert client.get("/api/v1/health/live").status_code == 200
        assert http_stats.counts_shared() == {}
    assert http_stats.counts_shared()[f"{LIVE}|status|200"] == counts + 1
