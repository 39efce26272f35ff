"""Addresses of the pages of approvals, for the staff site."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.urls import URLPattern, path

from apps.approvals.admin.inbox import inbox_page
from apps.approvals.admin.task import document_page, task_page
from apps.approvals.admin.tools import delegations_page, report_page, simulator_page


def pages(site: Any) -> list[URLPattern]:
    """The inbox and what is around it, each for signed-in staff."""

    def page(view: Any) -> Any:
        return site.admin_view(partial(view, site))

    return [
        path("approvals/inbox/", page(inbox_page), name="approvals_inbox"),
        path("approvals/task/<uuid:approval_id>/", page(task_page), name="approvals_task"),
        path("approvals/document/<uuid:document_id>/", page(document_page), name="approvals_document"),
        path("approvals/simulator/", page(simulator_page), name="approvals_simulator"),
        path("approvals/report/", page(report_page), name="approvals_report"),
        path("approvals/delegations/", page(delegations_page), name="approvals_delegations"),
    ]
