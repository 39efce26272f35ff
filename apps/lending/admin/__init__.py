"""Lending on the staff site: loans, applications, products, lines, groups, the portfolio, and an officer's day."""

from apps.lending.admin import loan_forms, product_forms
from apps.lending.admin.applications import LoanApplicationAdmin
from apps.lending.admin.credit_lines import CreditLineAdmin
from apps.lending.admin.groups import LoanGroupAdmin
from apps.lending.admin.loans import LoanAdmin
from apps.lending.admin.products import LoanProductAdmin

__all__ = [
    "CreditLineAdmin",
    "LoanAdmin",
    "LoanApplicationAdmin",
    "LoanGroupAdmin",
    "LoanProductAdmin",
    "loan_forms",
    "product_forms",
]
