"""The bank of the security tests: one thing of each kind, and a caller who may do everything."""

from tests.security.conftest import _files, bank, banks

__all__ = ["_files", "bank", "banks"]
