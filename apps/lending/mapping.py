"""Which account of the chart plays which role in the entries of a loan."""

from __future__ import annotations

from collections.abc import Mapping

LOAN_ACCOUNTS = ("principal", "interest", "charges")
"""Roles played by ledger accounts of the loan itself, under these control accounts."""

DEFAULTS: Mapping[str, str] = {
    "principal": "1410",
    "interest": "1450",
    "charges": "1460",
    "suspense": "1470",
    "interest_income": "4110",
    "fee_income": "4230",
    "penalty_income": "4140",
    "waivers": "5340",
    "write_off": "5320",
    "recovery": "4320",
    "allowance_1": "1510",
    "allowance_2": "1520",
    "allowance_3": "1530",
    "impairment": "5310",
}
"""The chart that Numina comes with. `principal` of businesses and groups is usually 1420 and 1430."""

ROLES = tuple(DEFAULTS)


def mapping_of(chosen: Mapping[str, str]) -> dict[str, str]:
    """Every role with its code: the product's own, or the usual one."""
    return {role: chosen.get(role, code) for role, code in DEFAULTS.items()}
