"""Imports, tills, standing instructions, cheques and terminals on the staff site."""

from apps.payments.admin import cheques, imports, standing, tills

__all__ = ["cheques", "imports", "standing", "tills"]
