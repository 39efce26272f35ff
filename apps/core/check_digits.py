"""Check digits of numbers that people copy by hand: Luhn, Verhoeff, Damm, those of ISO 7064."""

from __future__ import annotations

_DIGITS = frozenset("0123456789")
_DIHEDRAL = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
"""The group of a pentagon's turns and flips (Verhoeff, 1969)."""
_PERMUTED = (
    "0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip
"""What Verhoeff makes of a digit by its place from the right."""
_QUASIGROUP = (
    "0317598642", "7092154863", "4206871359", "1750983426", "6123045978",
    "3674209581", "5869720134", "8945362017", "9438617205", "2581436790",
)  # fmt: skip
"""Totally anti-symmetric, of order 10 (Damm, 2004)."""
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ALPHANUMERIC = frozenset(_LETTERS)


def luhn_digit(digits: str) -> str:
    """The digit to put behind `digits` (ASCII): finds every single wrong digit and nearly every swap of neighbours."""
    total = 0
    for place, digit in enumerate(reversed(_ascii(digits))):
        value = int(digit) * (1 if place % 2 else 2)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def luhn_valid(digits: str) -> bool:
    """Does the last digit check the others? False for anything but ASCII digits."""
    return len(digits) > 1 and _DIGITS.issuperset(digits) and luhn_digit(digits[:-1]) == digits[-1]


def verhoeff_valid(digits: str) -> bool:
    """Does the last digit check the others by Verhoeff, as India's Aadhaar numbers? Every wrong digit and every swap of
    neighbours is found. False for anything but ASCII digits."""
    if len(digits) < 2 or not _DIGITS.issuperset(digits):
        return False
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = int(_DIHEDRAL[check][int(_PERMUTED[place % 8][int(digit)])])
    return check == 0


def damm_valid(digits: str) -> bool:
    """Does the last digit check the others by Damm? Finds what Verhoeff finds with one table. False for anything but
    ASCII digits."""
    if len(digits) < 2 or not _DIGITS.issuperset(digits):
        return False
    check = 0
    for digit in digits:
        check = int(_QUASIGROUP[check][int(digit)])
    return check == 0


def mod11_10_valid(digits: str) -> bool:
    """Does the last digit check the others by ISO 7064 MOD 11,10, as German tax numbers and Croatia's OIB? False for
    anything but ASCII digits."""
    return _hybrid_valid(digits, "0123456789")


def mod37_36_valid(text: str) -> bool:
    """Does the last character check the others by ISO 7064 MOD 37,36, with A to Z as 10 to 35?"""
    return _hybrid_valid(text, _LETTERS)


def mod11_2_valid(text: str) -> bool:
    """Does the last character, a digit or X, check the digits before it by ISO 7064 MOD 11-2, as ISNI's numbers?"""
    return _pure_valid(text, _LETTERS[:10], "0123456789X", 11)


def mod37_2_valid(text: str) -> bool:
    """Does the last character (or *) check the others by ISO 7064 MOD 37-2, with A to Z as 10 to 35?"""
    return _pure_valid(text, _LETTERS, _LETTERS + "*", 37)


def _hybrid_valid(text: str, alphabet: str) -> bool:
    """A hybrid system of ISO 7064: two moduli, the number of characters and one more."""
    size = len(alphabet)
    if len(text) < 2 or not set(alphabet).issuperset(text):
        return False
    check = size
    for letter in text[:-1]:
        check = ((check + alphabet.index(letter)) % size or size) * 2 % (size + 1)
    return (check + alphabet.index(text[-1])) % size == 1


def _pure_valid(text: str, alphabet: str, last: str, modulus: int) -> bool:
    """A pure system of ISO 7064 with radix 2 and one check character, which may be one more than the others."""
    if len(text) < 2 or not set(alphabet).issuperset(text[:-1]) or text[-1] not in last:
        return False
    check = 0
    for letter in text[:-1]:
        check = (check + alphabet.index(letter)) * 2 % modulus
    return (check + last.index(text[-1])) % modulus == 1


def mod97_digits(digits: str) -> str:
    """The two digits of ISO 7064 MOD 97-10 to put behind `digits` (ASCII): the whole is then 1 modulo 97."""
    return f"{98 - int(_ascii(digits)) * 100 % 97:02d}"


def mod97_valid(digits: str) -> bool:
    """Is the whole 1 modulo 97? False for anything but ASCII digits."""
    return len(digits) > 2 and _DIGITS.issuperset(digits) and int(digits) % 97 == 1


def mod97_10_valid(text: str) -> bool:
    """Do the last two digits check the letters and digits before them by ISO 7064 MOD 97-10, as in an LEI?"""
    return len(text) > 2 and _ALPHANUMERIC.issuperset(text) and mod97_remainder(text) == 1


def mod97_remainder(text: str) -> int:
    """The remainder by 97 of digits and capital letters (ASCII), with A to Z as 10 to 35, as ISO 7064 counts."""
    if not text or not _ALPHANUMERIC.issuperset(text):
        raise ValueError("check digits are made over ASCII digits and capital letters")
    return int("".join(str(int(letter, 36)) for letter in text)) % 97


def _ascii(digits: str) -> str:
    if not digits or not _DIGITS.issuperset(digits):
        raise ValueError("check digits are made over ASCII digits")
    return digits
