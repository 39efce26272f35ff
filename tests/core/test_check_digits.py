"""Luhn and ISO 7064 MOD 97-10, by facts and by what they promise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.check_digits import luhn_digit, luhn_valid, mod97_digits, mod97_valid

DIGITS = st.text("0123456789", min_size=1, max_size=30)


@pytest.mark.parametrize("number", ["79927398713", "4111111111111111", "378282246310005", "0000018", "18"])
def test_numbers_with_a_right_luhn_digit(number: str) -> None:
    assert luhn_valid(number)
    assert luhn_digit(number[:-1]) == number[-1]


@pytest.mark.parametrize("number", ["79927398710", "", "0", "1a", "\u0661\u0668", "-18", " 18"])
def test_numbers_without(number: str) -> None:
    assert not luhn_valid(number)
    assert not mod97_valid(number)


def test_mod_97_as_iso_7064_shows_it() -> None:
    # GB82 WEST 1234 5698 7654 32 with letters as numbers and the country behind: an IBAN is 1 modulo 97.
    assert mod97_valid("3214282912345698765432161182")
    assert mod97_digits("794") == "44"


@given(DIGITS)
def test_made_digits_are_right(digits: str) -> None:
    assert luhn_valid(digits + luhn_digit(digits))
    assert mod97_valid(digits + mod97_digits(digits))


@given(DIGITS, st.data())
def test_one_wrong_digit_is_found(digits: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(digits) - 1))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != digits[place]]))
    wrong = digits[:place] + other + digits[place + 1 :]
    assert not luhn_valid(wrong + luhn_digit(digits))
    assert not mod97_valid(wrong + mod97_digits(digits))


@pytest.mark.parametrize("digits", ["", "1a", "\u0661"])
def test_only_ascii_digits_are_taken(digits: str) -> None:
    with pytest.raises(ValueError):
        luhn_digit(digits)
    with pytest.raises(ValueError):
        mod97_digits(digits)
