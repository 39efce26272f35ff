"""How often the API may be asked: rules from the database, buckets on Redis, headers, blocks, and Redis away."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from redis.exceptions import ConnectionError as RedisConnectionError

from apps.audit.models import AuditEvent
from apps.core import clock
from apps.identity import throttle
from apps.identity.buckets import Blocking, Buckets
from apps.identity.limits import RateRule, limits_clear, rate_rule
from apps.identity.models import RateLimit, Role
from apps.identity.services import api_key_create
from tests.factories.identity import RoleFactory, UserFactory, user_make

pytestmark = pytest.mark.django_db
NEVER = Blocking(after=10**6, within=60, seconds=60)


@pytest.fixture(autouse=True)
def _limits_on(settings):
    settings.NUMINA = {**settings.NUMINA, "LIMITS": True}


def limit(requests: int, per_seconds: int = 3600, burst: int | None = None, **about: Any) -> RateLimit:
    made = RateLimit.objects.create(requests=requests, per_seconds=per_seconds, burst=burst or requests, **about)
    limits_clear()
    return made


def test_over_the_limit_is_429_with_headers(api, user):
    limit(3)
    client = api.as_user(user)
    answers = [client.get("users/me") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert [answer["RateLimit"].split(";")[1] for answer in answers[:3]] == ["r=2", "r=1", "r=0"]
    assert answers[0]["RateLimit-Policy"] == '"default";q=3;w=3600'
    refused = answers[3]
    assert refused.json()["code"] == "rate-limited"
    assert 1 <= int(refused["Retry-After"]) <= 1200
    assert refused["RateLimit"].startswith('"default";r=0;t=')
    assert api.as_user(UserFactory()).get("users/me").status_code == 200, "each caller has a bucket"


def test_without_rules_there_are_no_headers(api, user):
    answer = api.as_user(user).get("users/me")
    assert "RateLimit" not in answer.headers


def test_tokens_flow_back_smoothly():
    """A bucket, not a window: at 50 a second, a fifth of a second gives about ten more, not none and not fifty."""
    buckets = Buckets(pytest.fail)
    rule = RateRule("t", 50, 1, 20)
    started = time.monotonic()
    given = asked = 0
    while time.monotonic() - started < 0.4 or asked < 1_000:  # a machine that is held up asks as often
        given += not buckets.take("smooth|t", rule, NEVER).wait
        asked += 1
    elapsed = time.monotonic() - started
    assert 15 <= given <= 20 + 50 * elapsed + 1  # what a process took and did not use in time is lost


def test_processes_share_one_bucket():
    """What several processes give out together is never more than the limit, though each takes some in advance."""
    rule = RateRule("t", 1, 3600, 200)
    processes = [Buckets(pytest.fail) for _ in range(4)]
    given = [0] * len(processes)

    def ask(number: int) -> None:
        for _ in range(200):
            given[number] += not processes[number].take("shared|t", rule, NEVER).wait

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(processes))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 180 <= sum(given) <= 200


def test_a_limited_request_asks_redis_seldom():
    calls = []

    class Counting(Buckets):
        def _from_redis(self, *args: Any) -> Any:
            calls.append(args)
            return super()._from_redis(*args)

    buckets = Counting(pytest.fail)
    rule = RateRule("t", 1_000_000, 1, 10_000)
    for _ in range(5_000):
        assert not buckets.take("seldom|t", rule, NEVER).wait
    assert len(calls) < 50


def test_the_rule_for_the_operation_comes_before_that_for_all(api, user):
    limit(1, operation="identity:branches")
    limit(100)
    client = api.as_user(user)
    assert client.get("branches").status_code == 200
    refused = client.get("branches")
    assert refused.status_code == 429
    assert refused["RateLimit"].startswith('"identity:branches"')
    assert client.get("users/me").status_code == 200


def test_tiers_by_role_and_plan(db):
    role, wide = RoleFactory(), RoleFactory()
    at = clock.now() + timedelta(seconds=5)
    limit(10)
    limit(20, role=role)
    limit(30, role=wide)
    limit(25, plan="premium")

    def asked(roles: list[Role], plan: str) -> int:
        found = rate_rule("x:y", [one.code for one in roles], plan, at=at)
        assert found is not None
        return found.requests

    assert asked([], "standard") == 10
    assert asked([role], "standard") == 20
    assert asked([role, wide], "standard") == 30
    assert asked([], "premium") == 25
    assert asked([role], "premium") == 25, "the widest of role and plan"


def test_rules_have_dates(db):
    at = clock.now()
    limit(10, starts_at=at - timedelta(days=2), ends_at=at - timedelta(days=1))
    limit(20, starts_at=at + timedelta(days=1))
    assert rate_rule("x:y", [], "", at=at) is None
    limits_clear()
    later = rate_rule("x:y", [], "", at=at + timedelta(days=2))
    assert later is not None
    assert later.requests == 20


def test_a_key_has_a_bucket_of_its_own(api):
    machine = user_make("members.view")
    made = [
        api_key_create(
            acting_user=None, user_id=machine.pk, name=name, permissions=["members.view"], at=clock.now()
        ).secret
        for name in ("a", "b")
    ]
    limit(2)
    client = api.as_user(machine)
    client.access = made[0]
    assert [client.get("members").status_code for _ in range(3)] == [200, 200, 429]
    client.access = made[1]
    assert client.get("members").status_code == 200


def test_public_operations_are_limited_by_rules_that_name_them(api):
    limit(1)
    assert [api.get("health/live").status_code for _ in range(3)] == [200] * 3
    limit(1, operation="identity:refresh")
    codes = [api.post("auth/refresh", {"refresh": "x"}).status_code for _ in range(2)]
    assert codes == [401, 429]
    assert api.post("auth/refresh", {"refresh": "x"}, REMOTE_ADDR="203.0.113.7").status_code == 401


def test_refusals_are_logged_and_counted(api, user):
    limit(1)
    client = api.as_user(user)
    before = throttle.refused_total.labels("identity:me")._value.get()
    for _ in range(5):
        client.get("users/me")
    event = AuditEvent.objects.get(action="identity.rate.exceeded")
    assert (event.kind, event.actor, event.object_label) == ("security", user, "identity:me")
    assert throttle.refused_total.labels("identity:me")._value.get() - before == 4


def test_who_will_not_stop_is_shut_out_for_a_while(api, user, settings):
    settings.NUMINA = {**settings.NUMINA, "RATE_BLOCK_AFTER": 5, "RATE_BLOCK_SECONDS": 900}
    limit(1)
    client = api.as_user(user)
    for _ in range(12):
        answer = client.get("users/me")
        # As if the second had passed in which this process answers by itself.
        for bucket in throttle.buckets._buckets.values():
            bucket.denied_until = 0
    assert answer.status_code == 429
    assert 890 <= int(answer["Retry-After"]) <= 900
    assert client.get("branches").status_code == 429, "whatever the operation"
    event = AuditEvent.objects.get(action="identity.rate.blocked")
    assert event.after["seconds"] == 900
    assert api.as_user(UserFactory()).get("users/me").status_code == 200
    cache.clear()


def test_redis_away_lets_in_by_a_local_bucket_and_says_so(api, user, monkeypatch):
    limit(3)

    def away() -> None:
        raise RedisConnectionError("away")

    monkeypatch.setattr(throttle.buckets, "_connect", away)
    client = api.as_user(user)
    assert [client.get("users/me").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    assert AuditEvent.objects.filter(action="identity.rate.degraded", kind="security").count() == 1
    assert throttle.buckets.degraded
    monkeypatch.undo()
    throttle.throttle_clear()
    assert client.get("users/me").status_code == 200
    assert not throttle.buckets.degraded


def test_the_money_path_is_limited_too(api):
    limit(1, operation="payments:transfers")
    client = api.as_user(user_make("payments.transfer"))
    first = client.post("transfers", {}, headers={"Idempotency-Key": "k1"})
    second = client.post("transfers", {}, headers={"Idempotency-Key": "k2"})
    assert (first.status_code, second.status_code) == (400, 429)
    assert first["RateLimit"].startswith('"payments:transfers";r=0')
    assert "Retry-After" in second.headers
