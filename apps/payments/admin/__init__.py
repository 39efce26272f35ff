"""Imports, tills and standing instructions on the staff site."""

from apps.payments.admin import imports, tills

__all__ = ["imports", "tills"]
