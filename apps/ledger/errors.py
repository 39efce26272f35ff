"""What the ledger refuses."""

from apps.core.errors import Conflict, InvalidRequest, NotFound, Unprocessable


class PeriodClosed(Unprocessable):
    """422: the business date lies in a closed accounting period."""

    code = "period-closed"
    title = "The accounting period is closed"


class PeriodOverlaps(Unprocessable):
    """422: the dates of the new period overlap those of another."""

    code = "period-overlaps"
    title = "Accounting periods may not overlap"


class PeriodNotClosable(Conflict):
    """409: the period still contains the open business day, or an earlier period is open."""

    code = "period-not-closable"
    title = "The period cannot be closed yet"


class BusinessDateInFuture(Unprocessable):
    """422: the business date lies after the bank's open business day."""

    code = "business-date-in-future"
    title = "The business date lies in the future"


class BusinessDateBackwards(Unprocessable):
    """422: the business day only moves forward."""

    code = "business-date-backwards"
    title = "The business day cannot move back"


class GLAccountNotFound(NotFound):
    """404: the chart of accounts has no such code."""

    code = "gl-account-not-found"
    title = "No such GL account"


class GLAccountNotPostable(Unprocessable):
    """422: a header, an inactive account, or one that takes no manual entries."""

    code = "gl-account-not-postable"
    title = "This GL account cannot be posted to"


class CurrencyNotKept(Unprocessable):
    """422: the bank keeps no books in this currency."""

    code = "currency-not-kept"
    title = "No books are kept in this currency"


class PeriodInvalid(Unprocessable):
    """422: the period ends before it begins."""

    code = "period-invalid"
    title = "The period ends before it begins"


class GLAccountUnknown(Unprocessable):
    """422: an entry names a code that the chart of accounts does not have."""

    code = "gl-account-unknown"
    title = "The chart of accounts has no such code"


class BranchUnknown(Unprocessable):
    """422: a line names a branch that does not exist, or that the user's role does not reach."""

    code = "branch-unknown"
    title = "No such branch"


class TrialBalanceRange(InvalidRequest):
    """400: `since` lies after `as_of`."""

    code = "date-range-invalid"
    title = "The range of dates is empty"
