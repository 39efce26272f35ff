"""What of budgets may need approval: that a version holds. Loaded when Django starts."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Sum

from apps.approvals.registry import Action, Change, Execution, Payload, Preview, Result, action_register
from apps.budgets.errors import BudgetNotDraft
from apps.budgets.models import Budget
from apps.budgets.selectors import budget_active, budget_get
from apps.budgets.services import budget_activate
from apps.core.errors import PreconditionFailed
from apps.core.money import Money
from apps.identity.models import User

ACTIVATE = "budgets.activate"


def activation_payload(budget: Budget) -> dict[str, object]:
    """What is asked for: this version of the budget as it is now. Changed afterwards, it is another one."""
    return {"budget": str(budget.pk), "version": budget.version}


def _validate(maker: User, payload: Payload) -> None:
    budget = budget_get(pk=UUID(str(payload["budget"])))
    if budget.status != Budget.Status.DRAFT:
        raise BudgetNotDraft
    if budget.version != payload["version"]:
        raise PreconditionFailed("The draft was changed since it was sent.")


def _sums(budget: Budget | None) -> dict[str, int]:
    if budget is None:
        return {}
    lines = budget.lines.order_by().values_list("gl_account__type").annotate(sum=Sum("amount"))
    return dict(lines)


def _preview(maker: User, payload: Payload) -> Preview:
    budget = budget_get(pk=UUID(str(payload["budget"])))
    before = budget_active(year=budget.year, currency=budget.currency)
    old, new = _sums(before), _sums(budget)
    changes = tuple(
        Change(
            label,
            str(Money(old.get(kind, 0), budget.currency)) if before else "",
            str(Money(new.get(kind, 0), budget.currency)),
        )
        for kind, label in (("income", "Income planned"), ("expense", "Expenses planned"))
    )
    return Preview(
        title=f"Budget: {budget}",
        changes=changes,
        amount=Money(new.get("expense", 0), budget.currency),
        channel="back-office",
        key=f"budget {budget.pk}",
        url=f"/api/v1/budgets/{budget.pk}",
    )


def _execute(execution: Execution) -> Result:
    _validate(execution.maker, execution.payload)
    budget = budget_get(pk=UUID(str(execution.payload["budget"])))
    kept = budget_activate(acting_user=execution.maker, budget=budget, at=execution.at)
    return Result({"budget": str(kept.pk), "status": kept.status}, f"/api/v1/budgets/{kept.pk}")


def register() -> None:
    """Make the action known."""
    action_register(Action(ACTIVATE, "Budget", "budgets.manage", _validate, _preview, _execute, transactional=True))
