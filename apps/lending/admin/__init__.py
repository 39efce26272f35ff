"""Lending on the staff site: loans, applications, products, the portfolio, and what a loan officer does today."""

from apps.lending.admin.applications import LoanApplicationAdmin
from apps.lending.admin.loans import LoanAdmin
from apps.lending.admin.products import LoanProductAdmin

__all__ = ["LoanAdmin", "LoanApplicationAdmin", "LoanProductAdmin"]
