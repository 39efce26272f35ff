"""The schema of the test API and of ours, the pages about it, and the health checks."""

import json
from typing import Any

import pytest
import yaml
from django.db import OperationalError
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from redis.exceptions import ConnectionError as RedisConnectionError

from apps.core.api import health
from tests.core import views


def made(patterns: Any) -> dict[str, Any]:
    GENERATOR_STATS.reset()
    schema: dict[str, Any] = SchemaGenerator(patterns=patterns).get_schema(request=None, public=True)
    assert not GENERATOR_STATS, "the schema has warnings"
    validate_schema(schema)
    return schema


def test_operations_have_readable_and_unique_ids() -> None:
    schema = made(views.urlpatterns)
    ids = [operation["operationId"] for path in schema["paths"].values() for operation in path.values()]
    assert sorted(ids) == [
        "as_of_retrieve", "branches_list", "faults_retrieve", "orders_create", "orders_partial_update",
        "orders_retrieve", "small_create",
    ]  # fmt: skip


def test_errors_headers_and_security_are_in_every_operation() -> None:
    schema = made(views.urlpatterns)
    create = schema["paths"]["/api/v1/orders"]["post"]
    assert list(create["responses"]) == [
        "201", "400", "401", "403", "406", "409", "413", "415", "422", "429", "503",
    ]  # fmt: skip
    assert create["responses"]["409"] == {"$ref": "#/components/responses/Conflict"}
    assert create["security"] == [{"bearerAuth": []}]
    assert [parameter["name"] for parameter in create["parameters"]] == ["Idempotency-Key"]
    change = schema["paths"]["/api/v1/orders/{order}"]["patch"]
    assert {"404", "412", "428"} <= set(change["responses"])
    assert "If-Match" in [parameter["name"] for parameter in change["parameters"]]
    assert "403" not in schema["paths"]["/api/v1/as-of"]["get"]["responses"]
    assert schema["paths"]["/api/v1/small"]["post"].get("security", [{}]) == [{}]
    conflict = schema["components"]["responses"]["Conflict"]["content"]["application/problem+json"]
    assert conflict["schema"] == {"$ref": "#/components/schemas/Problem"}


def test_money_and_pages_are_components() -> None:
    schemas = made(views.urlpatterns)["components"]["schemas"]
    assert schemas["Order"]["properties"]["total"] == {"$ref": "#/components/schemas/Money"}
    assert schemas["OrderRequest"]["properties"]["total"] == {"$ref": "#/components/schemas/MoneyRequest"}
    assert schemas["BranchPage"]["properties"]["data"]["items"] == {"$ref": "#/components/schemas/Branch"}
    assert [name for name in schemas if name.startswith("Problem")] == ["Problem"]


def test_parameters_of_lists_are_documented() -> None:
    parameters = made(views.urlpatterns)["paths"]["/api/v1/branches"]["get"]["parameters"]
    found = {parameter["name"]: parameter["schema"] for parameter in parameters}
    assert set(found) == {"active", "cursor", "limit", "sort"}
    assert (found["limit"]["minimum"], found["limit"]["maximum"], found["limit"]["default"]) == (1, 200, 25)
    assert set(found["sort"]["enum"]) == {"code", "-code", "name", "-name", "created_at", "-created_at"}


@pytest.mark.django_db
def test_the_schema_is_served_in_both_formats() -> None:
    as_yaml = Client().get("/api/v1/schema")
    as_json = Client().get("/api/v1/schema?format=json")
    assert as_yaml["Content-Type"] == "application/yaml"
    assert as_json["Content-Type"] == "application/json"
    assert yaml.load(as_yaml.content, Loader=yaml.CSafeLoader) == json.loads(as_json.content)
    assert "/api/v1/health/live" in json.loads(as_json.content)["paths"]
    refused = Client().get("/api/v1/schema?format=xml")
    assert (refused.status_code, refused.json()["code"]) == (400, "unknown-parameter")


@pytest.mark.django_db
def test_the_pages_load_nothing_from_outside_and_have_nothing_inline() -> None:
    for path in ("/api/v1/docs", "/api/v1/docs/errors"):
        response = Client().get(path)
        text = response.content.decode()
        assert response.status_code == 200
        assert "http://" not in text
        assert "https://" not in text
        assert "<style" not in text
        assert "unsafe" not in response["Content-Security-Policy"]


@pytest.mark.django_db
def test_alive_needs_nothing(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        response = Client().get("/api/v1/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_ready_when_all_is_well() -> None:
    response = Client().get("/api/v1/health/ready")
    assert response.status_code == 200, response.content
    assert response.json()["status"] == "ok"
    assert {check["status"] for check in response.json()["checks"].values()} == {"ok"}


@pytest.mark.django_db
def test_without_redis_it_is_degraded_and_still_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(alias: str) -> Any:
        raise RedisConnectionError("redis://:password@host")

    monkeypatch.setattr(health, "get_redis_connection", away)
    response = Client().get("/api/v1/health/ready")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert response.json()["checks"]["redis"]["status"] == "failed"
    assert b"password" not in response.content


@pytest.mark.django_db
def test_without_the_database_it_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> bool:
        raise OperationalError("password")

    monkeypatch.setattr(health, "_database", away)
    response = Client().get("/api/v1/health/ready")
    assert (response.status_code, response.json()["status"]) == (503, "unavailable")
    assert b"password" not in response.content


@pytest.mark.django_db
def test_without_its_migrations_it_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_known_good", set())
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda self, targets: ["one"])
    response = Client().get("/api/v1/health/ready")
    assert (response.status_code, response.json()["checks"]["migrations"]["status"]) == (503, "failed")
