"""Imports, tills and standing instructions on the staff site."""

from apps.payments.admin import imports

__all__ = ["imports"]
