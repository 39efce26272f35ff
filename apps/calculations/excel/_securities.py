"""Bills and notes without coupons, accrued interest, fractional prices (OpenDocument 1.2 part 2, 6.12, as in Excel).

Prices are per 100 of face value. `basis` is a day count by its number (`_dates.BASES`); rates are fractions a year.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import pairwise

from apps.calculations.business_days import months_add
from apps.calculations.errors import AmountOutOfRange, PeriodNotValid
from apps.calculations.excel._annuity import precise
from apps.calculations.excel._dates import yearfrac

HUNDRED = Decimal(100)
BILL_DAYS_MAX = 366


def in_order(*dates: dt.date) -> None:
    """Raises PeriodNotValid unless each date is after the one before."""
    if any(one >= two for one, two in pairwise(dates)):
        raise PeriodNotValid("The dates are in their order: issue, settlement, maturity.", pointer="/settlement")


def above_zero(**amounts: Decimal) -> None:
    """Raises AmountOutOfRange for an amount that is not above zero."""
    for name, amount in amounts.items():
        if amount <= 0:
            raise AmountOutOfRange("The amount is above zero.", pointer=f"/{name}")


@precise
def disc(settlement: dt.date, maturity: dt.date, pr: Decimal, redemption: Decimal, basis: int = 0) -> Decimal:
    """DISC: the discount rate of a security, of what is paid back."""
    in_order(settlement, maturity)
    above_zero(pr=pr, redemption=redemption)
    return (redemption - pr) / redemption / yearfrac(settlement, maturity, basis)


@precise
def intrate(
    settlement: dt.date, maturity: dt.date, investment: Decimal, redemption: Decimal, basis: int = 0
) -> Decimal:
    """INTRATE: the rate of a security that is fully invested, of what was paid."""
    in_order(settlement, maturity)
    above_zero(investment=investment, redemption=redemption)
    return (redemption - investment) / investment / yearfrac(settlement, maturity, basis)


@precise
def received(settlement: dt.date, maturity: dt.date, investment: Decimal, discount: Decimal, basis: int = 0) -> Decimal:
    """RECEIVED: what a security bought at a discount pays back."""
    in_order(settlement, maturity)
    above_zero(investment=investment, discount=discount)
    left = 1 - discount * yearfrac(settlement, maturity, basis)
    above_zero(discount=left)
    return investment / left


@precise
def pricedisc(
    settlement: dt.date, maturity: dt.date, discount: Decimal, redemption: Decimal, basis: int = 0
) -> Decimal:
    """PRICEDISC: the price of a security at a discount."""
    in_order(settlement, maturity)
    above_zero(discount=discount, redemption=redemption)
    return redemption * (1 - discount * yearfrac(settlement, maturity, basis))


@precise
def yielddisc(settlement: dt.date, maturity: dt.date, pr: Decimal, redemption: Decimal, basis: int = 0) -> Decimal:
    """YIELDDISC: the yearly yield of a security at a discount."""
    in_order(settlement, maturity)
    above_zero(pr=pr, redemption=redemption)
    return (redemption / pr - 1) / yearfrac(settlement, maturity, basis)


@precise
def pricemat(
    settlement: dt.date, maturity: dt.date, issue: dt.date, rate: Decimal, yld: Decimal, basis: int = 0
) -> Decimal:
    """PRICEMAT: the price of a security that pays all interest at maturity."""
    in_order(settlement, maturity)
    in_order(issue, maturity)
    whole, before = yearfrac(issue, maturity, basis), yearfrac(issue, settlement, basis)
    worth = (HUNDRED + whole * rate * HUNDRED) / (1 + yearfrac(settlement, maturity, basis) * yld)
    return worth - before * rate * HUNDRED


@precise
def yieldmat(
    settlement: dt.date, maturity: dt.date, issue: dt.date, rate: Decimal, pr: Decimal, basis: int = 0
) -> Decimal:
    """YIELDMAT: the yearly yield of a security that pays all interest at maturity."""
    in_order(settlement, maturity)
    in_order(issue, maturity)
    above_zero(pr=pr)
    whole, before = yearfrac(issue, maturity, basis), yearfrac(issue, settlement, basis)
    gain = (1 + whole * rate) / (pr / HUNDRED + before * rate) - 1
    return gain / yearfrac(settlement, maturity, basis)


def _bill(settlement: dt.date, maturity: dt.date) -> int:
    in_order(settlement, maturity)
    days = (maturity - settlement).days
    if maturity > months_add(settlement, 12):
        raise PeriodNotValid("A treasury bill runs for a year at most.", pointer="/maturity")
    return days


@precise
def tbillprice(settlement: dt.date, maturity: dt.date, discount: Decimal) -> Decimal:
    """TBILLPRICE: the price of a treasury bill, days over 360."""
    days = _bill(settlement, maturity)
    above_zero(discount=discount)
    price = HUNDRED * (1 - discount * days / 360)
    above_zero(discount=price)
    return price


@precise
def tbillyield(settlement: dt.date, maturity: dt.date, pr: Decimal) -> Decimal:
    """TBILLYIELD: the yield of a treasury bill, days over 360."""
    days = _bill(settlement, maturity)
    above_zero(pr=pr)
    return (HUNDRED - pr) / pr * 360 / days


@precise
def tbilleq(settlement: dt.date, maturity: dt.date, discount: Decimal) -> Decimal:
    """TBILLEQ: the yield of a treasury bill as a bond has it. Beyond half a year interest is compounded once, as the
    US Treasury does (31 CFR 356, Appendix B)."""
    days = _bill(settlement, maturity)
    above_zero(discount=discount)
    if days <= 182:
        return 365 * discount / (360 - discount * days)
    price = tbillprice(settlement, maturity, discount) / HUNDRED
    years = Decimal(days) / (366 if days == 366 else 365)
    root = (years**2 - (2 * years - 1) * (1 - 1 / price)).sqrt()
    return (-2 * years + 2 * root) / (2 * years - 1)


@precise
def accrintm(
    issue: dt.date, settlement: dt.date, rate: Decimal, par: Decimal = Decimal(1000), basis: int = 0
) -> Decimal:
    """ACCRINTM: interest of a security that pays all of it at maturity."""
    in_order(issue, settlement)
    above_zero(rate=rate, par=par)
    return par * rate * yearfrac(issue, settlement, basis)


def _fraction(fraction: Decimal | int) -> tuple[int, int]:
    """The denominator of a fractional price, and the power of ten that holds its numerators."""
    denominator = int(fraction)
    if denominator < 1:
        raise AmountOutOfRange("The denominator is 1 or more.", pointer="/fraction")
    return denominator, len(str(denominator - 1)) if denominator > 1 else 0


@precise
def dollarde(dollar: Decimal, fraction: Decimal | int) -> Decimal:
    """DOLLARDE: a price of whole numbers and fractions (1.02 in sixteenths is 1 2/16) as a decimal number."""
    denominator, places = _fraction(fraction)
    whole = Decimal(int(dollar))
    return whole + (dollar - whole).scaleb(places) / denominator


@precise
def dollarfr(dollar: Decimal, fraction: Decimal | int) -> Decimal:
    """DOLLARFR: a decimal number as a price of whole numbers and fractions."""
    denominator, places = _fraction(fraction)
    whole = Decimal(int(dollar))
    return whole + ((dollar - whole) * denominator).scaleb(-places)
