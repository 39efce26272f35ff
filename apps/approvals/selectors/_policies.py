"""The policy in force, from memory: every payment asks for it."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass
from threading import Lock

from django.conf import settings

from apps.approvals.models import ApprovalPolicy
from apps.approvals.policies import Document, document_parse
from apps.core.cache_stats import CacheStats

MEMORY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """A version of a policy and its document, read."""

    policy: ApprovalPolicy
    document: Document


stats = CacheStats("approval policies")
_lock = Lock()
_known: tuple[float, dict[str, list[PolicyInForce]]] | None = None


def policies_forget() -> None:
    """Read the policies anew the next time: called after every change, and by tests."""
    global _known  # noqa: PLW0603 - one memory a process
    with _lock:
        _known = None


def policy_in_force(*, kind: str, day: dt.date) -> PolicyInForce | None:
    """The version of a kind's policy for a day: the newest that is active and has begun; None when there is none.

    From memory of at most five seconds, as other processes may not notice a change sooner.
    """
    global _known  # noqa: PLW0603
    known = _known
    if known is None or time.monotonic() - known[0] > MEMORY_SECONDS:
        found: dict[str, list[PolicyInForce]] = {}
        for policy in ApprovalPolicy.objects.filter(state="active").order_by("kind", "-effective_from"):
            document = document_parse(policy.document, currency=settings.NUMINA["BASE_CURRENCY"])
            found.setdefault(policy.kind, []).append(PolicyInForce(policy, document))
        with _lock:
            known = _known = (time.monotonic(), found)
        stats.misses += 1
    else:
        stats.hits += 1
    return next((item for item in known[1].get(kind, ()) if item.policy.effective_from <= day), None)
