"""A loan of the bank's member with a payment, and an application that waits, for the walk over all operations."""

from __future__ import annotations

import datetime as dt
from typing import Any

from apps.core import clock
from apps.ledger.selectors import business_date_current
from apps.lending import services
from apps.lending.models import LoanEvent
from tests.factories.lending import application_make, asked, loan_make, product_make

KES = {"amount": "1.00", "currency": "KES"}


def lending_things(account: Any) -> tuple[dict[str, Any], dict[tuple[str, str], dict[str, Any]]]:
    """Ids by URL parameter, and bodies that are accepted."""
    today = business_date_current()
    product = product_make(requirements={"documents": [{"code": "id", "name": "Identity", "required": False}]})
    loan = loan_make(product=product, account=account, start=today - dt.timedelta(days=40))
    services.loan_repay(asked=asked(), loan_id=loan.pk, money=services.Money(100, channel="mobile"), at=clock.now())
    application = application_make(product=product, member=account.member, amount=100_000, instalments=6)
    services.application_submit(
        acting_user=application.created_by, application_id=application.pk, expected_version=1, business_date=today,
        at=clock.now(),
    )  # fmt: skip
    terms = {
        "effective_from": (today + dt.timedelta(days=30)).isoformat(), "principal_min": KES, "principal_max": KES,
        "instalments_min": 1, "instalments_max": 12, "rate_percent": "12", "rate_min_percent": "10",
        "rate_max_percent": "24", "fees": [{"name": "Entry", "kind": "upfront", "amount": "0.10"}],
    }  # fmt: skip
    product_one, application_one, one = (
        "loan-products/{loan_product_id}", "loan-applications/{application_id}", "loans/{loan_id}",
    )  # fmt: skip
    payment = {"amount": KES, "channel": "mobile", "reference": "R1", "description": "Paid"}
    return {
        "loan_product_id": product.pk,
        "application_id": application.pk,
        "loan_id": loan.pk,
        "event_id": LoanEvent.objects.get(loan=loan, kind="repayment").pk,
    }, {
        ("POST", "loan-products"): {
            "code": "SEC-LOAN", "name": "Loan", "kind": "personal", "currency": "KES", "borrowers": ["person"],
            "number_prefix": "59", "description": "For the walk", "terms": terms,
        },
        ("PATCH", product_one): {"name": "Other", "is_active": True},
        ("POST", product_one + "/terms"): terms,
        ("POST", product_one + "/preview"): {"amount": {"amount": "100.00", "currency": "KES"}, "instalments": 6},
        ("POST", "loan-applications"): {
            "loan_product_id": str(product.pk), "member_id": str(account.member_id), "amount": KES, "instalments": 3,
            "purpose": "School fees", "account_id": str(account.pk), "finances": {"income": KES},
        },
        ("POST", application_one + "/decision"): {"approve": True, "note": "Fine"},
        ("POST", application_one + "/documents"): {"code": "id", "received_on": today.isoformat(), "note": "Seen"},
        ("POST", one + "/repayments"): payment,
        ("POST", one + "/preview"): {"kind": "reschedule", "extra_instalments": 2},
        ("POST", one + "/changes"): {"kind": "charge", "amount": KES, "reason": "Copies"},
        ("POST", "loan-events/{event_id}/reversal"): {"reason": "Wrong loan"},
        ("POST", "loan-repayments"): {"items": [{"loan": loan.number, "amount": KES, "reference": "July"}]},
    }  # fmt: skip
