"""Bonds with regular coupons: COUP*, PRICE, YIELD, DURATION, MDURATION, ACCRINT (OpenDocument 1.2 part 2, 6.12).

Coupons are counted back from maturity by whole months, and fall on month ends when the maturity does. Prices are per
100 of face value without the interest that has accrued.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from apps.calculations.business_days import months_add
from apps.calculations.day_counts import days_between
from apps.calculations.errors import PeriodNotValid
from apps.calculations.excel._annuity import checked, precise
from apps.calculations.excel._dates import basis_name
from apps.calculations.excel._securities import HUNDRED, above_zero, in_order
from apps.calculations.roots import rate_find

FREQUENCIES = (1, 2, 4)
COUPONS_MAX = 2_000
_ACTUAL = (1, 2, 3)
_THIRTY = {0: "30/360 US", 4: "30E/360"}


def _months(frequency: int) -> int:
    if frequency not in FREQUENCIES:
        raise PeriodNotValid("Coupons are paid 1, 2 or 4 times a year.", pointer="/frequency")
    return 12 // frequency


def _dates(settlement: dt.date, maturity: dt.date, frequency: int) -> list[dt.date]:
    """The coupon dates from the last one up to the settlement to the maturity, the latest first."""
    in_order(settlement, maturity)
    months, dates = _months(frequency), [maturity]
    while dates[-1] > settlement:
        if len(dates) > COUPONS_MAX:
            raise PeriodNotValid(f"At most {COUPONS_MAX:,} coupons.", pointer="/maturity")
        dates.append(months_add(maturity, -months * len(dates), end_of_month=True))
    return dates


def _days(start: dt.date, end: dt.date, basis: int) -> int:
    """Days of a part of a coupon period."""
    basis_name(basis)
    return (end - start).days if basis in _ACTUAL else days_between(_THIRTY[basis], start, end)


def couppcd(settlement: dt.date, maturity: dt.date, frequency: int, basis: int = 0) -> dt.date:
    """COUPPCD: the coupon date up to the settlement."""
    basis_name(basis)
    return _dates(settlement, maturity, frequency)[-1]


def coupncd(settlement: dt.date, maturity: dt.date, frequency: int, basis: int = 0) -> dt.date:
    """COUPNCD: the coupon date after the settlement."""
    basis_name(basis)
    return _dates(settlement, maturity, frequency)[-2]


def coupnum(settlement: dt.date, maturity: dt.date, frequency: int, basis: int = 0) -> Decimal:
    """COUPNUM: how many coupons are still paid."""
    basis_name(basis)
    return Decimal(len(_dates(settlement, maturity, frequency)) - 1)


@precise
def coupdays(settlement: dt.date, maturity: dt.date, frequency: int, basis: int = 0) -> Decimal:
    """COUPDAYS: days of the coupon period of the settlement: actual ones with basis 1, else a part of 360 or 365."""
    *_, following, before = _dates(settlement, maturity, frequency)
    if basis == 1:
        return Decimal((following - before).days)
    basis_name(basis)
    return Decimal(365 if basis == 3 else 360) / frequency


def coupdaybs(settlement: dt.date, maturity: dt.date, frequency: int, basis: int = 0) -> Decimal:
    """COUPDAYBS: days from the coupon date before to the settlement."""
    return Decimal(_days(_dates(settlement, maturity, frequency)[-1], settlement, basis))


def coupdaysnc(settlement: dt.date, maturity: dt.date, frequency: int, basis: int = 0) -> Decimal:
    """COUPDAYSNC: days from the settlement to the next coupon; with basis 0 what the other two leave."""
    if basis == 0:
        return coupdays(settlement, maturity, frequency) - coupdaybs(settlement, maturity, frequency)
    return Decimal(_days(settlement, _dates(settlement, maturity, frequency)[-2], basis))


def _worth(coupon: Decimal, redemption: Decimal, step: Decimal, first: Decimal, count: int) -> Decimal:
    """Coupons and redemption at a yield per period, the first after a part of one; a single coupon at simple yield."""
    if count == 1:
        return (coupon + redemption) / (1 + first * step)
    factor = 1 / (1 + step)
    annuity = Decimal(count) if step == 0 else (1 - factor**count) / (1 - factor)
    return factor**first * (coupon * annuity + redemption * factor ** (count - 1))


@precise
def price(
    settlement: dt.date,
    maturity: dt.date,
    rate: Decimal,
    yld: Decimal,
    redemption: Decimal,
    frequency: int,
    basis: int = 0,
) -> Decimal:
    """PRICE: the clean price of a bond at a yield. Raises RateNotValid for a yield of -100 % a period and below."""
    above_zero(redemption=redemption)
    checked(yld / frequency if frequency else yld)
    bond = (settlement, maturity, frequency, basis)
    whole, count = coupdays(*bond), int(coupnum(*bond))
    coupon = HUNDRED * rate / frequency
    dirty = _worth(coupon, redemption, yld / frequency, coupdaysnc(*bond) / whole, count)
    return dirty - coupon * coupdaybs(*bond) / whole


@precise
def yield_(
    settlement: dt.date,
    maturity: dt.date,
    rate: Decimal,
    pr: Decimal,
    redemption: Decimal,
    frequency: int,
    basis: int = 0,
) -> Decimal:
    """YIELD: the yield at which a bond has this clean price. Raises NoSolution."""
    above_zero(pr=pr, redemption=redemption)
    bond = (settlement, maturity, frequency, basis)
    whole, count = coupdays(*bond), int(coupnum(*bond))
    coupon = HUNDRED * rate / frequency
    first, dirty = coupdaysnc(*bond) / whole, pr + coupon * coupdaybs(*bond) / whole
    step = rate_find(lambda r: _worth(coupon, redemption, r, first, count) - dirty, guess=Decimal("0.05"))
    return step * frequency


@precise
def duration(
    settlement: dt.date, maturity: dt.date, coupon: Decimal, yld: Decimal, frequency: int, basis: int = 0
) -> Decimal:
    """DURATION (Macaulay): after how many years the flows of a bond come on average, weighed by what they are worth."""
    checked(yld / frequency if frequency else yld)
    bond = (settlement, maturity, frequency, basis)
    first, count = coupdaysnc(*bond) / coupdays(*bond), int(coupnum(*bond))
    each, factor = HUNDRED * coupon / frequency, 1 / (1 + yld / frequency)
    flows = [(first + n, each + (HUNDRED if n == count - 1 else 0)) for n in range(count)]
    worth = [(time, amount * factor**time) for time, amount in flows]
    total = sum((value for _, value in worth), Decimal(0))
    return sum((time * value for time, value in worth), Decimal(0)) / total / frequency


@precise
def mduration(
    settlement: dt.date, maturity: dt.date, coupon: Decimal, yld: Decimal, frequency: int, basis: int = 0
) -> Decimal:
    """MDURATION: DURATION over one plus the yield of a coupon period: by how much the price moves with the yield."""
    return duration(settlement, maturity, coupon, yld, frequency, basis) / (1 + yld / frequency)


@precise
def accrint(
    issue: dt.date,
    first_interest: dt.date,
    settlement: dt.date,
    rate: Decimal,
    par: Decimal,
    frequency: int,
    basis: int = 0,
    from_issue: bool = True,
) -> Decimal:
    """ACCRINT: interest since the issue, or since the first coupon when `from_issue` is not asked for and it is past.

    Each coupon period brings rate / frequency, a part of one its share of the days.
    """
    in_order(issue, settlement)
    above_zero(rate=rate, par=par)
    months, begin = _months(frequency), issue if from_issue or settlement <= first_interest else first_interest
    number = -(((first_interest.year - begin.year) * 12 + first_interest.month - begin.month) // months + 2)
    share, stop = Decimal(0), months_add(first_interest, months * number, end_of_month=True)
    while stop < settlement:
        number += 1
        start, stop = stop, months_add(first_interest, months * number, end_of_month=True)
        if stop > begin:
            whole = Decimal((stop - start).days) if basis == 1 else Decimal(365 if basis == 3 else 360) / frequency
            share += _days(max(start, begin), min(stop, settlement), basis) / whole
    return par * rate / frequency * share
