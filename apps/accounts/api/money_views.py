"""What is on an account and what moved on it: balance, transactions, holds, statements."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import services
from apps.accounts.api import queries
from apps.accounts.api import serializers as forms
from apps.accounts.api import statement_serializers as shown
from apps.accounts.api.views import user_of
from apps.accounts.selectors import account_brief_for, account_get_for, statement_verify, transactions_of
from apps.accounts.statements.files import MEDIA_TYPES, statement_file
from apps.accounts.statements.pdf_file import PDF_LINES_MAX
from apps.accounts.statements.xlsx_file import XLSX
from apps.balances.selectors import balance_live_read, balance_read, holds
from apps.core import clock
from apps.core.api.lean import LeanView, answer
from apps.core.api.pagination import page_of
from apps.core.api.renderers import JSONRenderer
from apps.core.api.views import ApiView, respond
from apps.core.currencies import currency_get
from apps.identity.rates import address_keys, rate_check
from apps.ledger.selectors import business_date_current


class CSVRenderer(JSONRenderer):
    """Lets `Accept: text/csv` through the negotiation; the view writes the file itself."""

    media_type = "text/csv"
    format = "csv"


class PDFRenderer(JSONRenderer):
    """Lets `Accept: application/pdf` through the negotiation; the view writes the file itself."""

    media_type = "application/pdf"
    format = "pdf"


class XLSXRenderer(JSONRenderer):
    """Lets `Accept` for spreadsheets through the negotiation; the view writes the file itself."""

    media_type = XLSX
    format = "xlsx"


class AccountBalanceView(LeanView):
    """The balance of an account."""

    permissions: ClassVar = {"GET": "accounts.view"}
    read_of = "accounts.account"
    lean_query = queries.BalanceQuery

    @classmethod
    def gathers(cls, environ: dict[str, Any]) -> bool:
        return bool(environ["REQUEST_METHOD"] == "GET")

    @extend_schema(
        summary="Read a balance",
        description="Exact as of `as_of`. The ETag changes with every movement, hold, limit or status. Of an account "
        "that the real-time engine executes it is the newest state; `pending` of it may still disappear. With "
        "`consistency=strict` it is read from the books.",
        parameters=[queries.BalanceQuery],
        responses=forms.AccountBalanceSerializer,
    )
    def get(self, request: HttpRequest, account_id: UUID) -> HttpResponse:
        account = account_brief_for(user=request.user, pk=account_id)  # type: ignore[arg-type]
        strict = self.query.get("consistency") == "strict"
        view = (balance_read if strict else balance_live_read)(account_id=account.ledger_account_id)
        return answer(forms.balance_show(account, view), version=view.version)


class AccountTransactionsView(ApiView):
    """What moved on an account."""

    permissions: ClassVar = {"GET": "accounts.view"}
    read_of = "accounts.account"

    @extend_schema(
        summary="List an account's transactions",
        description="Newest first, in the order in which they were booked, with the balance after each.",
        parameters=[queries.TransactionsQuery],
        responses=page_of(forms.AccountTransactionSerializer),
    )
    def get(self, request: Request, account_id: UUID) -> Response:
        values = queries.TransactionsQuery.parse(request)
        account = account_get_for(user=user_of(request), pk=account_id)
        exponent = currency_get(account.currency).exponent
        lines = transactions_of(
            account=account,
            since=values["from"],
            until=values["to"],
            direction=values["direction"],
            kind=values["kind"],
            amount_min=queries.amount_read(values, "amount_min", exponent=exponent),
            amount_max=queries.amount_read(values, "amount_max", exponent=exponent),
            text=values["q"],
        )
        page = queries.TransactionsQuery.page(lines, request=request, values=values)
        return page.response(forms.AccountTransactionSerializer)


class AccountHoldsView(ApiView):
    """What is set aside on an account."""

    permissions: ClassVar = {"GET": "accounts.view"}

    @extend_schema(
        summary="List an account's holds",
        parameters=[queries.HoldsQuery],
        responses=page_of(forms.AccountHoldSerializer),
    )
    def get(self, request: Request, account_id: UUID) -> Response:
        values = queries.HoldsQuery.parse(request)
        account = account_get_for(user=user_of(request), pk=account_id)
        found = holds().filter(account_id=account.ledger_account_id)
        if values["status"] is not None:
            found = found.filter(status=values["status"])
        return queries.HoldsQuery.page(found, request=request, values=values).response(forms.AccountHoldSerializer)


class AccountStatementView(ApiView):
    """The statement of an account."""

    permissions: ClassVar = {"GET": "accounts.view"}
    renderer_classes: ClassVar[list[type[BaseRenderer]]] = [JSONRenderer, CSVRenderer, PDFRenderer, XLSXRenderer]  # type: ignore[misc]

    @extend_schema(
        summary="Read a statement",
        description="This month until today unless a period is given; at most 366 days. Lines are ordered by business "
        "date with a running balance; `proof` says that it adds up. Each statement has a code that anybody can have "
        "confirmed under statements/verify. Reading one is recorded.",
        parameters=[queries.StatementQuery],
        responses={
            (200, "application/json"): shown.StatementSerializer,
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "application/pdf"): OpenApiTypes.BINARY,
            (200, XLSX): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request, account_id: UUID) -> Response | HttpResponse:
        values = queries.StatementQuery.parse(request)
        account = account_get_for(user=user_of(request), pk=account_id)
        since, until = queries.period_read(values, today=business_date_current())
        form = values["format"] or request.accepted_renderer.format
        limits = {"lines_max": PDF_LINES_MAX} if form == "pdf" else {}
        statement, issue = services.statement_issue(
            acting_user=user_of(request),
            account=account,
            starts_on=since,
            ends_on=until,
            form=form,
            at=clock.now(),
            **limits,
        )
        if form == "json":
            request.accepted_renderer = JSONRenderer()
            return respond(shown.statement_shown(statement, issue))
        name = f"statement-{account.number[-4:]}-{since}-{until}.{form}"
        return HttpResponse(
            statement_file(statement, issue, form),
            content_type=MEDIA_TYPES[form],
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


class StatementVerifyView(ApiView):
    """Is this statement ours? Open to all: it is asked by whoever was given one."""

    public = True
    also_answers: ClassVar = {"GET": frozenset({404})}

    @extend_schema(
        summary="Confirm a statement",
        description="What the statement with this code said, with number and names masked. 404 for any other code.",
        parameters=[queries.StatementCodeQuery],
        responses=shown.StatementIssueSerializer,
    )
    def get(self, request: Request) -> Response:
        values = queries.StatementCodeQuery.parse(request)
        rate_check(request, address_keys(request, "statement_verify_ip"))
        return respond(shown.issue_shown(statement_verify(code=values["code"])))
