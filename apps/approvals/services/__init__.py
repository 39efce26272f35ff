"""Writes of approvals. `request_submit` asks, `request_decide` is the one decision, the sweeps are what time does."""

from apps.approvals.services._bulk import (
    BULK_MAX,
    BulkItem,
    BulkResult,
    bulk_problem,
    requests_decide,
)
from apps.approvals.services._change import (
    request_cancel,
    request_comment,
    request_reassign,
    request_resubmit,
)
from apps.approvals.services._decide import Decided, request_decide
from apps.approvals.services._delegations import delegation_activate, delegation_create, delegation_end
from apps.approvals.services._documents import document_add, document_open
from apps.approvals.services._execute import executions_sweep, request_execute, request_retry
from apps.approvals.services._policies import (
    Simulated,
    document_check,
    policy_activate,
    policy_check,
    policy_draft,
    policy_get,
    policy_propose,
    policy_simulate,
    policy_withdraw,
)
from apps.approvals.services._steps import people_of
from apps.approvals.services._submit import approval_possible, request_submit
from apps.approvals.services._timers import request_escalate, timers_sweep

__all__ = [
    "BULK_MAX",
    "BulkItem",
    "BulkResult",
    "Decided",
    "Simulated",
    "approval_possible",
    "bulk_problem",
    "delegation_activate",
    "delegation_create",
    "delegation_end",
    "document_add",
    "document_check",
    "document_open",
    "executions_sweep",
    "people_of",
    "policy_activate",
    "policy_check",
    "policy_draft",
    "policy_get",
    "policy_propose",
    "policy_simulate",
    "policy_withdraw",
    "request_cancel",
    "request_comment",
    "request_decide",
    "request_escalate",
    "request_execute",
    "request_reassign",
    "request_resubmit",
    "request_retry",
    "request_submit",
    "requests_decide",
    "timers_sweep",
]
