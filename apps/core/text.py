"""Text from outside: normalised, bounded, and without characters that hide or reorder what is read."""

from __future__ import annotations

import re
import unicodedata

from apps.core.errors import InvalidText

BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
"""Letters and marks by category that draw nothing: names made of them look empty or equal to others."""

_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_MULTILINE = frozenset("\n\t")
_PLAIN = re.compile(r"[ -~]*\Z")
_SPACES = re.compile(r"\s+")
_GROUPED = re.compile(r"-?[0-9]{1,3}(?:[, ][0-9]{2,3})*[, ][0-9]{3}(?:\.[0-9]+)?")


def text_clean(
    value: str,
    *,
    max_length: int,
    min_length: int = 0,
    identifier: bool = False,
    multiline: bool = False,
    pointer: str | None = None,
) -> str:
    """The text as it may be stored: normalised, trimmed, runs of spaces made one.

    `identifier` text is normalised with NFKC (full-width digits and ligatures become the plain ones), other text
    with NFC. Line feeds and tabs are kept in `multiline` text only. Lengths are in code points.
    Raises InvalidText on controls, NUL, zero-width, bidirectional, private-use and unpaired surrogate characters.
    """
    if len(value) > max_length * 2 + 64:
        # Before any other work: normalising ten megabytes is itself an attack.
        raise InvalidText(f"At most {max_length} characters.", pointer=pointer)
    if multiline:
        value = value.replace("\r\n", "\n").replace("\r", "\n")
    if not _PLAIN.match(value):
        _refuse_hidden(value, multiline=multiline, pointer=pointer)
        value = unicodedata.normalize("NFKC" if identifier else "NFC", value)
        _refuse_hidden(value, multiline=multiline, pointer=pointer)
    if multiline:
        value = "\n".join(line.rstrip() for line in value.split("\n")).strip()
    else:
        value = _SPACES.sub(" ", value).strip()
    if len(value) > max_length:
        raise InvalidText(f"At most {max_length} characters.", pointer=pointer)
    if len(value) < min_length:
        detail = "Must not be empty." if min_length == 1 else f"At least {min_length} characters."
        raise InvalidText(detail, pointer=pointer)
    return value


def text_key(value: str) -> str:
    """The form under which two spellings count as one, for unique keys and look-ups: NFKC, case folded."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold())


def _refuse_hidden(value: str, *, multiline: bool, pointer: str | None) -> None:
    for character in value:
        if multiline and character in _MULTILINE:
            continue
        point = ord(character)
        hidden = (
            unicodedata.category(character) in _REFUSED_CATEGORIES
            or character in BLANK_LETTERS
            or point & 0xFFFE == 0xFFFE  # noncharacters at the end of each plane
            or 0xFDD0 <= point <= 0xFDEF
        )
        if hidden:
            raise InvalidText(f"The character U+{point:04X} is not allowed.", pointer=pointer)


def ungrouped(text: str) -> str:
    """What somebody typed as an amount without the separators of its thousands: "1,250.00", "12,50,000", "1 250".

    A comma or a space anywhere else stays, so that "12,50" is refused and never taken for 1,250.
    """
    bare = text.strip()
    return bare.replace(",", "").replace(" ", "") if _GROUPED.fullmatch(bare) else bare
