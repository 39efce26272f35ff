"""Actions of this app: policies and delegations. Those of identity, which lies below, are in access.py and
staff_users.py."""

from __future__ import annotations

from django.conf import settings

from apps.approvals import access, staff_users
from apps.approvals.access import id_of
from apps.approvals.models import ApprovalPolicy, Delegation
from apps.approvals.registry import Action, Change, Execution, Payload, Preview, Result, action_get, action_register
from apps.approvals.services import (
    delegation_activate,
    delegation_end,
    policy_activate,
    policy_check,
    policy_get,
)
from apps.core import clock
from apps.core.display import day_text, moment_text, money_text
from apps.core.errors import NotFound
from apps.identity.models import User

# -- policies


def _policy_validate(maker: User, payload: Payload) -> None:
    policy_check(policy=policy_get(policy_id=id_of(payload, "policy_id")))


def _policy_preview(maker: User, payload: Payload) -> Preview:
    policy = policy_get(policy_id=id_of(payload, "policy_id"))
    before = ApprovalPolicy.objects.filter(kind=policy.kind, state="active").order_by("-effective_from").first()
    rows = [
        Change("Kind", action_get(policy.kind).title, action_get(policy.kind).title),
        Change("Version", str(before.number) if before else "", str(policy.number)),
        Change("In force from", day_text(before.effective_from) if before else "", day_text(policy.effective_from)),
    ]
    old, new = _policy_lines(before), _policy_lines(policy)
    rows += [Change(label, old.get(label, ""), new.get(label, "")) for label in dict.fromkeys([*old, *new])]
    return Preview(title=f"Policy: {policy.name}", changes=tuple(rows), key=f"policy {policy.kind}")


def _policy_lines(policy: ApprovalPolicy | None) -> dict[str, str]:
    if policy is None:
        return {}
    lines = {}
    for segment in policy.document["segments"]:
        for band in segment["bands"]:
            label = f"{segment['name']}: {band['from']} to {band.get('to') or 'any amount'}"
            lines[label] = ", then ".join(level["name"] for level in band["levels"]) or "no approval"
    return lines


def _policy_execute(execution: Execution) -> Result:
    policy = policy_activate(
        acting_user=execution.maker, policy_id=id_of(execution.payload, "policy_id"), at=execution.at
    )
    return Result({"policy_id": str(policy.pk), "version": policy.number}, f"/api/v1/approvals/policies/{policy.pk}")


# -- delegations


def _delegation(payload: Payload) -> Delegation:
    wanted = id_of(payload, "delegation_id")
    row = Delegation.objects.select_related("principal", "delegate").filter(pk=wanted).first()
    if row is None:
        raise NotFound("No such delegation.")
    return row


def _delegation_validate(maker: User, payload: Payload) -> None:
    if _delegation(payload).principal_id != maker.pk:
        raise NotFound("No such delegation.")


def _delegation_preview(maker: User, payload: Payload) -> Preview:
    row = _delegation(payload)
    base = "" if row.limit_minor is None else money_text(row.limit_minor, settings.NUMINA["BASE_CURRENCY"])
    return Preview(
        title=f"Delegation to {row.delegate.get_full_name()}",
        changes=(
            Change("Decides in place of", "", row.principal.get_full_name()),
            Change("Delegate", "", row.delegate.get_full_name()),
            Change("From", "", moment_text(row.starts_at)),
            Change("Until", "", moment_text(row.ends_at)),
            Change("Kinds", "", ", ".join(action_get(kind).title for kind in row.kinds) or "all"),
            Change("Up to", "", base or "the principal's limit"),
            Change("Reason", "", row.reason),
        ),
        branch_id=row.principal.branch_id,
        branch_code=row.principal.branch.code if row.principal.branch else "",
        interested_ids=(row.delegate_id,),
        key=f"delegation {row.pk}",
    )


def _delegation_execute(execution: Execution) -> Result:
    row = delegation_activate(
        delegation_id=id_of(execution.payload, "delegation_id"), acting_user=execution.maker, at=execution.at
    )
    return Result({"delegation_id": str(row.pk)}, "/api/v1/approvals/delegations")


def _delegation_ended(payload: Payload, state: str) -> None:
    delegation_end(delegation_id=id_of(payload, "delegation_id"), acting_user=None, at=clock.now(), state="refused")


def actions_register() -> None:
    """Make the actions known. Called when Django starts."""
    action_register(
        Action(
            "approvals.policy", "Change of an approval policy", "approvals.manage_policies",
            _policy_validate, _policy_preview, _policy_execute, transactional=True,
        )
    )  # fmt: skip
    action_register(
        Action(
            "approvals.delegation", "Delegation of approvals", "approvals.decide",
            _delegation_validate, _delegation_preview, _delegation_execute, transactional=True,
            ended=_delegation_ended,
        )
    )  # fmt: skip
    access.actions_register()
    staff_users.actions_register()
