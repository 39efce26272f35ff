"""Many decisions at once, each on its own: done, or skipped with the reason."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from apps.approvals.errors import BulkRefused
from apps.approvals.models import ApprovalRequest
from apps.approvals.policies import document_parse
from apps.approvals.services._decide import request_decide
from apps.core.errors import DomainError
from apps.identity.models import User

BULK_MAX = 100


@dataclass(frozen=True, slots=True)
class BulkItem:
    """A request as the user saw it."""

    request_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What became of one: `error` None when it was done."""

    request_id: UUID
    request: ApprovalRequest | None
    error: DomainError | None


def requests_decide(
    *, acting_user: User, items: Sequence[BulkItem], verdict: str, comment: str = "", at: dt.datetime
) -> list[BulkResult]:
    """Decide on up to 100 requests, in order, each in its own transaction.

    All must be of the kind of the first that exists, without risk flags, and within the policy's limit for bulk; the
    others are skipped with `approval-not-in-bulk`, as is whatever `request_decide` refuses.
    """
    ids = [item.request_id for item in items[:BULK_MAX]]
    known = {row.public_id: row for row in ApprovalRequest.objects.select_related("policy").filter(public_id__in=ids)}
    kind = next((known[pk].kind for pk in ids if pk in known), "")
    results = []
    for item in items[:BULK_MAX]:
        row = known.get(item.request_id)
        try:
            if row is not None:
                _check(row, kind)
            decided = request_decide(
                acting_user=acting_user,
                request_id=item.request_id,
                verdict=verdict,
                expected_version=item.version,
                comment=comment,
                at=at,
            )
            results.append(BulkResult(item.request_id, decided.request, None))
        except DomainError as error:
            results.append(BulkResult(item.request_id, None, error))
    return results


def bulk_problem(*, request: ApprovalRequest) -> str:
    """Why a request is decided alone; empty when it may go with others."""
    if request.risk_flags:
        return "It is flagged: " + ", ".join(request.risk_flags) + "."
    if request.policy is None:
        return "It has no limit for bulk."
    limit = document_parse(request.policy.document, currency=settings.NUMINA["BASE_CURRENCY"]).bulk_limit
    if request.base_minor is None or request.base_minor > limit:
        return "Its amount is above the limit for bulk."
    return ""


def _check(request: ApprovalRequest, kind: str) -> None:
    if request.kind != kind:
        raise BulkRefused("It is of another kind than the first.")
    problem = bulk_problem(request=request)
    if problem:
        raise BulkRefused(problem)
