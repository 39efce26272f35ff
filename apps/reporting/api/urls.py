"""Routes of reports."""

from django.urls import path

from apps.reporting.api import views

app_name = "reporting"

urlpatterns = [
    path("reports/balance-sheet", views.BalanceSheetView.as_view(), name="balance-sheet"),
    path("reports/income-statement", views.IncomeStatementView.as_view(), name="income-statement"),
    path("reports/changes-in-equity", views.ChangesInEquityView.as_view(), name="changes-in-equity"),
    path("reports/cash-flow", views.CashFlowView.as_view(), name="cash-flow"),
]
