"""Routes of budgets."""

from django.urls import path

from apps.budgets.api import views

app_name = "budgets"

urlpatterns = [
    path("budgets", views.BudgetsView.as_view(), name="budgets"),
    path("budgets/cost-centres", views.CostCentresView.as_view(), name="cost-centres"),
    path("budgets/rules", views.BudgetRulesView.as_view(), name="rules"),
    path("budgets/alerts", views.BudgetAlertsView.as_view(), name="alerts"),
    path("budgets/commitments", views.CommitmentsView.as_view(), name="commitments"),
    path("budgets/commitments/<uuid:commitment_id>/end", views.CommitmentEndView.as_view(), name="commitment-end"),
    path("budgets/<uuid:budget_id>", views.BudgetView.as_view(), name="budget"),
    path("budgets/<uuid:budget_id>/lines", views.BudgetLinesView.as_view(), name="lines"),
    path("budgets/<uuid:budget_id>/activation", views.BudgetActivationView.as_view(), name="activation"),
    path("budgets/<uuid:budget_id>/variance", views.BudgetVarianceView.as_view(), name="variance"),
]
