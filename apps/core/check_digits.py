"""Check digits of numbers that people copy by hand: Luhn, and ISO 7064 MOD 97-10."""

from __future__ import annotations

_DIGITS = frozenset("0123456789")
_ALPHANUMERIC = _DIGITS | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


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


def mod97_digits(digits: str) -> str:
    """The two digits of ISO 7064 MOD 97-10 to put behind `digits` (ASCII): the whole is then 1 modulo 97."""
    return f"{98 - int(_ascii(digits)) * 100 % 97:02d}"


def mod97_valid(digits: str) -> bool:
    """Is the whole 1 modulo 97? False for anything but ASCII digits."""
    return len(digits) > 2 and _DIGITS.issuperset(digits) and int(digits) % 97 == 1


def mod97_remainder(text: str) -> int:
    """The remainder by 97 of digits and capital letters (ASCII), with A to Z as 10 to 35, as ISO 7064 counts."""
    if not text or not _ALPHANUMERIC.issuperset(text):
        raise ValueError("check digits are made over ASCII digits and capital letters")
    return int("".join(str(int(letter, 36)) for letter in text)) % 97


def _ascii(digits: str) -> str:
    if not digits or not _DIGITS.issuperset(digits):
        raise ValueError("check digits are made over ASCII digits")
    return digits
