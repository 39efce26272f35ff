"""Routes of reports."""

from django.urls import path

from apps.reporting.api import (
    analytics_views,
    book_views,
    definition_views,
    insight_views,
    run_views,
    table_views,
    views,
)

app_name = "reporting"

urlpatterns = [
    path("analytics", analytics_views.AnalyticsView.as_view(), name="analytics"),
    path("analytics/insights", insight_views.InsightView.as_view(), name="insights"),
    path("analytics/spread", insight_views.SpreadView.as_view(), name="spread"),
    path("analytics/cohorts", insight_views.CohortsView.as_view(), name="cohorts"),
    path("analytics/metrics", analytics_views.AnalyticsMetricsView.as_view(), name="analytics-metrics"),
    path("reports/balance-sheet", views.BalanceSheetView.as_view(), name="balance-sheet"),
    path("reports/income-statement", views.IncomeStatementView.as_view(), name="income-statement"),
    path("reports/changes-in-equity", views.ChangesInEquityView.as_view(), name="changes-in-equity"),
    path("reports/cash-flow", views.CashFlowView.as_view(), name="cash-flow"),
    path("reports/years", book_views.YearsView.as_view(), name="years"),
    path("reports/years/<int:year>/close", book_views.YearCloseView.as_view(), name="year-close"),
    path("reports/years/<int:year>/reopen", book_views.YearReopenView.as_view(), name="year-reopen"),
    path("reports/layouts", book_views.LayoutsView.as_view(), name="layouts"),
    path("reports/layouts/<slug:kind>", book_views.LayoutView.as_view(), name="layout"),
    path("reports/rates", book_views.RatesView.as_view(), name="rates"),
    path("reports/runs", run_views.ReportRunsView.as_view(), name="runs"),
    path("reports/runs/<uuid:report_id>", run_views.ReportRunView.as_view(), name="run"),
    path("reports/runs/<uuid:report_id>/file", run_views.ReportRunFileView.as_view(), name="run-file"),
    path("reports/runs/<uuid:report_id>/openings", run_views.ReportOpeningsView.as_view(), name="run-openings"),
    path("reports/links/<str:token>", run_views.ReportLinkView.as_view(), name="link"),
    path("reports/tables", table_views.TablesView.as_view(), name="tables"),
    path("reports/tables/<slug:code>", table_views.TableView.as_view(), name="table"),
    path("reports/datasets", definition_views.DatasetsView.as_view(), name="datasets"),
    path("reports/definitions", definition_views.DefinitionsView.as_view(), name="definitions"),
    path("reports/definitions/preview", definition_views.DefinitionPreviewView.as_view(), name="definition-preview"),
    path("reports/definitions/<uuid:definition_id>", definition_views.DefinitionView.as_view(), name="definition"),
    path(
        "reports/definitions/<uuid:definition_id>/result",
        definition_views.DefinitionResultView.as_view(),
        name="definition-result",
    ),
    path(
        "reports/definitions/<uuid:definition_id>/versions",
        definition_views.DefinitionVersionsView.as_view(),
        name="definition-versions",
    ),
    path("reports/schedules", run_views.ReportSchedulesView.as_view(), name="schedules"),
    path("reports/schedules/<uuid:schedule_id>", run_views.ReportScheduleView.as_view(), name="schedule"),
]
