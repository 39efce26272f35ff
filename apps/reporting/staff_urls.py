"""Pages of reports on the staff site."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.urls import URLPattern, path

from apps.reporting.dashboards import dashboard_page, dashboards_page
from apps.reporting.insight_pages import insights_page
from apps.reporting.staff_pages import statement_page
from apps.reporting.table_pages import builder_page, definition_page, table_page, tables_page
from apps.reporting.year_pages import years_page


def pages(site: Any) -> list[URLPattern]:
    """The lists before the statements, whose address takes any word."""

    def page(view: Any) -> Any:
        return site.admin_view(partial(view, site))

    return [
        path("analytics/", page(dashboards_page), name="reporting_dashboards"),
        path("analytics/insights/", page(insights_page), name="reporting_insights"),
        path("analytics/<slug:code>/", page(dashboard_page), name="reporting_dashboard"),
        path("reports/lists/", page(tables_page), name="reporting_tables"),
        path("reports/lists/<slug:code>/", page(table_page), name="reporting_table"),
        path("reports/own/new/", page(builder_page), name="reporting_builder"),
        path("reports/own/<uuid:definition_id>/", page(definition_page), name="reporting_definition"),
        path("reports/years/", page(years_page), name="reporting_years"),
        path("reports/<slug:kind>/", page(statement_page), name="reporting_statement"),
    ]
