"""Figures for Prometheus: there for the operators, not for the world."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.django_db


def test_the_machine_itself_reads_the_figures_of_every_app(client: Any) -> None:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    said = answer.content.decode()
    for name in (
        "numina_queue_messages",
        "numina_cache",
        "numina_engine",
        "numina_jobs_stuck",
        "numina_jobs_oldest_seconds",
        "numina_dead_letters",
        "numina_task_age_seconds",
        "numina_notification_deliveries_last_hour",
        "numina_notification_due_age_seconds",
        "numina_notification_addresses_held_back",
        "numina_key_age_days",
    ):
        assert name in said, name


def test_nobody_else_does(client: Any, settings: Any) -> None:
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.7").status_code == 404
    assert client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 404
    assert client.post("/metrics").status_code == 405


def test_with_a_token_only_who_shows_it_does(client: Any, settings: Any) -> None:
    settings.NUMINA = {**settings.NUMINA, "METRICS_TOKEN": "s3cret-of-prometheus"}
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 404
    right = {"Authorization": "Bearer s3cret-of-prometheus"}
    assert client.get("/metrics", headers=right, REMOTE_ADDR="203.0.113.7").status_code == 200
