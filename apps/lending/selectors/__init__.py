"""Reads of lending: who sees what, and what a replay needs to know of a loan."""

from apps.lending.selectors._access import (
    application_get_for,
    applications_visible_to,
    event_get_for,
    group_get_for,
    groups_visible_to,
    line_get_for,
    lines_visible_to,
    loan_get_for,
    loans_visible_to,
    product_get_for,
    products_visible_to,
)
from apps.lending.selectors._explain import earned_explain, instalment_explain
from apps.lending.selectors._explain_standing import FIGURES as STANDING_FIGURES
from apps.lending.selectors._explain_standing import standing_explain
from apps.lending.selectors._facts import application_facts, loan_facts, product_facts, terms_facts
from apps.lending.selectors._loans import (
    Servicing,
    events_standing,
    happening_of,
    loan_conventions,
    position_of,
    rows_current,
    servicing_of,
    servicings_of,
    terms_conventions,
    terms_on,
    to_pay_out,
)

__all__ = [
    "STANDING_FIGURES",
    "Servicing",
    "application_facts",
    "application_get_for",
    "applications_visible_to",
    "earned_explain",
    "event_get_for",
    "events_standing",
    "group_get_for",
    "groups_visible_to",
    "happening_of",
    "instalment_explain",
    "line_get_for",
    "lines_visible_to",
    "loan_conventions",
    "loan_facts",
    "loan_get_for",
    "loans_visible_to",
    "position_of",
    "product_facts",
    "product_get_for",
    "products_visible_to",
    "rows_current",
    "servicing_of",
    "servicings_of",
    "standing_explain",
    "terms_conventions",
    "terms_facts",
    "terms_on",
    "to_pay_out",
]
