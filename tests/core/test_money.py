"""Money is exact: parsed strictly, rounded once, divided without losing a cent."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.currencies import CODES_WITHOUT_MINOR_UNIT, CURRENCIES, WITHDRAWN, currency_get, minor_format
from apps.core.errors import CurrencyMismatch, InvalidAmount, InvalidCurrency
from apps.core.money import (
    MAX_MINOR,
    ROUNDING_MODES,
    Money,
    minor_allocate,
    minor_round,
    money_round,
    ratio_round,
)
from apps.core.text import ungrouped

codes = st.sampled_from(sorted(CURRENCIES))
minors = st.integers(min_value=-MAX_MINOR, max_value=MAX_MINOR)


@given(minor=st.integers(min_value=0, max_value=MAX_MINOR), code=codes)
def test_what_is_shown_is_read_back(minor: int, code: str) -> None:
    shown = Money(minor, code).amount
    if len(shown.partition(".")[0]) <= 13:
        assert Money.parse(shown, code) == Money(minor, code)


@given(minor=minors, code=codes)
def test_the_string_and_the_decimal_agree(minor: int, code: str) -> None:
    money = Money(minor, code)
    assert Decimal(money.amount) == money.decimal


@pytest.mark.parametrize(
    "text",
    [
        "-1", "-0", "+1", "NaN", "Infinity", "-Infinity", "1e3", "1e400", "1E3", "0.001", "10" + "0" * 30, "1,00",
        "١٢", "１２", " 1", "1 ", "1\n", "", ".5", "5.", "1.2.3", "0x10", "1_000", "00000000000000", "12345678901234",
        True, None, [], {}, 1, 1.5, Decimal(1), b"1",
    ],
)  # fmt: skip
def test_amounts_that_are_refused(text: object) -> None:
    with pytest.raises(InvalidAmount):
        Money.parse(text, "KES")


@pytest.mark.parametrize(("text", "code"), [("1.5", "JPY"), ("1.0", "JPY"), ("1.0001", "BHD"), ("1.00000", "CLF")])
def test_no_more_decimals_than_the_currency_has(text: str, code: str) -> None:
    with pytest.raises(InvalidAmount, match="decimals"):
        Money.parse(text, code)


@pytest.mark.parametrize(
    ("text", "code", "minor"),
    [("12.5", "KES", 1250), ("12.50", "KES", 1250), ("7", "JPY", 7), ("0.001", "BHD", 1), ("0", "KES", 0),
     ("007", "KES", 700)],
)  # fmt: skip
def test_amounts_that_are_read(text: str, code: str, minor: int) -> None:
    assert Money.parse(text, code).minor == minor


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("1,250.00", "1250.00"), ("1 250", "1250"), ("12,50,000.5", "1250000.5"), (" 40 ", "40"), ("-1,000", "-1000"),
        ("12,50", "12,50"), ("1,2500", "1,2500"), ("12 50", "12 50"), ("1.250,00", "1.250,00"), ("", ""),
    ],
)  # fmt: skip
def test_separators_go_only_where_they_part_thousands(typed: str, read: str) -> None:
    assert ungrouped(typed) == read


def test_zero_is_refused_where_money_moves() -> None:
    for text in ("0", "0.00"):
        with pytest.raises(InvalidAmount, match="above zero"):
            Money.parse(text, "KES", positive=True)


def test_the_largest_amount_and_one_more() -> None:
    assert Money.parse("100000000000.00", "KES").minor == MAX_MINOR
    with pytest.raises(InvalidAmount, match="largest"):
        Money.parse("100000000000.01", "KES")


def test_a_signed_balance_is_read_where_asked_for() -> None:
    assert Money.parse("-12.50", "KES", signed=True).minor == -1250
    with pytest.raises(InvalidAmount):
        Money.parse("--1", "KES", signed=True)


@pytest.mark.parametrize("minor", [1.0, True, Decimal(1), "1", None])
def test_minor_units_are_integers_only(minor: object) -> None:
    with pytest.raises(TypeError):
        Money(minor, "KES")  # type: ignore[arg-type]


def test_currencies_do_not_mix() -> None:
    with pytest.raises(CurrencyMismatch):
        Money(1, "KES") + Money(1, "USD")
    with pytest.raises(CurrencyMismatch):
        assert Money(1, "KES") < Money(1, "USD")
    assert Money(1, "KES") != Money(1, "USD")


@given(a=minors, b=minors)
def test_adding_and_taking_away_undo_each_other(a: int, b: int) -> None:
    assert Money(a, "KES") + Money(b, "KES") - Money(b, "KES") == Money(a, "KES")
    assert Money(a, "KES") - Money(a, "KES") == Money.zero("KES")
    opposite = -Money(a, "KES")
    assert -opposite == Money(a, "KES")
    assert abs(opposite) == abs(Money(a, "KES"))


# Facts from moneyphp, dinero.js and Joda-Money, each computed again by hand.
ALLOCATIONS = [
    (100, [1, 1, 1], [34, 33, 33]),
    (101, [1, 1, 1], [34, 34, 33]),
    (5, [7, 3], [4, 1]),
    (5, [7, 0, 3], [4, 0, 1]),
    (0, [0, 0, 1], [0, 0, 0]),
    (1, [1, 1], [1, 0]),
    (1, [Decimal("0.33"), Decimal("0.66")], [0, 1]),
    (10, [1, 1], [5, 5]),
    (1003, [0, 50, 50], [0, 502, 501]),
    (-100, [1, 1, 1], [-34, -33, -33]),
]


@pytest.mark.parametrize(("minor", "ratios", "shares"), ALLOCATIONS)
def test_allocation_by_the_largest_remainder(minor: int, ratios: list[int], shares: list[int]) -> None:
    assert minor_allocate(minor, ratios) == shares
    assert [part.minor for part in Money(minor, "KES").allocate(ratios)] == shares


ratio_lists = st.lists(st.integers(min_value=0, max_value=10**6), min_size=1, max_size=20).filter(any)


@given(minor=minors, ratios=ratio_lists)
def test_parts_add_up_to_the_whole_and_are_off_by_less_than_one(minor: int, ratios: list[int]) -> None:
    parts = minor_allocate(minor, ratios)
    assert sum(parts) == minor
    for part, ratio in zip(parts, ratios, strict=True):
        assert abs(Fraction(minor * ratio, sum(ratios)) - part) < 1
        assert ratio or not part


@pytest.mark.parametrize("ratios", [[], [0], [0, 0], [1, -1], [2, -1]])
def test_ratios_that_divide_nothing(ratios: list[int]) -> None:
    with pytest.raises(ValueError, match="ratios"):
        minor_allocate(1, ratios)


def test_floats_have_no_way_in() -> None:
    with pytest.raises(TypeError):
        minor_allocate(1, [0.5, 0.5])  # type: ignore[list-item]
    with pytest.raises(TypeError):
        money_round(0.5, "KES")  # type: ignore[arg-type]


ROUNDINGS = [
    ("half_even", -20, 10, -2), ("half_even", 25, 10, 2), ("half_even", 3, 2, 2), ("half_even", 5, 2, 2),
    ("half_odd", 25, 10, 3), ("half_odd", 35, 10, 3), ("half_odd", -25, 10, -3), ("half_odd", 26, 10, 3),
    ("half_ceiling", 15, 10, 2), ("half_ceiling", -15, 10, -1), ("half_ceiling", -3, 2, -1),
    ("half_floor", 3, 2, 1), ("half_floor", -3, 2, -2), ("half_floor", 24, 5, 5),
    ("half_up", 15, 10, 2), ("half_up", -15, 10, -2), ("half_down", 15, 10, 1), ("half_down", -15, 10, -1),
    ("up", 11, 10, 2), ("up", -11, 10, -2), ("down", 19, 10, 1), ("down", -19, 10, -1),
    ("ceiling", -19, 10, -1), ("floor", -11, 10, -2), ("half_up", 15, -10, -2),
]  # fmt: skip


@pytest.mark.parametrize(("mode", "numerator", "denominator", "expected"), ROUNDINGS)
def test_rounding_of_ratios(mode: str, numerator: int, denominator: int, expected: int) -> None:
    assert ratio_round(numerator, denominator, mode) == expected


@pytest.mark.parametrize(
    ("mode", "minor", "unit", "expected"),
    [("half_up", 515, 10, 520), ("half_up", 4550, 100, 4600), ("half_up", 1250, 100, 1300),
     ("half_down", 1250, 100, 1200), ("half_even", 1250, 100, 1200)],
)  # fmt: skip
def test_rounding_to_cash(mode: str, minor: int, unit: int, expected: int) -> None:
    assert Money(minor, "KES").round_to(unit, mode).minor == expected
    assert minor_round(Decimal(minor), unit, mode) == expected


def test_yen_are_rounded_to_whole_yen() -> None:
    assert money_round(Decimal("2.34"), "JPY", "up").amount == "3"


DECIMAL_MODES = {
    "half_up": "ROUND_HALF_UP", "half_down": "ROUND_HALF_DOWN", "half_even": "ROUND_HALF_EVEN", "up": "ROUND_UP",
    "down": "ROUND_DOWN", "ceiling": "ROUND_CEILING", "floor": "ROUND_FLOOR",
}  # fmt: skip


@given(value=st.decimals(min_value=-(10**9), max_value=10**9, places=4), mode=st.sampled_from(sorted(DECIMAL_MODES)))
def test_rounding_agrees_with_decimal(value: Decimal, mode: str) -> None:
    assert money_round(value, "KES", mode).decimal == value.quantize(Decimal("0.01"), DECIMAL_MODES[mode])


@given(value=st.decimals(min_value=-(10**9), max_value=10**9, places=4), mode=st.sampled_from(sorted(ROUNDING_MODES)))
def test_rounding_moves_less_than_one_unit(value: Decimal, mode: str) -> None:
    assert abs(money_round(value, "KES", mode).decimal - value) < Decimal("0.01")


def test_unknown_modes_and_zero_denominators_are_errors() -> None:
    with pytest.raises(ValueError, match="mode"):
        ratio_round(1, 2, "bankers")
    with pytest.raises(ZeroDivisionError):
        ratio_round(1, 0, "up")


@pytest.mark.parametrize(
    ("code", "numeric", "exponent"),
    [("JPY", "392", 0), ("KRW", "410", 0), ("VND", "704", 0), ("CLP", "152", 0), ("XAF", "950", 0), ("XPF", "953", 0),
     ("UGX", "800", 0), ("PYG", "600", 0), ("KMF", "174", 0), ("DJF", "262", 0), ("KWD", "414", 3), ("BHD", "048", 3),
     ("OMR", "512", 3), ("JOD", "400", 3), ("LYD", "434", 3), ("USD", "840", 2), ("NGN", "566", 2), ("MWK", "454", 2)],
)  # fmt: skip
def test_facts_of_iso_4217(code: str, numeric: str, exponent: int) -> None:
    currency = currency_get(code)
    assert (currency.numeric, currency.exponent) == (numeric, exponent)


def test_the_table_is_sound() -> None:
    assert list(CURRENCIES) == sorted(CURRENCIES)
    assert len({currency.numeric for currency in CURRENCIES.values()}) == len(CURRENCIES)
    for code, currency in CURRENCIES.items():
        assert len(code) == 3
        assert code.isascii()
        assert code.isupper()
        assert len(currency.numeric) == 3
        assert currency.numeric.isdigit()
        assert currency.exponent in (0, 2, 3, 4)
    assert not CODES_WITHOUT_MINOR_UNIT.keys() & set(CURRENCIES)
    assert not set(WITHDRAWN) & set(CURRENCIES)
    assert (WITHDRAWN["HRK"].numeric, WITHDRAWN["BYR"].exponent, WITHDRAWN["SLL"].exponent) == ("191", 0, 2)


def test_every_code_but_the_newest_is_known_to_babel() -> None:
    from babel import Locale

    assert set(CURRENCIES) - set(Locale("en").currencies) <= {"XAD"}


@pytest.mark.parametrize("code", ["kes", "KE", "KESS", "XAU", "XXX", "ABC", "", None, 404, [], "KES\n", "HRK", "BGN"])
def test_currencies_that_are_refused(code: object) -> None:
    with pytest.raises(InvalidCurrency):
        currency_get(code)


def test_amounts_are_grouped_for_people() -> None:
    assert minor_format(-123456789, "KES", grouped=True) == "-1,234,567.89"
    assert minor_format(5, "BHD") == "0.005"
    assert minor_format(1234567, "JPY", grouped=True) == "1,234,567"


def test_amounts_are_compared_and_shown() -> None:
    small, large = Money(1, "KES"), Money(2, "KES")
    assert small < large
    assert small <= large
    assert large > small
    assert large >= small
    assert sorted([large, small]) == [small, large]
    assert bool(small)
    assert not Money.zero("KES")
    assert str(Money(-125050, "KES")) == "-1250.50 KES"
    assert [part.minor for part in Money(100, "KES").split(3)] == [34, 33, 33]
    with pytest.raises(TypeError):
        assert small + 1  # type: ignore[operator]
    with pytest.raises(TypeError):
        assert small - 1  # type: ignore[operator]
