"""Policies: drafted, checked, activated (with approval where a policy of policies asks for it), simulated."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from apps.approvals.errors import ApprovalNotFound, PolicyInvalid, PolicyStateConflict
from apps.approvals.locks import policies_lock
from apps.approvals.models import ApprovalPolicy, ApprovalRequest, ApproverGroup
from apps.approvals.policies import Document, document_parse, rule_choose
from apps.approvals.registry import action_get, base_minor_of
from apps.approvals.selectors import PolicyInForce, policies_forget, policy_in_force
from apps.approvals.services._steps import candidate_of, people_of
from apps.approvals.services._submit import request_submit, rule_shown
from apps.audit.services import record
from apps.core.errors import PermissionDenied
from apps.core.money import Money
from apps.identity.models import Branch, Role, User

MANAGE = "approvals.manage_policies"
KIND = "approvals.policy"
PEOPLE_SHOWN = 20


def document_check(*, document: Any) -> Document:
    """The document, read, with every role, group and branch that it names. Raises PolicyInvalid with all faults."""
    parsed = document_parse(document, currency=settings.NUMINA["BASE_CURRENCY"])
    roles, groups, branches = set(), set(), set()
    for segment in parsed.segments:
        branches |= set(segment.when.get("branches", ()))
        for band in segment.bands:
            for level in band.levels:
                for who in (level.who, level.escalate_to):
                    if who is not None:
                        roles |= {who.role} - {""}
                        groups |= {who.group} - {""}
    roles -= set(Role.objects.filter(code__in=roles).values_list("code", flat=True))
    groups -= set(ApproverGroup.objects.filter(code__in=groups).values_list("code", flat=True))
    branches -= set(Branch.objects.filter(code__in=branches).values_list("code", flat=True))
    unknown = [f"role {code}" for code in sorted(roles)] + [f"group {code}" for code in sorted(groups)]
    unknown += [f"branch {code}" for code in sorted(branches)]
    if unknown:
        raise PolicyInvalid(f"There is no {', '.join(unknown)}.", pointer="/document/segments")
    return parsed


@transaction.atomic
def policy_draft(
    *, acting_user: User | None, kind: str, name: str, effective_from: dt.date, document: Mapping[str, Any]
) -> ApprovalPolicy:
    """Write the next version of a kind's policy; it does nothing until it is activated.

    Raises PermissionDenied, ApprovalKindUnknown, PolicyInvalid for gaps, overlaps and names that do not exist.
    """
    if acting_user is not None and not acting_user.has_permission(MANAGE):
        raise PermissionDenied(f"This needs the permission {MANAGE}.", permission=MANAGE)
    action_get(kind)
    document_check(document=document)
    policies_lock()
    newest = ApprovalPolicy.objects.filter(kind=kind).aggregate(newest=Max("number"))["newest"] or 0
    policy = ApprovalPolicy.objects.create(
        kind=kind,
        number=newest + 1,
        name=name,
        effective_from=effective_from,
        document=dict(document),
        made_by=acting_user,
    )
    record(action="approvals.policy.drafted", acting_user=acting_user, target=policy, after={"document": document})
    return policy


def policy_propose(
    *, acting_user: User, policy_id: UUID, at: dt.datetime
) -> tuple[ApprovalPolicy, ApprovalRequest | None]:
    """Activate a draft, or ask for approval of it where the policy of policies wants that.

    Raises PermissionDenied, ApprovalNotFound, PolicyStateConflict, PolicyInvalid, ApprovalPending.
    """
    if not acting_user.has_permission(MANAGE):
        raise PermissionDenied(f"This needs the permission {MANAGE}.", permission=MANAGE)
    request = request_submit(kind=KIND, maker=acting_user, payload={"policy_id": str(policy_id)}, at=at)
    if request is None:
        return policy_activate(acting_user=acting_user, policy_id=policy_id, at=at), None
    return policy_get(policy_id=policy_id), request


@transaction.atomic
def policy_activate(*, acting_user: User | None, policy_id: UUID, at: dt.datetime) -> ApprovalPolicy:
    """Put a draft in force from its day on. Requests under way keep the rules that they began with.

    Raises ApprovalNotFound, PolicyStateConflict, PolicyInvalid.
    """
    policies_lock()
    policy = policy_get(policy_id=policy_id)
    policy_check(policy=policy)
    policy.state, policy.activated_at, policy.version = ApprovalPolicy.State.ACTIVE, at, policy.version + 1
    policy.save(update_fields=["state", "activated_at", "version", "updated_at"])
    record(action="approvals.policy.activated", acting_user=acting_user, target=policy, at=at)
    policies_forget()
    transaction.on_commit(policies_forget)
    return policy


@transaction.atomic
def policy_withdraw(*, acting_user: User | None, policy_id: UUID, at: dt.datetime, reason: str = "") -> ApprovalPolicy:
    """Drop a draft. What is in force is ended by a later version. Raises ApprovalNotFound, PolicyStateConflict."""
    if acting_user is not None and not acting_user.has_permission(MANAGE):
        raise PermissionDenied(f"This needs the permission {MANAGE}.", permission=MANAGE)
    policies_lock()
    policy = policy_get(policy_id=policy_id)
    if policy.state != ApprovalPolicy.State.DRAFT:
        raise PolicyStateConflict("Only a draft can be dropped.")
    policy.state, policy.version = ApprovalPolicy.State.WITHDRAWN, policy.version + 1
    policy.save(update_fields=["state", "version", "updated_at"])
    record(action="approvals.policy.withdrawn", acting_user=acting_user, target=policy, at=at, reason=reason)
    return policy


def policy_check(*, policy: ApprovalPolicy) -> None:
    """Raises PolicyStateConflict unless it is a draft whose day is free, PolicyInvalid when its names are gone."""
    if policy.state != ApprovalPolicy.State.DRAFT:
        raise PolicyStateConflict("Only a draft can be activated.")
    same = ApprovalPolicy.objects.filter(kind=policy.kind, state="active", effective_from=policy.effective_from)
    if same.exists():
        raise PolicyStateConflict("Another version begins on the same day.")
    document_check(document=policy.document)


def policy_get(*, policy_id: UUID) -> ApprovalPolicy:
    """A version of a policy. Raises ApprovalNotFound."""
    policy = ApprovalPolicy.objects.filter(pk=policy_id).first()
    if policy is None:
        raise ApprovalNotFound("No such policy.")
    return policy


@dataclass(frozen=True, slots=True)
class SimulatedLevel:
    """A level and who could decide on it today."""

    name: str
    stage: int
    need: str
    sla_hours: int
    people: list[str]


@dataclass(frozen=True, slots=True)
class Simulated:
    """Who would approve this: the rule that asks (empty when none does), and its levels with their people."""

    asks: bool
    why: dict[str, Any]
    levels: list[SimulatedLevel]


def policy_simulate(
    *,
    kind: str,
    day: dt.date,
    amount: Money | None = None,
    maker: User,
    branch: Branch | None = None,
    facts: Mapping[str, Any] | None = None,
    document: Mapping[str, Any] | None = None,
) -> Simulated:
    """Who would approve an action with these facts on a day, and by which rule; nothing is written.

    `facts` are product, member_type, channel and risk_flags; `document` tries rules that are not saved. Raises
    ApprovalKindUnknown, PolicyInvalid.
    """
    action_get(kind)
    if document is not None:
        trial = ApprovalPolicy(kind=kind, number=0, name="Trial", effective_from=day, document=dict(document))
        found: PolicyInForce | None = PolicyInForce(trial, document_check(document=document))
    else:
        found = policy_in_force(kind=kind, day=day)
    if found is None:
        return Simulated(False, {}, [])
    known = {**(facts or {}), "branch": branch.code if branch else ""}
    base = base_minor_of(amount, base=settings.NUMINA["BASE_CURRENCY"], day=day)
    chosen = rule_choose(found.document, base_minor=base, facts=known)
    request = ApprovalRequest(maker=maker, branch=branch or maker.branch, kind=kind)
    levels = []
    for level in chosen.band.levels:
        people = people_of(candidates=[candidate_of(request, level.who, origin="policy")])
        names = sorted(str(user.get_full_name()) for user in people if user.pk != maker.pk)
        levels.append(SimulatedLevel(level.name, level.stage, str(level.need), level.sla_hours, names[:PEOPLE_SHOWN]))
    return Simulated(chosen.asks, rule_shown(chosen, found), levels)
