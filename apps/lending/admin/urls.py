"""Addresses of lending's own pages, for the staff site."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.urls import URLPattern, path

from apps.lending.admin.acts import act_page
from apps.lending.admin.applications import application_form, application_step
from apps.lending.admin.forms import form_page
from apps.lending.admin.groups import sheet_page
from apps.lending.staff_pages import day_page, portfolio_page


def pages(site: Any) -> list[URLPattern]:
    """My day, the portfolio, the steps of an application, the events of a loan; each for signed-in staff."""

    def page(view: Any) -> Any:
        return site.admin_view(partial(view, site))

    return [
        path("my-day/", page(day_page), name="lending_day"),
        path("portfolio/", page(portfolio_page), name="lending_portfolio"),
        path("loan-applications/new/", page(application_form), name="lending_application_new"),
        path("loan-applications/<uuid:application_id>/edit/", page(application_form), name="lending_application_edit"),
        path("loan-applications/<uuid:application_id>/step/", page(application_step), name="lending_application_step"),
        path("loan-groups/<uuid:group_id>/sheet/", page(sheet_page), name="lending_sheet"),
        path("lending/forms/<slug:name>/", page(form_page), name="lending_form"),
        path("lending/forms/<slug:name>/<uuid:pk>/", page(form_page), name="lending_form_of"),
        path("loans/<uuid:loan_id>/act/<slug:kind>/", page(act_page), name="lending_act"),
    ]
