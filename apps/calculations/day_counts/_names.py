"""The conventions by name, with their formula and source, and the other names that people know them by."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction

from apps.calculations.day_counts import _actual, _icma, _thirty
from apps.calculations.day_counts._actual import Parts
from apps.calculations.day_counts._thirty import over
from apps.calculations.errors import UnknownConvention


@dataclass(frozen=True, slots=True)
class Convention:
    """A day count. `additive`: the fractions of a period's pieces add up to that of the whole period."""

    name: str
    formula: str
    source: str
    parts: Parts = field(repr=False)
    aliases: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    additive: bool = True


_ISDA = "ISDA 2006 Definitions, 4.16"
_30_360 = "(360 (y2-y1) + 30 (m2-m1) + d2-d1) / 360"

_ALL = (
    Convention(
        "ACT/360", "days / 360", f"{_ISDA}(e)", _actual.fixed(360),
        ("Actual/360", "French", "A/360", "YEARFRAC 2", "Excel 2"),
    ),
    Convention("ACT/364", "days / 364", "OpenGamma Strata", _actual.fixed(364), ("Actual/364", "A/364")),
    Convention(
        "ACT/365F", "days / 365", f"{_ISDA}(d)", _actual.fixed(365),
        ("ACT/365", "Actual/365", "ACT/365 Fixed", "Actual/365 (Fixed)", "Actual/365F", "A/365F", "English",
         "YEARFRAC 3", "Excel 3"),
    ),
    Convention("ACT/365.25", "days / 365.25", "QuantLib", _actual.fixed(Fraction(1461, 4)), ("Actual/365.25",)),
    Convention("ACT/366", "days / 366", "QuantLib", _actual.fixed(366), ("Actual/366",)),
    Convention(
        "ACT/365 Actual", "days / 366 if a 29 February lies in (start, end], else days / 365", "OpenGamma Strata",
        _actual.actual_365_actual, ("ACT/365A", "A/365A", "Actual/365 Actual"), additive=False,
    ),
    Convention(
        "ACT/365L", "days / 366 or 365: a 29 February in the period (annual), or a leap year at its end",
        "ICMA rule 251.1(i)", _actual.actual_365_l,
        ("Actual/365L", "ACT/365 Leap year", "ISMA Year", "Actual/Actual AFB Master"), ("frequency",), additive=False,
    ),
    Convention(
        "ACT/365 Canadian", "days / 365, or 1/frequency - (coupon days - days) / 365", "IIAC; QuantLib",
        _actual.canadian, ("ACT/365 (Canadian Bond)", "Actual/365 (Canadian)"), ("reference_period",), additive=False,
    ),
    Convention(
        "NL/365", "(days - 29ths of February in (start, end]) / 365", "ISDA; OpenGamma Strata", _actual.no_leap(365),
        ("NL365", "ACT/365 No Leap", "Actual/365 (No Leap)", "ACT/365NL", "No Leap/365"),
    ),
    Convention(
        "NL/360", "(days - 29ths of February in (start, end]) / 360", "OpenGamma Strata", _actual.no_leap(360),
    ),
    Convention("1/1", "1", f"{_ISDA}(a)", _actual.one, ("One", "ONE/ONE"), additive=False),
    Convention(
        "ACT/ACT ISDA", "days in leap years / 366 + other days / 365", f"{_ISDA}(b)", _actual.isda,
        ("ACT/ACT", "Actual/Actual", "Actual/Actual ISDA", "Actual/Actual Historical", "ACT/ACT Historical"),
    ),
    Convention(
        "ACT/ACT ICMA", "days / (days of the coupon period x coupons a year), per notional period", "ICMA rule 251",
        _icma.icma,
        ("ACT/ACT ISMA", "Actual/Actual ICMA", "Actual/Actual ISMA", "ACT/ACT Bond", "ISMA-99", "ACT/ACT ICMA (ISMA)"),
        ("reference_period or frequency",),
    ),
    Convention(
        "ACT/ACT AFB", "whole years back from the end + rest / 366 if it has a 29 February, else / 365",
        "Fédération bancaire française, FBF Master Agreement", _actual.afb,
        ("Actual/Actual AFB", "ACT/ACT Euro", "ACT/ACT FBF"), additive=False,
    ),
    Convention(
        "ACT/ACT AFB February", "ACT/ACT AFB; going back from 28 February lands on the 29th in a leap year",
        "ISDA's translation; QuantLib", _actual.afb_february, ("ACT/ACT AFB ISDA", "ACT/ACT AFB QuantLib"),
        additive=False,
    ),
    Convention(
        "ACT/ACT Year", "whole years from the start + rest / length of the year it is in", "OpenGamma Strata",
        _actual.year_from_start, ("Actual/Actual Year",), additive=False,
    ),
    Convention(
        "ACT/ACT Excel", "days / (365, 366 or the mean length of the years)", "OpenFormula 1.2, YEARFRAC basis 1",
        _actual.excel_actual, ("YEARFRAC 1", "Excel 1"), additive=False,
    ),
    Convention(
        "BUS/252", "business days / 252", "ANBIMA", _actual.business_252,
        ("Business/252", "BD/252", "Calculation/252"), ("calendar",),
    ),
    Convention(
        "30/360", f"{_30_360}; d1 31 -> 30; d2 31 -> 30 if d1 = 30", f"{_ISDA}(f)", over(_thirty.bond_basis, 360),
        ("30/360 ISDA", "Bond basis", "30/360 bond basis", "360/360", "30/360 ISMA", "30A/360",
         "30/360 bond basis (ISDA 30/360)"), additive=False,
    ),
    Convention(
        "30/360 US", f"{_30_360}; end of February -> 30; then as 30/360", "SIA; QuantLib; Strata 30U/360 EOM",
        over(_thirty.us, 360),
        ("30U/360 EOM", "30US/360", "30/360 SIA", "30/360 USA", "30/360 EOM", "30/360 US (SIA, end-of-February rule)"),
        additive=False,
    ),
    Convention(
        "30U/360", "30/360 US when coupons fall on month ends (end_of_month), else 30/360", "SIA; OpenGamma Strata",
        over(_thirty.us_if_eom, 360), additive=False,
    ),
    Convention(
        "30/360 PSA", f"{_30_360}; start at a month end -> 30; d2 31 -> 30 if d1 = 30", "SIFMA (PSA)",
        over(_thirty.psa, 360), ("30/360 BMA", "30/360 SIFMA", "PSA 30/360"), additive=False,
    ),
    Convention(
        "30/360 NASD", f"{_30_360}; d2 31 -> 30 if d1 >= 30, else the 1st of the next month", "NASD; QuantLib",
        over(_thirty.nasd, 360), additive=False,
    ),
    Convention(
        "30E/360", f"{_30_360}; each 31 -> 30", f"{_ISDA}(g)", over(_thirty.european, 360),
        ("Eurobond basis", "30/360 European", "30/360 Eurobond basis", "30S/360", "30E/360 (Eurobond)", "30/360 ICMA",
         "Special German", "YEARFRAC 4", "Excel 4"),
    ),
    Convention(
        "30E+/360", f"{_30_360}; d1 31 -> 30; d2 31 -> the 1st of the next month", "OpenGamma Strata; SWX",
        over(_thirty.european_plus, 360), ("30E PLUS/360", "30E+360"), additive=False,
    ),
    Convention(
        "30E/360 ISDA", f"{_30_360}; month ends -> 30, but the end of February not at maturity", f"{_ISDA}(h)",
        over(_thirty.isda, 360), ("30/360 German", "German", "30G/360", "30/360 ISDA German"),
    ),
    Convention(
        "30/360 Italian", f"{_30_360}; each 31, and each February day after the 27th -> 30", "QuantLib",
        over(_thirty.italian, 360),
    ),
    Convention(
        "30/360 plain", _30_360, "US lenders", over(_thirty.plain, 360), ("30/360 simple", "30/360 none"),
    ),
    Convention(
        "30/360 Excel", "YEARFRAC with basis 0", "OpenFormula 1.2, YEARFRAC basis 0",
        over(_thirty.excel_yearfrac, 360), ("YEARFRAC 0", "Excel 0", "US (NASD) 30/360"), additive=False,
    ),
    Convention(
        "30/360 DAYS360", "DAYS360, US method", "OpenFormula 1.2, DAYS360", over(_thirty.excel_days360, 360),
        ("DAYS360",), additive=False,
    ),
    Convention(
        "30E/365", "30-day months with every month end -> 30, over 365", "OpenGamma Strata",
        over(_thirty.german_month_ends, 365), ("30E365",),
    ),
    Convention(
        "30/365", "(360 (y2-y1) + 30 (m2-m1) + d2-d1) / 365", "QuantLib", over(_thirty.plain, 365),
    ),
    Convention(
        "Simple", "whole months / 12 where the dates are whole months apart, else 30/360", "QuantLib",
        _thirty.simple, additive=False,
    ),
)  # fmt: skip

CONVENTIONS: dict[str, Convention] = {convention.name: convention for convention in _ALL}
"""By name, in the order of the reference."""


def _key(name: str) -> str:
    plain = name.lower().replace("actual", "act").replace("fixed", "f")
    return re.sub(r"[^a-z0-9/+.]|\.(?![0-9])", "", plain)  # FpML writes ACT/ACT.ISDA; 365.25 keeps its point


_BY_KEY = {_key(name): convention for convention in _ALL for name in (convention.name, *convention.aliases)}


def convention_get(name: str, *, pointer: str = "/convention") -> Convention:
    """The convention with this name or alias; capitals, spaces and brackets do not matter. Raises UnknownConvention."""
    found = CONVENTIONS.get(name) if isinstance(name, str) else None
    if found is None and isinstance(name, str) and len(name) <= 100:
        found = _BY_KEY.get(_key(name)) or _BY_KEY.get(_key(name.split("(", maxsplit=1)[0]))
    if found is None:
        raise UnknownConvention("No day count has this name.", pointer=pointer)
    return found
