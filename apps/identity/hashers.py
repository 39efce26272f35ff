"""How passwords are hashed: bcrypt, with a work factor that can only be raised."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.hashers import BCryptSHA256PasswordHasher

ROUNDS_MIN = 12


class BankBCryptHasher(BCryptSHA256PasswordHasher):
    """bcrypt over SHA-256, so that long passwords count whole. `NUMINA["BCRYPT_ROUNDS"]` raises the factor above 12.

    A hash of a lower factor is replaced at its owner's next sign-in.
    """

    @property
    def rounds(self) -> int:  # type: ignore[override]
        """The work factor for new hashes: 2**rounds."""
        return max(ROUNDS_MIN, int(settings.NUMINA.get("BCRYPT_ROUNDS", ROUNDS_MIN)))
