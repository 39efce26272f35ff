"""Routes of the ledger that move no money."""

from django.urls import path

from apps.ledger.api import views

app_name = "ledger"

urlpatterns = [
    path("ledger/accounts", views.GLAccountsView.as_view(), name="gl-accounts"),
    path("ledger/accounts/<str:code_or_id>", views.GLAccountView.as_view(), name="gl-account"),
    path("ledger/chart", views.ChartView.as_view(), name="chart"),
    path("ledger/trial-balance", views.TrialBalanceView.as_view(), name="trial-balance"),
    path("ledger/periods", views.PeriodsView.as_view(), name="periods"),
    path("ledger/periods/<uuid:period_id>", views.PeriodView.as_view(), name="period"),
    path("ledger/periods/<uuid:period_id>/closure", views.PeriodClosureView.as_view(), name="period-closure"),
    path("ledger/business-date", views.BusinessDateView.as_view(), name="business-date"),
]
