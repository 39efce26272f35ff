"""Notes and coins: which there are, and what a count of them is worth.

A count is an object from the value of a piece in minor units, as text, to the number of pieces: {"100000": 3} is three
notes of 1,000.00. Sources: the central banks' lists of notes and coins in circulation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from apps.core.currencies import currency_get
from apps.core.display import money_text
from apps.core.money import Money
from apps.payments.errors import CountNotRight

PIECES_MAX = 100_000

_IN_CIRCULATION: dict[str, tuple[int, ...]] = {
    "BHD": (20000, 10000, 5000, 1000, 500, 100, 50, 25, 10, 5),
    "EUR": (50000, 20000, 10000, 5000, 2000, 1000, 500, 200, 100, 50, 20, 10, 5, 2, 1),
    "GBP": (5000, 2000, 1000, 500, 200, 100, 50, 20, 10, 5, 2, 1),
    "JPY": (10000, 5000, 2000, 1000, 500, 100, 50, 10, 5, 1),
    "KES": (100000, 50000, 20000, 10000, 5000, 4000, 2000, 1000, 500, 100, 50),
    "KWD": (20000, 10000, 5000, 1000, 500, 250, 100, 50, 20, 10, 5),
    "RWF": (5000, 2000, 1000, 500, 100, 50, 20, 10, 5),
    "TZS": (1000000, 500000, 200000, 100000, 50000, 20000, 10000, 5000),
    "UGX": (50000, 20000, 10000, 5000, 2000, 1000, 500, 200, 100, 50),
    "USD": (10000, 5000, 2000, 1000, 500, 200, 100, 50, 25, 10, 5, 1),
    "XAF": (10000, 5000, 2000, 1000, 500, 200, 100, 50, 25, 10, 5, 2, 1),
    "XOF": (10000, 5000, 2000, 1000, 500, 250, 200, 100, 50, 25, 10, 5, 1),
    "ZAR": (20000, 10000, 5000, 2000, 1000, 500, 200, 100, 50, 20, 10),
}


def pieces_of(currency: str) -> tuple[int, ...]:
    """The values of its notes and coins in minor units, largest first; where not listed, 1, 2 and 5 of each power.

    Those go up to 500,000 units where money has no decimals (the dong), else to 5,000.
    """
    known = _IN_CIRCULATION.get(currency)
    if known is not None:
        return known
    exponent = currency_get(currency).exponent
    top = exponent + 3 if exponent else 5
    return tuple(digit * 10**power for power in range(top, -1, -1) for digit in (5, 2, 1))


def count_of(pieces: Iterable[tuple[Money, int]], *, currency: str, pointer: str = "/count") -> dict[str, int]:
    """The count that (value, pieces) make, without zeros.

    Raises `CountNotRight` for a value that the currency has no note or coin of, one that comes twice, and a number of
    pieces that nobody counts.
    """
    allowed = set(pieces_of(currency))
    count: dict[str, int] = {}
    for index, (value, number) in enumerate(pieces):
        at = f"{pointer}/{index}"
        if value.currency != currency or value.minor not in allowed:
            raise CountNotRight(f"There is no note or coin of {value}.", pointer=f"{at}/value")
        if str(value.minor) in count:
            raise CountNotRight("The value comes twice.", pointer=f"{at}/value")
        if not 0 <= number <= PIECES_MAX:
            raise CountNotRight(f"From 0 to {PIECES_MAX} pieces.", pointer=f"{at}/pieces")
        count[str(value.minor)] = number
    return {value: number for value, number in count.items() if number}


def count_check(count: Mapping[str, int], amount: Money, *, pointer: str = "/count") -> None:
    """Raise `CountNotRight` when a count that was given is not worth the amount; an empty one says nothing."""
    if not count:
        return
    total = count_total(count)
    if total != amount.minor:
        worth = money_text(total, amount.currency, with_currency=True)
        raise CountNotRight(f"Notes and coins are worth {worth}, the amount is {amount}.", pointer=pointer)


def count_total(count: Mapping[str, int]) -> int:
    """What counted notes and coins are worth, minor units."""
    return sum(int(value) * number for value, number in count.items())
