"""What budgets refuse."""

from __future__ import annotations

from apps.core.errors import Conflict, NotFound, Unprocessable


class BudgetNotFound(NotFound):
    """404: no such budget, or not one that the user may see."""

    code = "budget-not-found"
    title = "No such budget"


class BudgetNotDraft(Conflict):
    """409: only a draft is written into; an active budget is changed by a new version."""

    code = "budget-not-draft"
    title = "The budget is not a draft"


class BudgetLineNotValid(Unprocessable):
    """422: a line names an account or branch that cannot be budgeted, or comes twice."""

    code = "budget-line-not-valid"
    title = "The line cannot be budgeted"


class BudgetExceeded(Unprocessable):
    """422: the entry would spend more than the budget leaves, and the bank stops that."""

    code = "budget-exceeded"
    title = "The budget does not allow this"


class CommitmentNotOpen(Conflict):
    """409: the commitment was released or spent already."""

    code = "commitment-not-open"
    title = "The commitment is not open"


class CommitmentNotFound(NotFound):
    """404: no such commitment."""

    code = "commitment-not-found"
    title = "No such commitment"


class CostCentreNotValid(Unprocessable):
    """422: a place of a cost centre is no income or expense of the chart, or belongs to another one."""

    code = "cost-centre-not-valid"
    title = "The cost centre cannot have this place"
