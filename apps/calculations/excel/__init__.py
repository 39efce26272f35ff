"""Spreadsheet functions in Decimal, for checking our figures against a member's spreadsheet.

`FUNCTIONS` names them as spreadsheets do. Their conventions are in the modules; docs/reference/loan-calculations.md
lists them.
"""

from __future__ import annotations

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
from apps.calculations.excel._depreciation import db, ddb, sln, syd, vdb
from apps.calculations.excel._flows import irr, mirr, npv, xirr, xnpv

FUNCTIONS: Mapping[str, Callable[..., Decimal]] = {
    function.__name__.upper(): function
    for function in (
        *(pmt, ipmt, ppmt, cumipmt, cumprinc, ispmt, fv, pv, nper, rate, effect, nominal, rri, pduration, fvschedule),
        *(npv, xnpv, irr, xirr, mirr, sln, syd, db, ddb, vdb),
    )
}

__all__ = [
    "FUNCTIONS",
    "cumipmt",
    "cumprinc",
    "db",
    "ddb",
    "effect",
    "fv",
    "fvschedule",
    "ipmt",
    "irr",
    "ispmt",
    "level_loan_apr",
    "mirr",
    "nominal",
    "nper",
    "npv",
    "pduration",
    "pmt",
    "ppmt",
    "pv",
    "rate",
    "rri",
    "sln",
    "syd",
    "vdb",
    "xirr",
    "xnpv",
]
