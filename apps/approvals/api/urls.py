"""Routes of the approvals."""

from django.urls import path

from apps.approvals.api import document_views, policy_views, views

app_name = "approvals"

urlpatterns = [
    path("approvals", views.ApprovalsView.as_view(), name="approvals"),
    path("approvals/inbox", views.TasksView.as_view(box="inbox", summary="List what I should decide"), name="inbox"),
    path("approvals/queue", views.TasksView.as_view(box="queue", summary="List what waits for my roles"), name="queue"),
    path(
        "approvals/delegated",
        views.TasksView.as_view(box="delegated", summary="List what I decide for others"),
        name="delegated",
    ),
    path(
        "approvals/breached",
        views.TasksView.as_view(box="breached", summary="List late decisions"),
        name="breached",
    ),
    path("approvals/sent", views.RequestsView.as_view(box="sent", summary="List the requests I made"), name="sent"),
    path("approvals/done", views.RequestsView.as_view(box="done", summary="List what I decided"), name="done"),
    path("approvals/decisions", views.BulkDecisionsView.as_view(), name="decisions"),
    path("approvals/kinds", policy_views.KindsView.as_view(), name="kinds"),
    path("approvals/policies", policy_views.PoliciesView.as_view(), name="policies"),
    path("approvals/policies/<uuid:policy_id>", policy_views.PolicyView.as_view(), name="policy"),
    path(
        "approvals/policies/<uuid:policy_id>/activation",
        policy_views.PolicyActivationView.as_view(),
        name="policy-activation",
    ),
    path(
        "approvals/policies/<uuid:policy_id>/withdrawal",
        policy_views.PolicyWithdrawalView.as_view(),
        name="policy-withdrawal",
    ),
    path("approvals/simulations", policy_views.SimulationsView.as_view(), name="simulations"),
    path("approvals/delegations", policy_views.DelegationsView.as_view(), name="delegations"),
    path(
        "approvals/delegations/<uuid:delegation_id>/revocation",
        policy_views.DelegationRevocationView.as_view(),
        name="delegation-revocation",
    ),
    path("approvals/reports/sla", policy_views.SlaReportView.as_view(), name="sla-report"),
    path(
        "approvals/documents/<uuid:document_id>",
        document_views.ApprovalDocumentView.as_view(),
        name="document",
    ),
    path("approvals/<uuid:approval_id>", views.ApprovalView.as_view(), name="approval"),
    path(
        "approvals/<uuid:approval_id>/documents",
        document_views.ApprovalDocumentsView.as_view(),
        name="documents",
    ),
    path(
        "approvals/<uuid:approval_id>/exposure",
        document_views.ApprovalExposureView.as_view(),
        name="exposure",
    ),
    path("approvals/<uuid:approval_id>/trail", views.ApprovalTrailView.as_view(), name="trail"),
    path("approvals/<uuid:approval_id>/decision", views.ApprovalDecisionView.as_view(), name="decision"),
    path("approvals/<uuid:approval_id>/resubmission", views.ApprovalResubmissionView.as_view(), name="resubmission"),
    path("approvals/<uuid:approval_id>/cancellation", views.ApprovalCancellationView.as_view(), name="cancellation"),
    path("approvals/<uuid:approval_id>/assignment", views.ApprovalAssignmentView.as_view(), name="assignment"),
    path("approvals/<uuid:approval_id>/escalation", views.ApprovalEscalationView.as_view(), name="escalation"),
    path("approvals/<uuid:approval_id>/retry", views.ApprovalRetryView.as_view(), name="retry"),
    path("approvals/<uuid:approval_id>/comments", views.ApprovalCommentsView.as_view(), name="comments"),
]
