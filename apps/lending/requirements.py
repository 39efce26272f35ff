"""What an application needs, by the terms of its product: documents, affordability, security, limits by borrower."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from apps.lending import documents


@dataclass(frozen=True, slots=True)
class Limits:
    """What a kind of member may have at most; None is the terms' own limit. Minor units."""

    principal_max: int | None = None
    instalments_max: int | None = None


@dataclass(frozen=True, slots=True)
class Requirements:
    """What an application needs. `instalment_share_max`: of what is left of the income; None for no limit."""

    documents: tuple[Mapping[str, Any], ...]
    instalment_share_max: Decimal | None
    collateral_share_min: Decimal
    guarantors_min: int
    offer_days: int
    needs_verification: bool
    limits: Mapping[str, Limits]
    """By kind of member, where they are narrower than the terms'."""


def requirements_read(document: Mapping[str, Any], *, exponent: int) -> Requirements:
    """What an application needs; amounts in units of a currency with so many decimals. Raises LoanTermsInvalid."""
    paper: dict[str, tuple[documents.Reader, Any]] = {
        "code": (documents.text(30), ""), "name": (documents.text(), ""), "required": (documents.flag, True),
    }  # fmt: skip
    most: dict[str, tuple[documents.Reader, Any]] = {
        "principal_max": (documents.maybe(documents.amount(exponent)), None),
        "instalments_max": (documents.maybe(documents.whole(9_999, 1)), None),
    }
    found = documents.members(
        document,
        "/requirements",
        {
            "documents": (documents.many(lambda value, pointer: documents.members(value, pointer, paper), 30), ()),
            "instalment_share_max": (documents.maybe(documents.share(1)), None),
            "collateral_share_min": (documents.share(10), Decimal(0)),
            "guarantors_min": (documents.whole(20), 0),
            "offer_days": (documents.whole(366, 1), 30),
            "needs_verification": (documents.flag, False),
            "limits": (lambda value, _: value, {}),
        },
    )
    limits: documents.Reader = lambda value, pointer: documents.members(value, pointer, most)  # noqa: E731
    kinds = documents.members(
        found["limits"], "/requirements/limits", {"person": (limits, None), "business": (limits, None)}
    )
    found["limits"] = {kind: Limits(**values) for kind, values in kinds.items() if values is not None}
    for n, one in enumerate(found["documents"]):
        if not one["code"] or not one["name"]:
            raise documents.refused("A document has a code and a name.", f"/requirements/documents/{n}")
    return Requirements(**found)
