"""Addresses of the counter's pages, for the staff site."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.urls import URLPattern, path

from apps.payments.admin.cheque_tab import cheque_act_page
from apps.payments.admin.counter import cash_page, receipt_page
from apps.payments.admin.till_page import till_page


def pages(site: Any) -> list[URLPattern]:
    """The till and the cash screen, each for signed-in staff."""

    def page(view: Any) -> Any:
        return site.admin_view(partial(view, site))

    return [
        path("counter/", page(cash_page), name="payments_cash"),
        path("counter/receipt/<uuid:transaction_id>/", page(receipt_page), name="payments_receipt"),
        path("cheques/<uuid:account_id>/<slug:act>/", page(cheque_act_page), name="payments_cheque_act"),
        path("till/", page(till_page), name="payments_till_page"),
    ]
