"""Asking for approval."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from apps.approvals.errors import ApprovalPending
from apps.approvals.flow import ApprovalFlow
from apps.approvals.hours import worktime_of
from apps.approvals.models import ApprovalLevel, ApprovalRequest, ApprovalTimer
from apps.approvals.policies import Chosen, may_ask, rule_choose
from apps.approvals.registry import Preview, action_get, base_minor_of
from apps.approvals.selectors import PolicyInForce, policy_in_force
from apps.approvals.services._common import action_read, happened, payload_hash
from apps.approvals.services._steps import levels_write, round_levels, route_of, stage_next, stage_open
from apps.core.clock import bank_day
from apps.core.errors import IdempotencyKeyReused, PermissionDenied
from apps.core.money import Money
from apps.core.retry import retry_transient
from apps.identity.guards import step_up_check
from apps.identity.models import User
from apps.identity.permissions import STEP_UP_PERMISSIONS

TITLE_MAX = 200


def approval_possible(*, kind: str, at: dt.datetime, amount: Money | None = None) -> bool:
    """Could a policy ask for approval of this, by kind and amount alone? From memory: for paths that must be fast."""
    day = bank_day(at)
    found = policy_in_force(kind=kind, day=day)
    if found is None:
        return False
    base = base_minor_of(amount, base=settings.NUMINA["BASE_CURRENCY"], day=day)
    return may_ask(found.document, base_minor=base)


@retry_transient
def request_submit(
    *, kind: str, maker: User, payload: Mapping[str, Any], at: dt.datetime, key: str = "", comment: str = ""
) -> ApprovalRequest | None:
    """Ask for approval where the policy in force wants it; None where it does not, and the action may go at once.

    The same `key` of the same maker gives the request of the first time, whatever became of it. Raises
    ApprovalKindUnknown, PermissionDenied when the maker lacks the action's permission, MfaStepUpRequired where the
    action asks for a second factor, what its `validate` raises,
    ApprovalPending when an open request is about the same record, IdempotencyKeyReused.
    """
    action = action_get(kind)
    if not maker.has_permission(action.permission):
        raise PermissionDenied(f"This needs the permission {action.permission}.", permission=action.permission)
    if action.permission in STEP_UP_PERMISSIONS:
        step_up_check(maker, at=at)
    digest = payload_hash(kind=kind, payload=payload)
    if key and (known := _known(maker, key, digest)) is not None:
        return known
    found = policy_in_force(kind=kind, day=bank_day(at))
    if found is None:
        return None
    preview = action_read(action, maker=maker, payload=payload)
    facts = facts_of(preview, at=at)
    chosen = rule_choose(found.document, base_minor=facts["base_minor"], facts=facts)
    if not chosen.asks:
        return None
    if preview.key:
        _one_open(preview.key)
    fields = _fields(kind, maker, payload, digest, preview, facts, at)
    try:
        with transaction.atomic():
            return _start(fields, chosen, found, key=key, at=at, comment=comment)
    except IntegrityError:
        # Somebody was faster, with the same key or about the same record: the constraints keep one of them.
        if key and (known := _known(maker, key, digest)) is not None:
            return known
        if preview.key:
            _one_open(preview.key)
        raise


def facts_of(preview: Preview, *, at: dt.datetime) -> dict[str, Any]:
    """What a policy looks at, taken from a preview; `base_minor` in base currency minor units."""
    return {
        "product": preview.product,
        "member_type": preview.member_type,
        "branch": preview.branch_code,
        "channel": preview.channel,
        "risk_flags": list(preview.risk_flags),
        "base_minor": base_minor_of(preview.amount, base=settings.NUMINA["BASE_CURRENCY"], day=bank_day(at)),
    }


def preview_fields(preview: Preview, facts: dict[str, Any]) -> dict[str, Any]:
    """The columns that describe a request to those who decide."""
    return {
        "title": preview.title[:TITLE_MAX],
        "changes": [asdict(change) for change in preview.changes],
        "branch_id": preview.branch_id,
        "amount_minor": preview.amount.minor if preview.amount else None,
        "currency": preview.amount.currency if preview.amount else "",
        "base_minor": facts["base_minor"],
        "member_label": preview.member_label[:TITLE_MAX],
        "member_status": preview.member_status[:40],
        "member_ids": list(preview.member_ids),
        "interested_ids": list(preview.interested_ids),
        "risk_flags": list(preview.risk_flags),
        "subject_key": preview.key[:120],
        "subject_url": preview.url[:200],
        "facts": facts,
    }


def rule_shown(chosen: Chosen, found: PolicyInForce) -> dict[str, Any]:
    """The rule that asked, as it is kept with the request."""
    return {
        "policy": found.policy.name,
        "version": found.policy.number,
        "segment": chosen.segment.name,
        "when": {name: list(values) for name, values in chosen.segment.when.items()},
        "from_minor": chosen.band.minimum,
        "to_minor": chosen.band.maximum,
        "levels": [dict(level.raw) for level in chosen.band.levels],
    }


def _known(maker: User, key: str, digest: str) -> ApprovalRequest | None:
    known = ApprovalRequest.objects.filter(maker=maker, idempotency_key=key).first()
    if known is not None and known.round == 1 and known.payload_hash != digest:
        raise IdempotencyKeyReused
    return known


def _one_open(key: str) -> None:
    open_one = ApprovalRequest.objects.filter(subject_key=key, state__in=ApprovalRequest.OPEN_STATES).first()
    if open_one is not None:
        raise ApprovalPending(f"{open_one.number} waits already.", approval_id=str(open_one.public_id))


def _fields(
    kind: str,
    maker: User,
    payload: Mapping[str, Any],
    digest: str,
    preview: Preview,
    facts: dict[str, Any],
    at: dt.datetime,
) -> dict[str, Any]:
    return {
        "kind": kind,
        "maker": maker,
        "payload": dict(payload),
        "payload_hash": digest,
        "created_at": at,
        "state_at": at,
        "state_by": maker,
        **preview_fields(preview, facts),
    }


def _start(
    fields: dict[str, Any], chosen: Chosen, found: PolicyInForce, *, key: str, at: dt.datetime, comment: str
) -> ApprovalRequest:
    opening: list[ApprovalLevel] = []

    def prepare(request: ApprovalRequest) -> None:
        opening.extend(round_plan(request, chosen))

    request: ApprovalRequest = ApprovalFlow.begin.run(
        prepare=prepare,
        **fields,
        policy_id=found.policy.pk,
        rule=rule_shown(chosen, found),
        idempotency_key=key,
        state_reason=comment,
    )
    round_open(request, opening, expire_hours=found.document.expire_hours, at=at)
    request.save(update_fields=["stage", "due_at", "expires_at"])
    names = ", ".join(level.name for level in opening)
    happened(request, "submitted", user=request.maker, at=at, comment=comment, kind=request.kind, level=names)
    return request


def round_plan(request: ApprovalRequest, chosen: Chosen) -> list[ApprovalLevel]:
    """Write the levels of a round, put the first steps into the route, and return the levels to open on them."""
    levels = round_levels(request, chosen.band)
    request.stage = 0
    opening = stage_next(request, levels)
    request.route = route_of(opening)
    return opening


def round_open(request: ApprovalRequest, opening: list[ApprovalLevel], *, expire_hours: int, at: dt.datetime) -> None:
    """Open the first stage on the tasks that the flow has reached, and start the clock of the whole round."""
    request.expires_at = worktime_of(request.branch).after(at, expire_hours)
    ApprovalTimer.objects.create(request=request, what="expire", due_at=request.expires_at)
    levels_write(stage_open(request, opening, at=at))
