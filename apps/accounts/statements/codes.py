"""The code on a statement: an HMAC over what it says, in letters that survive paper and telephone.

The same statement has the same code, and nobody can make one without the bank's key. 80 bits, so guessing is hopeless
even without the limit on tries.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.encoding import force_bytes

if TYPE_CHECKING:
    from apps.accounts.models import StatementIssue

LENGTH = 16
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U
_TYPOS = str.maketrans({"I": "1", "L": "1", "O": "0", " ": None, "-": None})


def code_of(issue: StatementIssue) -> str:
    """The code of what the statement says, sixteen characters."""
    return _code(issue, settings.SECRET_KEY)


def code_matches(issue: StatementIssue) -> bool:
    """Does the stored statement still say what its code was made over? Keys that were rotated out of use count."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return any(hmac.compare_digest(issue.code, _code(issue, key)) for key in keys)


def code_normal(text: str) -> str:
    """A code as somebody typed it from paper: any case, with or without hyphens, O for 0, I or L for 1."""
    return text.upper().translate(_TYPOS)


def code_grouped(code: str) -> str:
    """Four groups of four, for people."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def _code(issue: StatementIssue, secret: str | bytes) -> str:
    facts = (
        issue.account_id,
        issue.starts_on.isoformat(),
        issue.ends_on.isoformat(),
        issue.opening,
        issue.paid_in,
        issue.paid_out,
        issue.closing,
        issue.line_count,
        issue.last_entry,
    )
    key = hashlib.sha256(b"numina.statement:" + force_bytes(secret)).digest()
    number = int.from_bytes(hmac.digest(key, "|".join(map(str, facts)).encode(), "sha256")[:10])
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(5 * LENGTH - 5, -1, -5))
