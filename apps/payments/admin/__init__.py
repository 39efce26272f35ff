"""Imports, tills, standing instructions, cheques and terminals on the staff site."""

from apps.payments.admin import cheques, imports, signing, standing, tills

__all__ = ["cheques", "imports", "signing", "standing", "tills"]
