"""Records as the trail keeps them: plain values that JSON can hold."""

from __future__ import annotations

from typing import Any

from apps.lending.models import Loan, LoanApplication, LoanProduct, LoanProductTerms


def product_facts(product: LoanProduct) -> dict[str, Any]:
    """What may change of a product, and what it is."""
    return {
        "code": product.code,
        "name": product.name,
        "kind": product.kind,
        "currency": product.currency_id,
        "borrowers": list(product.borrowers),
        "accounting": product.accounting,
        "mapping": dict(product.mapping),
        "description": product.description,
        "is_active": product.is_active,
    }


def terms_facts(terms: LoanProductTerms) -> dict[str, Any]:
    """A version of a product's terms; amounts in minor units."""
    return {
        "number": terms.number,
        "effective_from": terms.effective_from.isoformat(),
        "principal": [terms.principal_min, terms.principal_max],
        "instalments": [terms.instalments_min, terms.instalments_max],
        "rate": [f"{rate:f}" for rate in (terms.rate_min, terms.rate, terms.rate_max)],
        "conventions": terms.conventions,
        "servicing": terms.servicing,
        "fees": terms.fees,
        "penalties": terms.penalties,
        "requirements": terms.requirements,
        "arrears": terms.arrears,
    }


def application_facts(application: LoanApplication) -> dict[str, Any]:
    """What was asked for, and what came of it; amounts in minor units."""
    return {
        "status": application.status,
        "amount": application.amount,
        "instalments": application.instalments,
        "rate": None if application.rate is None else f"{application.rate:f}",
        "purpose": application.purpose,
        "pay_out": application.pay_out,
        "offered_amount": application.offered_amount,
        "offered_instalments": application.offered_instalments,
        "offered_rate": None if application.offered_rate is None else f"{application.offered_rate:f}",
    }


def loan_facts(loan: Loan) -> dict[str, Any]:
    """The contract and the state of a loan; amounts in minor units."""
    return {
        "number": loan.number,
        "status": loan.status,
        "principal": loan.principal,
        "rate": f"{loan.rate:f}",
        "instalments": loan.instalments,
        "matures_on": loan.matures_on.isoformat() if loan.matures_on else None,
    }
