"""Spreadsheet functions in Decimal, for checking our figures against a member's spreadsheet.

`FUNCTIONS` names them as spreadsheets do. Their conventions are in the modules; docs/reference/loan-calculations.md
lists them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal

from apps.calculations.excel._annuity import (
    cumipmt,
    cumprinc,
    effect,
    fv,
    fvschedule,
    ipmt,
    ispmt,
    level_loan_apr,
    nominal,
    nper,
    pduration,
    pmt,
    ppmt,
    pv,
    rate,
    rri,
)
from apps.calculations.excel._coupons import (
    accrint,
    coupdaybs,
    coupdays,
    coupdaysnc,
    coupncd,
    coupnum,
    couppcd,
    duration,
    mduration,
    price,
    yield_,
)
from apps.calculations.excel._dates import days360, edate, eomonth, networkdays, workday, yearfrac
from apps.calculations.excel._depreciation import db, ddb, sln, syd, vdb
from apps.calculations.excel._flows import irr, mirr, npv, xirr, xnpv
from apps.calculations.excel._securities import (
    accrintm,
    disc,
    dollarde,
    dollarfr,
    intrate,
    pricedisc,
    pricemat,
    received,
    tbilleq,
    tbillprice,
    tbillyield,
    yielddisc,
    yieldmat,
)

FUNCTIONS: Mapping[str, Callable[..., Decimal | dt.date]] = {
    function.__name__.upper().rstrip("_"): function
    for function in (
        *(pmt, ipmt, ppmt, cumipmt, cumprinc, ispmt, fv, pv, nper, rate, effect, nominal, rri, pduration, fvschedule),
        *(npv, xnpv, irr, xirr, mirr, sln, syd, db, ddb, vdb),
        *(disc, intrate, received, pricedisc, yielddisc, pricemat, yieldmat, tbillprice, tbillyield, tbilleq, accrintm),
        *(accrint, coupdaybs, coupdays, coupdaysnc, coupncd, coupnum, couppcd, price, yield_, duration, mduration),
        *(dollarde, dollarfr, yearfrac, days360, edate, eomonth, workday, networkdays),
    )
} | {"WORKDAY.INTL": workday, "NETWORKDAYS.INTL": networkdays}

__all__ = [
    "FUNCTIONS",
    "accrint",
    "accrintm",
    "coupdaybs",
    "coupdays",
    "coupdaysnc",
    "coupncd",
    "coupnum",
    "couppcd",
    "cumipmt",
    "cumprinc",
    "days360",
    "db",
    "ddb",
    "disc",
    "dollarde",
    "dollarfr",
    "duration",
    "edate",
    "effect",
    "eomonth",
    "fv",
    "fvschedule",
    "intrate",
    "ipmt",
    "irr",
    "ispmt",
    "level_loan_apr",
    "mduration",
    "mirr",
    "networkdays",
    "nominal",
    "nper",
    "npv",
    "pduration",
    "pmt",
    "ppmt",
    "price",
    "pricedisc",
    "pricemat",
    "pv",
    "rate",
    "received",
    "rri",
    "sln",
    "syd",
    "tbilleq",
    "tbillprice",
    "tbillyield",
    "vdb",
    "workday",
    "xirr",
    "xnpv",
    "yearfrac",
    "yield_",
    "yielddisc",
    "yieldmat",
]
