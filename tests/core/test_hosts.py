"""Requests for a host that is not ours are refused everywhere, and links are never built from what a caller sent."""

from __future__ import annotations

import pytest
from django.test import Client

EVIL = [
    "evil.example",
    "testserver.evil.example",
    "evil.example:80@testserver",
    "testserver/x",
    "te st",
    "[::1",
    "\x00",
]


@pytest.mark.parametrize("host", EVIL)
@pytest.mark.parametrize("path", ["/api/v1/schema", "/api/v1/auth/login", "/api/v1/transfers", "/api/v1/nothing"])
def test_unknown_hosts_get_a_problem_from_the_api(path: str, host: str) -> None:
    response = Client(headers={"host": host}).get(path)

    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert response["X-Request-ID"] == response.json()["trace_id"]
    assert "evil" not in response.content.decode()


def test_money_is_not_moved_for_an_unknown_host() -> None:
    response = Client(headers={"host": "evil.example"}).post("/api/v1/transfers", b"{}", "application/json")

    assert response.status_code == 400


def test_unknown_hosts_get_no_page_of_the_staff_site() -> None:
    assert Client(headers={"host": "evil.example"}).get("/admin/").status_code == 400


def test_a_forwarded_host_is_not_believed() -> None:
    response = Client(headers={"x-forwarded-host": "evil.example"}).get("/admin/")

    assert response.status_code == 302
    assert "evil" not in response["Location"]


def test_health_answers_to_any_name() -> None:
    assert Client(headers={"host": "10.1.2.3:8000"}).get("/api/v1/health/live").status_code == 200
