"""Routes of payments."""

from django.urls import path

from apps.payments.api import accepted, holds, imports, views

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
]
