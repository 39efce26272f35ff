"""Routes of the journal."""

from django.urls import path

from apps.balances.api import views

app_name = "balances"

urlpatterns = [
    path("ledger/journal-entries", views.JournalEntriesView.as_view(), name="journal-entries"),
    path("ledger/journal-entries/<uuid:transaction_id>", views.JournalEntryView.as_view(), name="journal-entry"),
    path(
        "ledger/journal-entries/<uuid:transaction_id>/reversal",
        views.JournalEntryReversalView.as_view(),
        name="journal-entry-reversal",
    ),
]
