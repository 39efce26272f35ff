"""Roots of a function of one Decimal: a bracket first, then halving with secant steps. No float.

The answer is within `tolerance` of a sign change of the function. Nothing depends on a lucky first guess: the guess
only says which root is meant where there are several.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext

from apps.calculations.errors import NoSolution

PRECISION = 40
TOLERANCE = Decimal("1e-20")
STEPS_MAX = 500

GROWTH_STEP = Decimal("1.05")
"""How far apart rates are looked at for a sign change: 1 + rate grows by this factor."""
GROWTH_MIN, GROWTH_MAX = Decimal("1e-9"), Decimal(100_001)

Function = Callable[[Decimal], Decimal]


def root_between(function: Function, low: Decimal, high: Decimal, *, tolerance: Decimal = TOLERANCE) -> Decimal:
    """A zero of `function` between `low` and `high`, where its signs differ. Raises NoSolution when they do not."""
    with localcontext() as context:
        context.prec = PRECISION
        at_low, at_high = function(low), function(high)
        if at_low == 0:
            return low
        if at_high == 0:
            return high
        if (at_low > 0) == (at_high > 0):
            raise NoSolution("The function does not change its sign between the two ends.")
        for step in range(STEPS_MAX):
            width = high - low
            if abs(width) <= tolerance:
                break
            middle = low + width / 2
            if step % 3 != 2:  # two secant steps, then a halving: fast where it is smooth, sure where it is not
                guess = low - at_low * width / (at_high - at_low)
                margin = tolerance / 2
                middle = min(max(guess, low + margin), high - margin)
            at_middle = function(middle)
            if at_middle == 0:
                return middle
            if (at_middle > 0) == (at_low > 0):
                low, at_low = middle, at_middle
                at_high = at_high / 2 if step % 3 == 1 else at_high
            else:
                high, at_high = middle, at_middle
                at_low = at_low / 2 if step % 3 == 1 else at_low
        return low + (high - low) / 2


def rate_find(function: Function, *, guess: Decimal = Decimal("0.1"), tolerance: Decimal = TOLERANCE) -> Decimal:
    """The zero of a function of a rate that is nearest to `guess`, between -100 % and 10,000,000 %.

    Steps away from the guess on both sides, by 5 % of 1 + rate, until the sign changes. Raises NoSolution.
    """
    if guess <= -1:
        raise NoSolution("A rate is above -100 %.", pointer="/guess")
    with localcontext() as context:
        context.prec = PRECISION
        up = down = 1 + guess
        at_up = at_down = function(guess)
        if at_up == 0:
            return guess
        while up < GROWTH_MAX or down > GROWTH_MIN:
            if up < GROWTH_MAX:
                further = up * GROWTH_STEP
                at_further = function(further - 1)
                if at_further == 0 or (at_further > 0) != (at_up > 0):
                    return root_between(function, up - 1, further - 1, tolerance=tolerance)
                up, at_up = further, at_further
            if down > GROWTH_MIN:
                further = down / GROWTH_STEP
                at_further = function(further - 1)
                if at_further == 0 or (at_further > 0) != (at_down > 0):
                    return root_between(function, further - 1, down - 1, tolerance=tolerance)
                down, at_down = further, at_further
    raise NoSolution("No rate between -100 % and 10,000,000 % makes these flows balance.")
