"""The annuity functions of spreadsheets: PMT, IPMT, PPMT, CUMIPMT, CUMPRINC, FV, PV, NPER, RATE, ISPMT and relatives.

All rest on one equation (OpenDocument 1.2 part 2, 6.12 "Financial Functions"; the same in Excel):

    pv·(1+r)^n + pmt·(1 + r·when)·((1+r)^n - 1)/r + fv = 0,    and   pv + pmt·n + fv = 0   where r = 0

Rates are per period, as a fraction (0.01 is 1 %). What is paid out is negative, what is received positive. `when` is
0 for payments at the end of a period, 1 at its beginning. Results are not rounded: 28 digits and more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, DivisionByZero, Overflow, localcontext
from functools import wraps
from typing import Any

from apps.calculations.errors import AmountOutOfRange, NoSolution, PeriodNotValid, RateNotValid
from apps.calculations.roots import PRECISION, rate_find

PERIODS_MAX = 100_000


def precise(function: Callable[..., Decimal]) -> Callable[..., Decimal]:
    """The function with 40 digits, whatever the caller's context is."""

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Decimal:
        with localcontext() as context:
            context.prec = PRECISION
            try:
                return function(*args, **kwargs)
            except (Overflow, DivisionByZero) as error:  # a factor beyond all bounds, or one that vanished
                raise AmountOutOfRange("The result is larger than a number can be.") from error

    return wrapper


def checked(rate: Decimal, when: int = 0) -> None:
    """Raises RateNotValid for -100 % and below, PeriodNotValid for a `when` that is neither 0 nor 1."""
    if rate <= -1:
        raise RateNotValid("A rate is above -100 %.", pointer="/rate")
    if when not in (0, 1):
        raise PeriodNotValid("Payments are at the end (0) or the beginning (1) of a period.", pointer="/when")


def _periods(nper: Decimal | int) -> Decimal:
    if not 0 < nper <= PERIODS_MAX:
        raise PeriodNotValid(f"The number of periods is above 0 and at most {PERIODS_MAX:,}.", pointer="/nper")
    return Decimal(nper)


def _annuity(rate: Decimal, nper: Decimal, when: int) -> tuple[Decimal, Decimal]:
    """(1+r)^n, and what n payments of one are worth at the end."""
    if rate == 0:
        return Decimal(1), nper
    growth = (1 + rate) ** nper
    return growth, (1 + rate * when) * (growth - 1) / rate


@precise
def pmt(rate: Decimal, nper: Decimal | int, pv: Decimal, fv: Decimal = Decimal(0), when: int = 0) -> Decimal:
    """PMT: the level payment of a loan of `pv` that leaves -`fv` after `nper` periods."""
    checked(rate, when)
    growth, worth = _annuity(rate, _periods(nper), when)
    return -(pv * growth + fv) / worth


@precise
def fv(rate: Decimal, nper: Decimal | int, pmt: Decimal, pv: Decimal = Decimal(0), when: int = 0) -> Decimal:
    """FV: the value after `nper` periods."""
    checked(rate, when)
    growth, worth = _annuity(rate, Decimal(nper), when)
    return -(pv * growth + pmt * worth)


@precise
def pv(rate: Decimal, nper: Decimal | int, pmt: Decimal, fv: Decimal = Decimal(0), when: int = 0) -> Decimal:
    """PV: what `nper` payments and a final value are worth today."""
    checked(rate, when)
    growth, worth = _annuity(rate, Decimal(nper), when)
    return -(fv + pmt * worth) / growth


@precise
def nper(rate: Decimal, pmt: Decimal, pv: Decimal, fv: Decimal = Decimal(0), when: int = 0) -> Decimal:
    """NPER: how many payments it takes, not rounded. Raises NoSolution when the payments never suffice."""
    checked(rate, when)
    if rate == 0:
        if pmt == 0:
            raise NoSolution("Without interest and payments nothing changes.", pointer="/pmt")
        return -(pv + fv) / pmt
    level = pmt * (1 + rate * when) / rate
    if pv + level == 0 or (level - fv) / (pv + level) <= 0:
        raise NoSolution("The payments never reach the final value.", pointer="/pmt")
    return ((level - fv) / (pv + level)).ln() / (1 + rate).ln()


def _outstanding(rate: Decimal, per: Decimal, payment: Decimal, pv_: Decimal, when: int) -> Decimal:
    growth, worth = _annuity(rate, per, when)
    return -(pv_ * growth + payment * worth)


@precise
def ipmt(rate: Decimal, per: int, nper: Decimal | int, pv: Decimal, fv: Decimal = Decimal(0), when: int = 0) -> Decimal:
    """IPMT: the interest in payment `per` (1 is the first)."""
    if not 1 <= per <= nper:
        raise PeriodNotValid("The period is between 1 and the number of periods.", pointer="/per")
    payment = pmt(rate, nper, pv, fv, when)
    if per == 1 and when == 1:
        return Decimal(0)
    interest = _outstanding(rate, Decimal(per - 1), payment, pv, when) * rate
    return interest / (1 + rate) if when == 1 else interest


@precise
def ppmt(rate: Decimal, per: int, nper: Decimal | int, pv: Decimal, fv: Decimal = Decimal(0), when: int = 0) -> Decimal:
    """PPMT: the principal in payment `per`: PMT less IPMT."""
    return pmt(rate, nper, pv, fv, when) - ipmt(rate, per, nper, pv, fv, when)


def _span(start: int, end: int, nper: Decimal | int) -> range:
    if not 1 <= start <= end <= nper:
        raise PeriodNotValid("The periods are in order, from 1 to the number of periods.", pointer="/start")
    return range(start, end + 1)


@precise
def cumipmt(rate: Decimal, nper: Decimal | int, pv: Decimal, start: int, end: int, when: int = 0) -> Decimal:
    """CUMIPMT: the interest of the payments `start` to `end`, both included."""
    return sum((ipmt(rate, per, nper, pv, Decimal(0), when) for per in _span(start, end, nper)), Decimal(0))


@precise
def cumprinc(rate: Decimal, nper: Decimal | int, pv: Decimal, start: int, end: int, when: int = 0) -> Decimal:
    """CUMPRINC: the principal of the payments `start` to `end`, both included."""
    return sum((ppmt(rate, per, nper, pv, Decimal(0), when) for per in _span(start, end, nper)), Decimal(0))


@precise
def rate(
    nper: Decimal | int,
    pmt: Decimal,
    pv: Decimal,
    fv: Decimal = Decimal(0),
    when: int = 0,
    guess: Decimal = Decimal("0.1"),
) -> Decimal:
    """RATE: the rate per period, to 20 decimals; of several that nearest to `guess`. Raises NoSolution."""
    checked(guess, when)
    periods = _periods(nper)

    def left(r: Decimal) -> Decimal:
        growth, worth = _annuity(r, periods, when)
        return pv * growth + pmt * worth + fv

    return rate_find(left, guess=guess)


@precise
def ispmt(rate: Decimal, per: Decimal | int, nper: Decimal | int, pv: Decimal) -> Decimal:
    """ISPMT: interest of period `per` (0 is the first) of a loan with equal principal parts."""
    return pv * rate * (Decimal(per) / _periods(nper) - 1)


@precise
def effect(nominal: Decimal, periods: Decimal | int) -> Decimal:
    """EFFECT: the effective annual rate of a nominal one that is compounded `periods` times a year, cut to a whole
    number as spreadsheets do."""
    periods = int(periods)
    if periods < 1 or nominal <= 0:
        raise RateNotValid("A nominal rate above zero, compounded at least once a year.", pointer="/nominal")
    return (1 + nominal / periods) ** periods - 1


@precise
def nominal(effect: Decimal, periods: Decimal | int) -> Decimal:
    """NOMINAL: the nominal annual rate whose compounding `periods` times a year, cut to a whole number, gives
    `effect`."""
    periods = int(periods)
    if periods < 1 or effect <= 0:
        raise RateNotValid("An effective rate above zero, compounded at least once a year.", pointer="/effect")
    return ((1 + effect) ** (Decimal(1) / periods) - 1) * periods


@precise
def rri(nper: Decimal | int, pv: Decimal, fv: Decimal) -> Decimal:
    """RRI: the rate per period at which `pv` grows to `fv`."""
    if pv == 0 or fv / pv <= 0:
        raise AmountOutOfRange("Both values are above zero.", pointer="/pv")
    return (fv / pv) ** (1 / _periods(nper)) - 1


@precise
def pduration(rate: Decimal, pv: Decimal, fv: Decimal) -> Decimal:
    """PDURATION: how many periods `pv` takes to grow to `fv`."""
    if rate <= 0 or pv <= 0 or fv <= 0:
        raise AmountOutOfRange("Rate and values are above zero.", pointer="/rate")
    return (fv / pv).ln() / (1 + rate).ln()


@precise
def fvschedule(principal: Decimal, schedule: Sequence[Decimal]) -> Decimal:
    """FVSCHEDULE: a principal after a series of rates."""
    for rate_ in schedule:
        principal *= 1 + rate_
    return principal


@precise
def level_loan_apr(principal: Decimal, payment: Decimal, count: int, periods_per_year: int = 12) -> Decimal:
    """The nominal annual rate of a level loan: RATE times the periods of a year."""
    return rate(count, -payment, principal) * periods_per_year
