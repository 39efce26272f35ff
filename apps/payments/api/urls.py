"""Routes of payments."""

from django.urls import path

from apps.payments.api import accepted, holds, imports, standing, tills, vault, views

app_name = "payments"

urlpatterns = [
    path("deposits", views.DepositsView.as_view(), name="deposits"),
    path("withdrawals", views.WithdrawalsView.as_view(), name="withdrawals"),
    path("transfers", views.TransfersView.as_view(), name="transfers"),
    path("transfers/<uuid:payment_id>", accepted.TransferView.as_view(), name="transfer"),
    path("transfers/<uuid:payment_id>/reversal", views.TransferReversalView.as_view(), name="transfer-reversal"),
    path("transactions/<uuid:payment_id>", views.TransactionView.as_view(), name="transaction"),
    path("transactions/<uuid:payment_id>/reversal", views.ReversalView.as_view(), name="transaction-reversal"),
    path("transfer-batches", views.TransferBatchesView.as_view(), name="transfer-batches"),
    path("holds", holds.HoldsView.as_view(), name="holds"),
    path("holds/<uuid:hold_id>", holds.HoldView.as_view(), name="hold"),
    path("holds/<uuid:hold_id>/capture", holds.HoldCaptureView.as_view(), name="hold-capture"),
    path("holds/<uuid:hold_id>/release", holds.HoldReleaseView.as_view(), name="hold-release"),
    path("imports/transactions", imports.ImportsView.as_view(), name="imports"),
    path("imports/transactions/<uuid:run_id>", imports.ImportView.as_view(), name="import"),
    path("imports/transactions/<uuid:run_id>/refusals", imports.ImportRefusalsView.as_view(), name="import-refusals"),
    path("tills", tills.TillsView.as_view(), name="tills"),
    path("tills/<uuid:till_id>", tills.TillView.as_view(), name="till"),
    path("till-sessions", tills.TillSessionsView.as_view(), name="till-sessions"),
    path("till-sessions/<uuid:till_session_id>", tills.TillSessionView.as_view(), name="till-session"),
    path("till-sessions/<uuid:till_session_id>/movements", tills.TillMovementsView.as_view(), name="till-movements"),
    path("till-sessions/<uuid:till_session_id>/report", tills.TillReportView.as_view(), name="till-report"),
    path("till-sessions/<uuid:till_session_id>/deposits", tills.TillDepositsView.as_view(), name="till-deposits"),
    path(
        "till-sessions/<uuid:till_session_id>/withdrawals", tills.TillWithdrawalsView.as_view(), name="till-withdrawals"
    ),
    path("till-sessions/<uuid:till_session_id>/count", tills.TillCountView.as_view(), name="till-count"),
    path("till-sessions/<uuid:till_session_id>/closure", tills.TillClosureView.as_view(), name="till-closure"),
    path(
        "till-sessions/<uuid:till_session_id>/vault-transfers",
        vault.VaultTransfersView.as_view(),
        name="vault-transfers",
    ),
    path("vault-transfers/<uuid:vault_transfer_id>", vault.VaultTransferView.as_view(), name="vault-transfer"),
    path("vault-transfers/<uuid:vault_transfer_id>/decision", vault.VaultDecisionView.as_view(), name="vault-decision"),
    path(
        "vault-transfers/<uuid:vault_transfer_id>/cancellation",
        vault.VaultCancellationView.as_view(),
        name="vault-cancellation",
    ),
    path("standing-instructions", standing.InstructionsView.as_view(), name="instructions"),
    path("standing-instructions/<uuid:instruction_id>", standing.InstructionView.as_view(), name="instruction"),
    path(
        "standing-instructions/<uuid:instruction_id>/pause",
        standing.InstructionPauseView.as_view(),
        name="instruction-pause",
    ),
    path(
        "standing-instructions/<uuid:instruction_id>/resume",
        standing.InstructionResumeView.as_view(),
        name="instruction-resume",
    ),
    path(
        "standing-instructions/<uuid:instruction_id>/cancellation",
        standing.InstructionCancellationView.as_view(),
        name="instruction-cancellation",
    ),
    path(
        "standing-instructions/<uuid:instruction_id>/run", standing.InstructionRunView.as_view(), name="instruction-run"
    ),
    path(
        "standing-instructions/<uuid:instruction_id>/executions",
        standing.ExecutionsView.as_view(),
        name="instruction-executions",
    ),
]
