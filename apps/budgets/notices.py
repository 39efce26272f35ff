"""What people are told of budgets."""

from __future__ import annotations

from dataclasses import dataclass

from apps.core.notices import Amount, Kind, Phrase, Texts, kind_register


@dataclass(frozen=True)
class BudgetWarning:
    """A budget that is nearly used up, or gone beyond, in a month."""

    account: str
    branch: str
    level: Phrase
    used: Amount
    planned: Amount


ALERT = kind_register(
    Kind(
        code="budgets.alert",
        title="A budget is nearly used up or gone beyond",
        sample=BudgetWarning(
            "5510 Rent", "HQ", Phrase("gone beyond"), Amount(90_000_00, "KES"), Amount(85_000_00, "KES")
        ),
        texts={
            "en": Texts(
                "Budget of {account}, {branch}: {level}",
                "{account} in {branch}: {used} of {planned} planned for this month are spent or promised.",
            )
        },
    )
)

__all__ = ["ALERT", "Amount", "BudgetWarning", "Phrase"]
