"""Accounts over HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, cast
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import actions, services
from apps.accounts.api import queries
from apps.accounts.api import serializers as forms
from apps.accounts.errors import HolderInvalid
from apps.accounts.models import Account
from apps.accounts.numbers import number_of
from apps.accounts.selectors import (
    account_get_for,
    accounts_of_member,
    accounts_visible_to,
    product_get_for,
    with_holders,
)
from apps.approvals.api.serializers import ApprovalSerializer
from apps.approvals.api.views import accepted
from apps.approvals.services import request_submit
from apps.balances.selectors import BalanceView, balances_read
from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import body_read
from apps.core.api.views import NAMES_A_RECORD, ApiView, respond
from apps.core.errors import CurrencyMismatch, PermissionDenied
from apps.core.money import Money
from apps.identity.guards import amount_check
from apps.ledger.selectors import business_date_current
from apps.members.selectors import member_get_for, members_visible_to

if TYPE_CHECKING:
    from apps.identity.models import User

OPEN_EXAMPLE = OpenApiExample(
    "a savings account",
    value={
        "product_id": "019a9d0c-4d1e-7c5e-8f3b-2a1d0c9b8a7f",
        "member_id": "019a9d0c-5b02-7d41-9c66-8e0f1a2b3c4d",
        "name": "School fees",
    },
    request_only=True,
)


def user_of(request: Request) -> User:
    """Who asks: views that are not public have a user."""
    return cast("User", request.user)


def account_shown(account: Account, *, user: User, balances: dict[int, BalanceView] | None = None) -> Any:
    """The account as the API shows it to `user`."""
    return forms.AccountSerializer(account, context={"user": user, "balances": balances}).data


def account_response(account: Account, *, user: User, status: int = 200, location: str = "") -> Response:
    """An account with its ETag."""
    return respond(account_shown(account, user=user), status=status, version=account.version, location=location)


def accounts_page(accounts: QuerySet[Account], request: Request, values: dict[str, Any]) -> Response:
    """A page of accounts: one statement for the accounts, one for the holders, one for the balances if asked for."""
    page = queries.AccountsQuery.page(with_holders(accounts), request=request, values=values)
    balances = balances_of(page.items) if values["expand"] == "balance" else None
    return page.response(forms.AccountSerializer, user=user_of(request), balances=balances)


def balances_of(accounts: Iterable[Account]) -> dict[int, BalanceView]:
    """Balances by ledger account, in one statement."""
    return balances_read(account_ids=[account.ledger_account_id for account in accounts])


def minor_of(money: Money | None, *, currency: str, pointer: str) -> int | None:
    """Minor units of an amount that must be in `currency`; None for none. Raises CurrencyMismatch."""
    if money is None:
        return None
    if money.currency != currency:
        raise CurrencyMismatch(f"This account is in {currency}.", pointer=pointer)
    return money.minor


def _filtered(accounts: QuerySet[Account], values: dict[str, Any]) -> QuerySet[Account]:
    if values["number"] is not None:
        accounts = accounts.filter(number=number_of(values["number"]))
    for name in ("status", "currency", "product_id", "branch_id"):
        if values[name] is not None:
            accounts = accounts.filter(**{name: values[name]})
    if values["member_id"] is not None:
        accounts = accounts_of_member(accounts, member_id=values["member_id"])
    return accounts


class AccountsView(ApiView):
    """The accounts that the user may see, and new ones."""

    permissions: ClassVar = {"GET": "accounts.view", "POST": "accounts.open"}
    also_answers: ClassVar = NAMES_A_RECORD

    @extend_schema(
        summary="List accounts",
        description="Accounts of the bank, of the user's branch, or the user's own and joint ones, by the user's role.",
        parameters=[queries.AccountsQuery],
        responses=page_of(forms.AccountSerializer),
    )
    def get(self, request: Request) -> Response:
        values = queries.AccountsQuery.parse(request)
        return accounts_page(_filtered(accounts_visible_to(user_of(request)), values), request, values)

    @extend_schema(
        summary="Open an account",
        description="The number is given by the bank. The account starts with nothing on it.",
        request=forms.AccountCreateSerializer,
        responses={201: forms.AccountSerializer},
        examples=[OPEN_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        user = user_of(request)
        body = body_read(forms.AccountCreateSerializer, request)
        member = member_get_for(user=user, pk=body["member_id"])
        product = product_get_for(user=user, pk=body["product_id"])
        overdraft = minor_of(body.get("overdraft_limit"), currency=product.currency_id, pointer="/overdraft_limit") or 0
        if overdraft and not user.has_permission("accounts.update"):
            raise PermissionDenied("An overdraft needs the permission accounts.update.", permission="accounts.update")
        holders = [services.Holder(holder["member_id"], holder["role"]) for holder in body.get("holders", [])]
        seen = members_visible_to(user).filter(pk__in=[holder.member_id for holder in holders]).count()
        if seen != len({holder.member_id for holder in holders}):
            raise HolderInvalid("No such member, or not an active one.", pointer="/holders")
        account = services.account_open(
            acting_user=user,
            product_id=product.pk,
            member_id=member.pk,
            branch_id=body.get("branch_id"),
            name=body.get("name", ""),
            overdraft_limit=overdraft,
            holders=holders,
            opened_on=business_date_current(),
        )
        return account_response(account, user=user, status=201, location=f"/api/v1/accounts/{account.pk}")


class MemberAccountsView(ApiView):
    """The accounts of one member."""

    permissions: ClassVar = {"GET": "accounts.view"}

    @extend_schema(
        summary="List a member's accounts",
        description="Accounts that the member owns or holds, as far as the user may see them.",
        parameters=[queries.AccountsQuery],
        responses=page_of(forms.AccountSerializer),
    )
    def get(self, request: Request, member_id: UUID) -> Response:
        values = queries.AccountsQuery.parse(request)
        member = member_get_for(user=user_of(request), pk=member_id)
        accounts = accounts_of_member(accounts_visible_to(user_of(request)), member_id=member.pk)
        return accounts_page(_filtered(accounts, values), request, values)


class AccountView(ApiView):
    """One account."""

    permissions: ClassVar = {"GET": "accounts.view", "PATCH": "accounts.update"}
    read_of = "accounts.account"

    @extend_schema(summary="Read an account", parameters=[queries.ExpandQuery], responses=forms.AccountSerializer)
    def get(self, request: Request, account_id: UUID) -> Response:
        values = queries.ExpandQuery.parse(request)
        account = account_get_for(user=user_of(request), pk=account_id)
        balances = balances_of([account]) if values["expand"] == "balance" else None
        return respond(account_shown(account, user=user_of(request), balances=balances), version=account.version)

    @extend_schema(
        summary="Change an account", request=forms.AccountUpdateSerializer, responses={200: forms.AccountSerializer}
    )
    def patch(self, request: Request, account_id: UUID) -> Response:
        NoParams.parse(request)
        account = account_get_for(user=user_of(request), pk=account_id)
        body = body_read(forms.AccountUpdateSerializer, request, partial=True)
        account = services.account_update(
            acting_user=user_of(request),
            account_id=account.pk,
            expected_version=self.expected_version,
            name=body.get("name"),
            overdraft_limit=minor_of(
                body.get("overdraft_limit"), currency=account.currency, pointer="/overdraft_limit"
            ),
        )
        return account_response(account, user=user_of(request))


class AccountStatusView(ApiView):
    """Blocking and freeing an account."""

    permissions: ClassVar = {"POST": "accounts.freeze"}
    if_match_methods = frozenset({"POST"})

    @extend_schema(
        summary="Block, freeze or free an account",
        description="From the moment of the answer no posting passes that the new status forbids.",
        request=forms.AccountStatusSerializer,
        responses={200: forms.AccountSerializer, 202: ApprovalSerializer},
    )
    def post(self, request: Request, account_id: UUID) -> Response:
        NoParams.parse(request)
        account = account_get_for(user=user_of(request), pk=account_id)
        body = body_read(forms.AccountStatusSerializer, request)
        payload = actions.status_payload(account=account, version=self.expected_version, **body)
        approval = request_submit(
            kind=actions.status_kind(status=body["status"]), maker=user_of(request), payload=payload, at=clock.now()
        )
        if approval is not None:
            return accepted(approval)
        account = services.account_status_set(
            acting_user=user_of(request), account_id=account.pk, expected_version=self.expected_version, **body
        )
        return account_response(account, user=user_of(request))


class AccountClosureView(ApiView):
    """The end of an account."""

    permissions: ClassVar = {"POST": "accounts.close"}
    if_match_methods = frozenset({"POST"})

    @extend_schema(
        summary="Close an account",
        description="For good. Its interest is paid and its fees are charged; what is left goes to the account named, "
        "or there must be nothing left. Nothing may be open on it: a hold, a cheque in clearing, a term deposit, a "
        "loan. Standing instructions from it are cancelled, unused cheque leaves stopped.",
        request=forms.AccountClosureSerializer,
        responses={200: forms.AccountSerializer, 202: ApprovalSerializer},
    )
    def post(self, request: Request, account_id: UUID) -> Response:
        NoParams.parse(request)
        account = account_get_for(user=user_of(request), pk=account_id)
        body = body_read(forms.AccountClosureSerializer, request)
        if "payout_account_id" in body:
            body["payout_to"] = account_get_for(user=user_of(request), pk=body.pop("payout_account_id")).pk
        amount_check(user_of(request), "accounts.close", actions.left_on(account), account.currency, at=clock.now())
        payload = actions.closure_payload(account=account, version=self.expected_version, **body)
        approval = request_submit(kind=actions.CLOSE, maker=user_of(request), payload=payload, at=clock.now())
        if approval is not None:
            return accepted(approval)
        account = services.account_close(
            acting_user=user_of(request),
            account_id=account.pk,
            expected_version=self.expected_version,
            closed_on=business_date_current(),
            at=clock.now(),
            **body,
        )
        return account_response(account, user=user_of(request))
