"""Health: is the process alive, and can it serve."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django_redis import get_redis_connection
from drf_spectacular.utils import OpenApiResponse, extend_schema
from redis.exceptions import RedisError
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.query import NoParams
from apps.core.api.views import ApiView

logger = logging.getLogger(__name__)

_known_good: set[str] = set()


class LiveSerializer(serializers.Serializer):
    """The process answers."""

    status = serializers.ChoiceField(choices=["ok"])


class CheckSerializer(serializers.Serializer):
    """One thing that was checked."""

    status = serializers.ChoiceField(choices=["ok", "failed"])
    milliseconds = serializers.IntegerField()


class ChecksSerializer(serializers.Serializer):
    """All things that are checked."""

    database = CheckSerializer()
    migrations = CheckSerializer()
    redis = CheckSerializer()


class ReadySerializer(serializers.Serializer):
    """ok: all well. degraded: serves, without Redis. unavailable: cannot serve."""

    status = serializers.ChoiceField(choices=["ok", "degraded", "unavailable"])
    checks = ChecksSerializer()


class LiveView(ApiView):
    """The process answers. Touches nothing, so that a lost database restarts no web server."""

    public = True
    never_answers = (429, 503)

    @extend_schema(summary="Ask whether the process is alive", responses=LiveSerializer)
    def get(self, request: Request) -> Response:
        """200 as long as the process serves at all."""
        NoParams.parse(request)
        return Response({"status": "ok"})


class ReadyView(ApiView):
    """Ready to serve: the database answers and has all migrations. Redis down is degraded, and still ready."""

    public = True
    never_answers = (429,)

    @extend_schema(
        summary="Ask whether the process can serve",
        responses={200: ReadySerializer, 503: OpenApiResponse(ReadySerializer, "Not ready to serve.")},
    )
    def get(self, request: Request) -> Response:
        """200 when requests can be served, else 503; each check with its status and time."""
        NoParams.parse(request)
        checks = {
            "database": _check("database", _database),
            "migrations": _check("migrations", _migrations),
            "redis": _check("redis", _redis),
        }
        able = checks["database"]["status"] == checks["migrations"]["status"] == "ok"
        whole = able and checks["redis"]["status"] == "ok"
        status = "ok" if whole else "degraded" if able else "unavailable"
        return Response({"status": status, "checks": checks}, status=200 if able else 503)


def _check(name: str, probe: Callable[[], bool]) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        status = "ok" if probe() else "failed"
    except (DatabaseError, RedisError, OSError) as error:
        logger.warning("health check %s failed: %s", name, error)
        status = "failed"
    return {"status": status, "milliseconds": round((time.perf_counter() - started) * 1000)}


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone() == (1,))


def _migrations() -> bool:
    """Reading the plan takes long, and applied migrations stay applied: a good answer is kept."""
    if "migrations" not in _known_good:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return False
        _known_good.add("migrations")
    return True


def _redis() -> bool:
    if "redis" not in settings.CACHES["default"]["BACKEND"]:
        return True
    return bool(get_redis_connection("default").ping())
