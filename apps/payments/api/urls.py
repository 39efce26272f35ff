"""Routes of payments."""

from django.urls import path

from apps.payments.api import accepted, cheques, holds, imports, pending, standing, terminals, tills, vault, views

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
    path("pending-payments", pending.PendingPaymentsView.as_view(), name="pending-payments"),
    path("pending-payments/<uuid:pending_id>", pending.PendingPaymentView.as_view(), name="pending-payment"),
    path(
        "pending-payments/<uuid:pending_id>/signature", pending.PendingSignatureView.as_view(), name="pending-signature"
    ),
    path("pending-payments/<uuid:pending_id>/refusal", pending.PendingRefusalView.as_view(), name="pending-refusal"),
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
    path("cheque-deposits", cheques.ChequeDepositsView.as_view(), name="cheque-deposits"),
    path("cheque-deposits/<uuid:cheque_id>", cheques.ChequeDepositView.as_view(), name="cheque-deposit"),
    path("cheque-deposits/<uuid:cheque_id>/return", cheques.ChequeReturnView.as_view(), name="cheque-return"),
    path("cheque-books", cheques.ChequeBooksView.as_view(), name="cheque-books"),
    path("cheque-leaves", cheques.ChequeLeavesView.as_view(), name="cheque-leaves"),
    path("cheque-stops", cheques.ChequeStopsView.as_view(), name="cheque-stops"),
    path("cheque-payments", cheques.ChequePaymentsView.as_view(), name="cheque-payments"),
    path("terminals", terminals.TerminalsView.as_view(), name="terminals"),
    path("authorisations", terminals.AuthorisationsView.as_view(), name="authorisations"),
    path("authorisations/<uuid:authorisation_id>", terminals.AuthorisationView.as_view(), name="authorisation"),
    path(
        "authorisations/<uuid:authorisation_id>/capture",
        terminals.AuthorisationCaptureView.as_view(),
        name="authorisation-capture",
    ),
    path(
        "authorisations/<uuid:authorisation_id>/release",
        terminals.AuthorisationReleaseView.as_view(),
        name="authorisation-release",
    ),
]
