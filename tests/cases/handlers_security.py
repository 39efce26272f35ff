"""Codes of authenticator apps, signatures of webhooks, tokens that must not open anything, token buckets."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from apps.core.errors import InvalidToken
from apps.identity.buckets import bucket_take
from apps.identity.limits import RateRule
from apps.identity.otp import STEP_SECONDS, hotp_code, totp_code
from apps.identity.tokens import AccessToken, claims_read
from apps.notifications.errors import WebhookSignatureInvalid
from apps.notifications.signatures import signature_check, signature_make
from tests.cases.registry import Case, Unsupported, handles

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}


def key_of(case: Case) -> bytes:
    """The key of a code, in base32 (the padding may be left out) or as it is."""
    if "key_base32" in case.inputs:
        text = str(case.inputs["key_base32"])
        return base64.b32decode(text + "=" * (-len(text) % 8), casefold=True)
    return str(case.need("key_ascii")[0]).encode()


@handles("security_vectors")
def totp(case: Case) -> dict[str, Any]:
    (seconds,) = case.need("time")
    case.only("algorithm", "key_ascii", "key_base32", "time", "step", "digits")
    algorithm, digits = str(case.inputs.get("algorithm", "sha1")).lower().replace("-", ""), case.inputs.get("digits", 6)
    step, key = int(case.inputs.get("step", STEP_SECONDS)), key_of(case)
    if step == STEP_SECONDS:
        code = totp_code(f"{algorithm}:{base64.b32encode(key).decode()}", int(seconds), digits=digits)
    else:
        code = hotp_code(key, int(seconds) // step, digits=digits, algorithm=algorithm)
    return {
        "code": code,
        "utc": datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%S"),
    }


@handles("security_vectors")
def hotp(case: Case) -> dict[str, Any]:
    (counter,) = case.need("counter")
    case.only("algorithm", "key_ascii", "key_base32", "counter", "digits")
    algorithm, digits = case.inputs.get("algorithm", "sha1"), case.inputs.get("digits", 6)
    return {"code": hotp_code(key_of(case), int(counter), digits=digits, algorithm=algorithm)}


@handles("security_vectors")
def rate(case: Case) -> dict[str, Any]:
    per, count = case.need("per", "count")
    case.only("per", "count")
    return {"seconds_between": Decimal(1) / Decimal(RateRule("case", int(count), SECONDS[per], 1).rate)}


@handles("security_vectors")
def bucket(case: Case) -> dict[str, Any]:
    per_second, requests = case.need("rate_per_second", "requests")
    limit = case.inputs["limit"] if "limit" in case.inputs else case.need("burst")[0] + 1  # at once, and so many more
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


@handles("security_vectors")
def webhook(case: Case) -> dict[str, Any]:
    """Standard Webhooks: the signature, and whether one that is given holds at a time."""
    given = case.inputs
    secret, stamp = case.need("secret", "timestamp")
    event = next((given[name] for name in ("id", "msg_id", "message_id", "webhook_id") if name in given), None)
    body = next((given[name] for name in ("payload", "body") if name in given), None)
    if not isinstance(event, str) or not isinstance(body, str):
        raise Unsupported("a signature of Standard Webhooks needs an id and a payload")
    made = signature_make(secret=secret, event_id=event, timestamp=int(stamp), body=body.encode())
    headers = {
        "webhook-id": event,
        "webhook-timestamp": str(stamp),
        "webhook-signature": str(given.get("signature", given.get("header", made))),
    }
    now = float(given.get("now", stamp))
    try:
        signature_check(secrets=[secret], headers=headers, body=body.encode(), now=now)
        valid = True
    except WebhookSignatureInvalid:
        valid = False
    return {"signature": made, "header": made, "valid": valid, "accepted": valid}


@handles("security_vectors")
def token_refused(case: Case) -> dict[str, Any]:
    """Tokens that others made, with whatever header and key: none of them is one of ours."""
    raw = next((case.inputs[name] for name in ("token", "jwt") if name in case.inputs), None)
    if not isinstance(raw, str):
        raise Unsupported("no token")
    try:
        claims_read(raw, AccessToken)
        return {"valid": True, "accepted": True}
    except InvalidToken:
        return {"valid": False, "accepted": False, "rejected": True}
