"""Depreciation: SLN, SYD, DB, DDB, VDB as in spreadsheets (OpenDocument 1.2 part 2, 6.12). Not rounded, but for DB."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from apps.calculations.errors import AmountOutOfRange, PeriodNotValid
from apps.calculations.excel._annuity import precise

LIFE_MAX = 10_000


def _asset(cost: Decimal, salvage: Decimal, life: Decimal | int, period: Decimal | int = 1) -> None:
    if cost < 0 or salvage < 0:
        raise AmountOutOfRange("Cost and salvage are not below zero.", pointer="/cost")
    if not 0 < life <= LIFE_MAX:
        raise PeriodNotValid(f"The life is above 0 and at most {LIFE_MAX:,} periods.", pointer="/life")
    if not 0 < period <= life + 1:
        raise PeriodNotValid("The period is one of the life.", pointer="/period")


@precise
def sln(cost: Decimal, salvage: Decimal, life: Decimal | int) -> Decimal:
    """SLN: the same in each period."""
    _asset(cost, salvage, life)
    return (cost - salvage) / life


@precise
def syd(cost: Decimal, salvage: Decimal, life: Decimal | int, period: Decimal | int) -> Decimal:
    """SYD: in proportion to the periods that remain."""
    _asset(cost, salvage, life, period)
    return (cost - salvage) * (life - period + 1) * 2 / (Decimal(life) * (life + 1))


@precise
def db(cost: Decimal, salvage: Decimal, life: int, period: int, month: int = 12) -> Decimal:
    """DB: a fixed share of what is left; the share is rounded to 3 decimals, the first year has `month` months."""
    _asset(cost, salvage, life, period)
    if not 1 <= month <= 12:
        raise PeriodNotValid("The first year has 1 to 12 months.", pointer="/month")
    if cost <= salvage:
        return Decimal(0)  # worth no more than what is to be left of it
    share = (1 - (salvage / cost) ** (Decimal(1) / life)).quantize(Decimal("0.001"), ROUND_HALF_UP)
    first = cost * share * month / 12
    if period == 1:
        return first
    total = amount = first
    for _ in range(2, min(period, life) + 1):
        amount = (cost - total) * share
        total += amount
    return (cost - total) * share * (12 - month) / 12 if period == life + 1 else amount


@precise
def ddb(
    cost: Decimal, salvage: Decimal, life: Decimal | int, period: Decimal | int, factor: Decimal = Decimal(2)
) -> Decimal:
    """DDB: `factor` over the life of what is left, never below the salvage."""
    _asset(cost, salvage, life, period)
    if factor <= 0:
        raise AmountOutOfRange("The factor is above zero.", pointer="/factor")
    share = min(factor / life, Decimal(1))
    keep = 1 - share
    before = cost * keep ** (period - 1) if keep or period != 1 else cost
    after = cost * keep**period if keep else Decimal(0)
    return max(before - max(after, salvage), Decimal(0))


@precise
def vdb(
    cost: Decimal,
    salvage: Decimal,
    life: Decimal | int,
    start: Decimal | int,
    end: Decimal | int,
    factor: Decimal = Decimal(2),
    no_switch: bool = False,
) -> Decimal:
    """VDB: DDB from `start` to `end`, changing to SLN of the rest where that is more, unless `no_switch`."""
    _asset(cost, salvage, life)
    if not 0 <= start <= end <= life:
        raise PeriodNotValid("Start and end are in order within the life.", pointer="/start")
    total, left = Decimal(0), cost
    first = int(Decimal(start).to_integral_value(ROUND_FLOOR))
    straight = False
    for n in range(int(Decimal(end).to_integral_value(ROUND_CEILING))):
        declining = max(min(left * min(factor / life, Decimal(1)), left - salvage), Decimal(0))
        level = (left - salvage) / (life - n) if life > n else Decimal(0)
        if not no_switch and (straight or level > declining):
            straight = True
            declining = max(level, Decimal(0))
        left -= declining
        if n >= first:
            share = min(Decimal(end), Decimal(n + 1)) - max(Decimal(start), Decimal(n))
            total += declining * max(share, Decimal(0))
    return total
