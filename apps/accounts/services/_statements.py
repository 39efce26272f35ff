"""Issuing statements: what leaves the bank is remembered, under the code printed on it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.db import transaction

from apps.accounts.models import Account, StatementIssue
from apps.accounts.selectors import LINES_MAX, Statement, statement_of
from apps.accounts.statements.codes import code_of
from apps.audit.services import record

if TYPE_CHECKING:
    from apps.identity.models import User


@transaction.atomic
def statement_issue(
    *,
    acting_user: User,
    account: Account,
    starts_on: dt.date,
    ends_on: dt.date,
    form: str,
    at: dt.datetime,
    lines_max: int = LINES_MAX,
) -> tuple[Statement, StatementIssue]:
    """The statement of an account that `acting_user` may see, and its issue with the code.

    `form` (json, csv, pdf) goes into the trail: reading a member's statement is an access to personal data. The same
    statement issued again keeps its code and its first date. Raises as `statement_of`.
    """
    statement = statement_of(account=account, starts_on=starts_on, ends_on=ends_on, lines_max=lines_max)
    issue = StatementIssue(
        account=account,
        starts_on=starts_on,
        ends_on=ends_on,
        opening=statement.opening,
        paid_in=statement.paid_in,
        paid_out=statement.paid_out,
        closing=statement.closing,
        line_count=len(statement.lines),
        last_entry=statement.last_entry,
        issued_at=at,
    )
    issue.code = code_of(issue)
    StatementIssue.objects.bulk_create([issue], ignore_conflicts=True)
    record(
        action="accounts.statement.issued",
        acting_user=acting_user,
        target=account,
        kind="access",
        after={"from": starts_on, "to": ends_on, "form": form, "lines": len(statement.lines), "number": issue.code},
    )
    return statement, issue
