"""Imports, tills, standing instructions, cheques and terminals on the staff site."""

from apps.payments.admin import cheque_tab, cheques, imports, signing, standing, tills

__all__ = ["cheque_tab", "cheques", "imports", "signing", "standing", "tills"]
