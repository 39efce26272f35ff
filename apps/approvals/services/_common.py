"""What the services of approvals share: the trail, the announcements, the hash of what is approved."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Any

from apps.approvals import notices
from apps.approvals.models import ApprovalRequest
from apps.approvals.registry import Action, Preview
from apps.audit.services import record
from apps.core.errors import ValidationFailed
from apps.core.idempotency import json_canonical
from apps.core.tasks import after_commit
from apps.identity.models import User

OBJECT_TYPE = "approvals.approvalrequest"


def payload_hash(*, kind: str, payload: Mapping[str, Any]) -> str:
    """SHA-256 over the kind and the canonical payload, hexadecimal: what a decision was about, to the letter."""
    return hashlib.sha256(json_canonical({"kind": kind, "payload": payload})).hexdigest()


def action_read(action: Action, *, maker: User, payload: Mapping[str, Any]) -> Preview:
    """Validate a payload and describe it. Raises what the action raises; ValidationFailed where it cannot be read."""
    try:
        action.validate(maker, payload)
        return action.preview(maker, payload)
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        # It may come from outside, whole: what it lacks or has of a wrong type is its fault, not ours.
        fault = {"pointer": "/payload", "code": "payload-invalid", "detail": f"Not as {action.name} takes it."}
        raise ValidationFailed([fault]) from error


def happened(
    request: ApprovalRequest,
    verb: str,
    *,
    user: User | None,
    at: dt.datetime,
    comment: str = "",
    quietly: bool = False,
    **facts: Any,
) -> None:
    """Write an event to the audit trail, which is the request's own trail as well, and announce it after commit.

    `quietly`: it is written and not announced.
    """
    event = record(
        action=f"approvals.request.{verb}",
        acting_user=user,
        object_type=OBJECT_TYPE,
        object_id=str(request.public_id),
        object_label=str(request),
        after={"state": request.state, "round": request.round, **facts},
        reason=comment,
        at=at,
    )
    task = notices.announcing_task()
    if task is not None and not quietly and verb in notices.EVENT_WORDS:
        after_commit(task, request_id=request.public_id, event=verb, number=event.pk)


def state_set(
    request: ApprovalRequest, state: str, *, user: User | None, at: dt.datetime, reason: str = ""
) -> list[str]:
    """Put the request into a state, with when, who and why. Returns the names of the fields that changed."""
    request.state, request.state_at, request.state_by, request.state_reason = state, at, user, reason
    return ["state", "state_at", "state_by", "state_reason"]


def request_write(request: ApprovalRequest, *fields: str) -> None:
    """Write the fields and raise the version. Call it under the request's lock."""
    request.version += 1
    request.save(update_fields=[*fields, "version"])
