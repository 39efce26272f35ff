"""What a password must be like, beside Django's own validators."""

from __future__ import annotations

import functools
import gzip
import re
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import password_validation
from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError

PASSWORD_MAX = 256
PHRASE_LENGTH = 16
DISTINCT_MIN = 5
CLASSES_MIN = 3
_CLASSES = (re.compile(r"[a-z]"), re.compile(r"[A-Z]"), re.compile(r"[0-9]"), re.compile(r"[^A-Za-z0-9]"))
_LEET = str.maketrans("0134578@$!", "oieastbasi")
_PADDING = re.compile(r"^[\W\d_]+|[\W\d_]+$")


class _Validator:
    """Django asks each validator for a help text."""

    help_text = ""

    def get_help_text(self) -> str:
        return self.help_text


class LengthCapValidator(_Validator):
    """Refuses what is longer than anybody types: hashing must not be a way to keep the server busy."""

    help_text = f"At most {PASSWORD_MAX} characters."

    def validate(self, password: str, user: Any = None) -> None:
        if len(password) > PASSWORD_MAX:
            raise ValidationError(self.help_text, code="password_too_long")


class ComplexityValidator(_Validator):
    """Several kinds of characters, unless it is a long phrase; and never a few characters again and again."""

    help_text = (
        f"At least {PHRASE_LENGTH} characters, or {CLASSES_MIN} kinds of: small letters, capitals, digits, others."
    )

    def validate(self, password: str, user: Any = None) -> None:
        kinds = sum(bool(pattern.search(password)) for pattern in _CLASSES)
        if len(set(password)) < DISTINCT_MIN or (len(password) < PHRASE_LENGTH and kinds < CLASSES_MIN):
            raise ValidationError(self.help_text, code="password_too_simple")


class BreachedValidator(_Validator):
    """Refuses passwords of known leaks, also in disguise: offline, from the 20,000 that Django carries.

    The list is compared after taking off what people add to pass a rule: capitals, look-alike digits, a year or
    signs at the ends, the same word twice. `P@ssword-2026!` is `password`.
    """

    help_text = "Not a password that was found in leaks, however it is dressed up."

    def validate(self, password: str, user: Any = None) -> None:
        if set(_undressed(password)) & leaked():
            raise ValidationError(self.help_text, code="password_breached")


class HistoryValidator(_Validator):
    """Refuses the present password and those before it: NUMINA["PASSWORD_HISTORY"] in all."""

    @property
    def help_text(self) -> str:  # type: ignore[override]
        return f"Not one of your last {settings.NUMINA['PASSWORD_HISTORY']} passwords."

    def validate(self, password: str, user: Any = None) -> None:
        if user is None or user._state.adding:
            return
        kept = settings.NUMINA["PASSWORD_HISTORY"]
        past = user.past_passwords.order_by("-set_at").values_list("password", flat=True)[: max(kept - 1, 0)]
        if any(check_password(password, old) for old in [user.password, *past][:kept] if old):
            raise ValidationError(self.help_text, code="password_reused")


@functools.cache
def leaked() -> frozenset[str]:
    """The passwords of the list, in small letters. Read once, 150 kB compressed."""
    path = Path(password_validation.__file__).parent / "common-passwords.txt.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        words = frozenset(line.strip() for line in lines)
    # Shorter words are too likely to be all that is left of a good phrase.
    return frozenset(word for word in words if len(word) >= 5)


def _undressed(password: str) -> list[str]:
    """What is left of a password when its disguise is taken off, in every order that matters."""
    lower = password.lower()
    bare = _PADDING.sub("", lower)
    forms = {lower, bare, lower.translate(_LEET), bare.translate(_LEET), _PADDING.sub("", lower.translate(_LEET))}
    for form in tuple(forms):
        for parts in range(2, 5):
            length, rest = divmod(len(form), parts)
            if length and not rest and form == form[:length] * parts:
                forms.add(form[:length])
    return sorted(forms)
