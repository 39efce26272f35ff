"""Codes of authenticator apps, and token buckets."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from apps.identity.buckets import bucket_take
from apps.identity.limits import RateRule
from apps.identity.otp import hotp_code, totp_code
from tests.cases.registry import Case, Unsupported, handles

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}


@handles("security_vectors")
def totp(case: Case) -> dict[str, Any]:
    secret, seconds, digits = case.need("key_base32", "time", "digits")
    case.only("algorithm", "key_ascii", "key_base32", "time", "step", "digits")
    if case.inputs.get("step", 30) != 30:
        raise Unsupported("steps of other than 30 seconds")
    algorithm = case.inputs.get("algorithm", "sha1")
    return {
        "code": totp_code(f"{algorithm}:{secret}", int(seconds), digits=digits),
        "utc": datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%S"),
    }


@handles("security_vectors")
def hotp(case: Case) -> dict[str, Any]:
    secret, counter = case.need("key_base32", "counter")
    case.only("algorithm", "key_ascii", "key_base32", "counter", "digits")
    algorithm, digits = case.inputs.get("algorithm", "sha1"), case.inputs.get("digits", 6)
    return {"code": hotp_code(base64.b32decode(secret), int(counter), digits=digits, algorithm=algorithm)}


@handles("security_vectors")
def rate(case: Case) -> dict[str, Any]:
    per, count = case.need("per", "count")
    case.only("per", "count")
    return {"seconds_between": Decimal(1) / Decimal(RateRule("case", int(count), SECONDS[per], 1).rate)}


@handles("security_vectors")
def bucket(case: Case) -> dict[str, Any]:
    per_second, limit, requests = case.need("rate_per_second", "limit", "requests")
    case.only("rate_per_second", "burst", "limit", "requests")
    flow, full = Decimal(per_second), Decimal(limit)
    tokens, before, results = full, Decimal(0), []
    for request in requests:
        at, cost = Decimal(request["at_seconds"]), Decimal(request["cost"])
        tokens, wait = bucket_take(tokens, at - before, rate=flow, burst=full, cost=cost)
        before = at
        results.append(
            {
                "limited": wait != 0,
                "remaining": int(tokens),
                "reset_after": (full - tokens) / flow,
                "retry_after": wait if wait > 0 else -1,
            }
        )
    return {"results": results}
