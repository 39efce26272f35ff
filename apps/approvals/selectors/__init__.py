"""Reads of approvals: the policy in force, who may decide what, the boxes, one request and its trail, the report."""

from apps.approvals.selectors._policies import PolicyInForce, policies_forget, policy_in_force
from apps.approvals.selectors._reads import (
    BOXES,
    delegation_get_for,
    delegations_visible_to,
    level_for,
    levels_in_box,
    queue_count,
    request_get_for,
    requests_in_box,
    requests_visible_to,
    trail_of,
)
from apps.approvals.selectors._reports import SlaRow, sla_report
from apps.approvals.selectors._standing import (
    Standing,
    branch_ancestors,
    candidates_asked,
    levels_for,
    standings_of,
)

__all__ = [
    "BOXES",
    "PolicyInForce",
    "SlaRow",
    "Standing",
    "branch_ancestors",
    "candidates_asked",
    "delegation_get_for",
    "delegations_visible_to",
    "level_for",
    "levels_for",
    "levels_in_box",
    "policies_forget",
    "policy_in_force",
    "queue_count",
    "request_get_for",
    "requests_in_box",
    "requests_visible_to",
    "sla_report",
    "standings_of",
    "trail_of",
]
