"""Doing what was approved: at once, exactly once, and visibly when it fails.

A claim with a lease keeps two executors apart; what makes it once for certain is the key of `Execution` (money) or the
mark in the same transaction (everything else). A process that dies leaves a lease that ends; the sweep goes on.
"""

from __future__ import annotations

import datetime as dt
import logging
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import F, Q

from apps.approvals import locks
from apps.approvals.errors import ApprovalStateConflict
from apps.approvals.models import ApprovalRequest
from apps.approvals.registry import Action, Execution, Result, action_get
from apps.approvals.services._common import happened, request_write, state_set
from apps.core.api.etag import version_check
from apps.core.errors import DomainError, PermissionDenied, Unavailable
from apps.core.retry import retry_transient, sqlstate_of
from apps.identity.models import User

logger = logging.getLogger(__name__)

LEASE = dt.timedelta(minutes=2)
ATTEMPTS_MAX = 5
BACKOFF_SECONDS = 15
ADMINISTER = "approvals.administer"
TRANSIENT_STATES = frozenset({"40P01", "40001", "55P03", "57P01", "08006", "08003"})


class _Settled(Exception):
    """The request was executed meanwhile: undo what this attempt did."""


def request_execute(*, request_id: UUID, at: dt.datetime) -> ApprovalRequest:
    """Carry out an approved request, unless another is at it. Returns the request as it is afterwards.

    Nothing is raised for what goes wrong with the action: the request is then failed, or due again.
    """
    request = _claim(request_id=request_id, at=at)
    if request is None:
        return ApprovalRequest.objects.select_related("maker", "branch", "policy").get(public_id=request_id)
    return carry_out(request, at=at)


def carry_out(request: ApprovalRequest, *, at: dt.datetime) -> ApprovalRequest:
    """Do what was approved, for a request that this call has claimed. As `request_execute`."""
    request_id = request.public_id
    try:
        return _attempt(request, action_get(request.kind), at=at)
    except _Settled:
        return ApprovalRequest.objects.select_related("maker", "branch", "policy").get(public_id=request_id)
    except Unavailable as error:
        return _postpone(request_id, code=error.code, detail=error.detail, at=at)
    except DomainError as error:
        return _fail(request_id, code=error.code, detail=error.detail, definite=True, at=at)
    except DatabaseError as error:
        if sqlstate_of(error) in TRANSIENT_STATES:
            return _postpone(request_id, code="unavailable", detail="The database was busy.", at=at)
        logger.exception("approval %s could not be executed", request_id)
        return _fail(request_id, code="server-error", detail="See the log.", definite=False, at=at)
    except Exception:
        logger.exception("approval %s could not be executed", request_id)
        return _fail(request_id, code="server-error", detail="See the log.", definite=False, at=at)


def request_retry(
    *, acting_user: User, request_id: UUID, expected_version: int, at: dt.datetime, comment: str = ""
) -> ApprovalRequest:
    """Try a failed request again. For its maker, and for those who administer approvals.

    Raises ApprovalNotFound, PermissionDenied, PreconditionFailed, ApprovalStateConflict.
    """
    with transaction.atomic():
        request = locks.request_lock(public_id=request_id)
        if request.maker_id != acting_user.pk and not acting_user.has_permission(ADMINISTER):
            raise PermissionDenied(f"This needs the permission {ADMINISTER}.", permission=ADMINISTER)
        version_check(current=request.version, expected=expected_version)
        if request.state != ApprovalRequest.State.FAILED:
            raise ApprovalStateConflict(f"The request is {request.state}.", state=request.state)
        maker_check(request)
        request.attempts, request.next_attempt_at, request.leased_until = 0, at, None
        fields = state_set(request, "approved", user=acting_user, at=at, reason=comment)
        request_write(request, *fields, "attempts", "next_attempt_at", "leased_until")
        happened(request, "retried", user=acting_user, at=at, comment=comment)
    return request_execute(request_id=request_id, at=at)


def maker_check(request: ApprovalRequest) -> None:
    """Raises ApprovalStateConflict when the maker may not do any more what is asked for."""
    permission = action_get(request.kind).permission
    if not request.maker.has_permission(permission):
        raise ApprovalStateConflict(f"Its maker does not hold {permission} any more.", state=request.state)


def executions_sweep(*, at: dt.datetime, limit: int = 100) -> int:
    """Carry out what is approved and due: after a crash, or after a transient fault. Returns how many were tried."""
    due = ApprovalRequest.objects.filter(
        Q(leased_until__isnull=True) | Q(leased_until__lte=at), state="approved", next_attempt_at__lte=at
    )
    ids = list(due.order_by("next_attempt_at").values_list("public_id", flat=True)[:limit])
    for request_id in ids:
        request_execute(request_id=request_id, at=at)
    return len(ids)


@retry_transient
@transaction.atomic
def _claim(*, request_id: UUID, at: dt.datetime) -> ApprovalRequest | None:
    request = locks.request_lock(public_id=request_id)
    busy = request.leased_until is not None and request.leased_until > at
    if request.state != ApprovalRequest.State.APPROVED or busy:
        return None
    request.save(update_fields=claim(request, at=at))
    return request


def claim(request: ApprovalRequest, *, at: dt.datetime) -> list[str]:
    """Take a locked request in hand for an attempt. Returns the names of the fields that changed."""
    request.leased_until, request.attempts = at + LEASE, request.attempts + 1
    return ["leased_until", "attempts"]


def _attempt(request: ApprovalRequest, action: Action, *, at: dt.datetime) -> ApprovalRequest:
    settled: list[ApprovalRequest] = []

    def settle(result: Result) -> None:
        settled.append(_settle(request, result, at=at))

    execution = Execution(
        request_id=request.public_id,
        key=_key(request),
        maker=request.maker,
        payload=request.payload,
        at=at,
        is_first=not request.refusals,
        settle=settle,
    )
    if action.transactional:
        with transaction.atomic():
            settle(action.execute(execution))
    else:
        result = action.execute(execution)
        if not settled:
            settle(result)
    return settled[-1]


def _key(request: ApprovalRequest) -> str:
    """The maker's own key, so that the operation called again with it finds what was done; a new one after a no."""
    if request.idempotency_key and not request.refusals:
        return request.idempotency_key
    return f"approval/{request.public_id}/{request.refusals}"


@transaction.atomic
def _settle(request: ApprovalRequest, result: Result, *, at: dt.datetime) -> ApprovalRequest:
    request.result, request.result_url, request.error_code = result.facts, result.url, ""
    request.next_attempt_at = request.leased_until = None
    fields = state_set(request, "executed", user=None, at=at)
    fields += ["result", "result_url", "error_code", "next_attempt_at", "leased_until"]
    # The update is its own lock: it waits for who has the row, and finds nothing once somebody else has executed it.
    approved = ApprovalRequest.objects.filter(pk=request.pk, state=ApprovalRequest.State.APPROVED)
    if not approved.update(version=F("version") + 1, **{name: getattr(request, name) for name in fields}):
        raise _Settled
    request.version += 1
    happened(request, "executed", user=None, at=at, result=result.facts)
    return request


@transaction.atomic
def _fail(request_id: UUID, *, code: str, detail: str, definite: bool, at: dt.datetime) -> ApprovalRequest:
    """`definite`: the action was refused and cannot have happened, so that the next attempt may use a fresh key."""
    request = locks.request_lock(public_id=request_id)
    if request.state != ApprovalRequest.State.APPROVED:
        return request
    request.error_code, request.leased_until, request.next_attempt_at = code, None, None
    request.refusals += definite
    fields = state_set(request, "failed", user=None, at=at, reason=detail)
    request_write(request, *fields, "error_code", "leased_until", "next_attempt_at", "refusals")
    happened(request, "failed", user=None, at=at, comment=detail, code=code)
    return request


@transaction.atomic
def _postpone(request_id: UUID, *, code: str, detail: str, at: dt.datetime) -> ApprovalRequest:
    request = locks.request_lock(public_id=request_id)
    if request.state != ApprovalRequest.State.APPROVED:
        return request
    if request.attempts >= ATTEMPTS_MAX:
        return _fail(request_id, code=code, detail=detail, definite=False, at=at)
    request.leased_until, request.error_code = None, code
    request.next_attempt_at = at + dt.timedelta(seconds=BACKOFF_SECONDS * 2 ** (request.attempts - 1))
    request.save(update_fields=["leased_until", "error_code", "next_attempt_at"])
    return request
