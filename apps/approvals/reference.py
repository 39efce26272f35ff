"""Policies that every installation starts with: fixtures/approval_policies.json. Kinds that have one keep theirs."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import transaction

from apps.approvals.models import ApprovalPolicy
from apps.approvals.services import policy_activate, policy_draft
from apps.core import clock
from apps.core.reference import LoadReport


@transaction.atomic
def policies_load(rows: list[dict[str, Any]]) -> LoadReport:
    """Draft and activate the policy of each kind that has none. Raises what policy_draft raises."""
    report = LoadReport()
    known = set(ApprovalPolicy.objects.values_list("kind", flat=True))
    for row in rows:
        if row["kind"] in known:
            report.present += 1
            continue
        policy = policy_draft(
            acting_user=None,
            kind=row["kind"],
            name=row["name"],
            effective_from=date.fromisoformat(row["effective_from"]),
            document=row["document"],
        )
        policy_activate(acting_user=None, policy_id=policy.pk, at=clock.now())
        report.added.append(row["kind"])
    return report
