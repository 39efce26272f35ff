"""Forms of loan products: new terms from a day on, with the schedule they give, and how loans are provided for."""

from __future__ import annotations

import json
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from apps.core import clock
from apps.core.display import money_text
from apps.core.errors import InvalidRequest
from apps.ledger.selectors import business_date_current
from apps.lending import services
from apps.lending.admin.forms import Change, Field, Form, Sent, forms_add
from apps.lending.models import LoanProduct, LoanProductTerms, ProvisionPolicy
from apps.lending.product_actions import product_change
from apps.lending.provisions import provision_policy_set
from apps.lending.selectors import product_get_for

MANAGE = "lending.manage_products"
DOCUMENTS = ("conventions", "servicing", "fees", "penalties", "requirements", "arrears")
LISTS = ("fees", "penalties")


def _percent(rate: Decimal) -> str:
    return f"{rate * 100:f}".rstrip("0").rstrip(".") or "0"


def _terms_fields(user: Any, product: LoanProduct) -> list[Field]:
    """The newest terms, to be changed."""
    newest = product.terms.order_by("-effective_from").first()
    if newest is None:
        return []
    currency = product.currency_id
    documents = [
        Field(name, name.capitalize(), "document", json.dumps(getattr(newest, name), indent=1), is_needed=False)
        for name in DOCUMENTS
    ]
    return [
        Field("effective_from", "From", "date", business_date_current().isoformat()),
        Field("principal_min", f"Least amount, {currency}", "money", money_text(newest.principal_min, currency)),
        Field("principal_max", f"Most, {currency}", "money", money_text(newest.principal_max, currency)),
        Field("instalments_min", "Fewest instalments", "number", str(newest.instalments_min)),
        Field("instalments_max", "Most instalments", "number", str(newest.instalments_max)),
        Field("rate", "Rate a year, %", "percent", _percent(newest.rate)),
        Field("rate_min", "Lowest rate, %", "percent", _percent(newest.rate_min)),
        Field("rate_max", "Highest rate, %", "percent", _percent(newest.rate_max)),
        *documents,
    ]


def _terms_of(product: LoanProduct, sent: Sent) -> services.TermsAsked:
    day, currency = sent.day("effective_from"), product.currency_id
    if day is None:
        raise InvalidRequest("From which day?", pointer="/effective_from")
    documents: dict[str, Any] = {name: sent.document(name) or ([] if name in LISTS else {}) for name in DOCUMENTS}
    rates = [sent.percent(name) or Decimal(0) for name in ("rate", "rate_min", "rate_max")]
    return services.TermsAsked(
        effective_from=day,
        principal_min=sent.amount("principal_min", currency) or 0,
        principal_max=sent.amount("principal_max", currency) or 0,
        instalments_min=sent.whole("instalments_min"),
        instalments_max=sent.whole("instalments_max"),
        rate=rates[0],
        rate_min=rates[1],
        rate_max=rates[2],
        **documents,
    )


def _terms_preview(user: Any, product: LoanProduct, sent: Sent) -> list[Change]:
    """The schedule of the smallest and the largest loan, on the terms of now and on the new ones."""
    asked, currency = _terms_of(product, sent), product.currency_id
    services.terms_check(product=product, terms=asked)
    drafted = LoanProductTerms(
        product=product, conventions=asked.conventions, servicing=asked.servicing, fees=list(asked.fees)
    )
    newest = product.terms.order_by("-effective_from").first()
    changes: list[Change] = []
    for words, amount, count in (
        ("Smallest, shortest", asked.principal_min, asked.instalments_min),
        ("Largest, longest", asked.principal_max, asked.instalments_max),
    ):
        figures: list[list[str]] = []
        for terms, rate in ((newest, newest.rate if newest else None), (drafted, asked.rate)):
            if terms is None or rate is None:
                figures.append(["", "", ""])
                continue
            rows = services.position_offered(
                terms=terms, amount=amount, rate=rate, instalments=count, start=asked.effective_from, first_due=None
            ).rows
            interest, fees = sum(one.row.interest for one in rows), sum(one.row.fees for one in rows)
            parts = (rows[0].row.total, interest, fees)
            figures.append([money_text(part, currency) for part in parts])
        names = ("first instalment", "interest in all", "fees on the way")
        changes += [(f"{words}: {name}", now, then) for name, now, then in zip(names, *figures, strict=True)]
    return changes


def _terms(user: Any, product: LoanProduct, sent: Sent) -> LoanProduct:
    values = asdict(_terms_of(product, sent))
    approval, _ = product_change(maker=user, product=product, do="terms_add", values=values, at=clock.now())
    return approval or product


def _policy_fields(user: Any, product: LoanProduct) -> list[Field]:
    return [
        Field("effective_from", "From", "date", business_date_current().isoformat()),
        Field("method", "How", "choice", options=ProvisionPolicy.Method.choices),
        Field("stage_2_after", "Stage 2 after, days past due", "number", "30"),
        Field("stage_3_after", "Stage 3 after, days past due", "number", "90"),
        Field("cure_days", "Days without arrears before a stage back", "number", "0"),
        Field("pd_12_months", "Probability of default in 12 months, %", "percent", "2"),
        Field("pd_lifetime", "Probability of default for life, %", "percent", "10"),
        Field("lgd", "Loss given default, %", "percent", "45"),
    ]


def _policy(user: Any, product: LoanProduct, sent: Sent) -> LoanProduct:
    day = sent.day("effective_from")
    if day is None:
        raise InvalidRequest("From which day?", pointer="/effective_from")
    whole = {name: sent.whole(name) for name in ("stage_2_after", "stage_3_after", "cure_days")}
    shares = {name: sent.percent(name) or Decimal(0) for name in ("pd_12_months", "pd_lifetime", "lgd")}
    provision_policy_set(
        acting_user=user, product_id=product.pk, effective_from=day, today=business_date_current(), at=clock.now(),
        method=sent.choice("method", ProvisionPolicy.Method.values), **whole, **shares,
    )  # fmt: skip
    return product


PRODUCT_FORMS = ("terms", "policy")
forms_add(
    terms=Form(
        "New terms", "edit_calendar", MANAGE, _terms_fields, _terms, find=product_get_for, preview=_terms_preview
    ),
    policy=Form("Provision policy", "shield", MANAGE, _policy_fields, _policy, find=product_get_for),
)
