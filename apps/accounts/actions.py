"""What of accounts may need approval: closing one, freezing and freeing one. Loaded when Django starts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from apps.accounts import services
from apps.accounts.errors import AccountIsClosed, DividendDecided
from apps.accounts.models import Account, Dividend
from apps.accounts.selectors import account_get_for, dividend_get
from apps.approvals.registry import Action, Change, Execution, Payload, Preview, Result, action_register
from apps.balances.errors import BalanceNotZero
from apps.balances.selectors import balances_read
from apps.balances.services import in_database
from apps.core.api.etag import version_check
from apps.core.display import kind_text, money_text
from apps.core.money import Money
from apps.identity.models import User
from apps.ledger.selectors import business_date_current

NEW_ACCOUNT_DAYS = 30
CLOSE, FREEZE, UNFREEZE = "accounts.close", "accounts.freeze", "accounts.unfreeze"
DIVIDEND = "accounts.dividend"


def status_kind(*, status: str) -> str:
    """The kind of action that setting this status is: freeing an account, or blocking it in any way."""
    return UNFREEZE if status == Account.Status.ACTIVE else FREEZE


def concern(account: Account, *, on: dt.date) -> dict[str, Any]:
    """The members of a Preview that an account gives: branch, product, member, whose affair it is, and flags."""
    members = [account.member, *(holder.member for holder in account.holders_now)]
    flags = []
    if (on - account.opened_on).days < NEW_ACCOUNT_DAYS:
        flags.append("new_account")
    if account.member.status != "active":
        flags.append("member_not_active")
    return {
        "branch_id": account.branch_id,
        "branch_code": account.branch.code,
        "product": account.product.code,
        "member_type": account.member.kind,
        "member_label": str(account.member),
        "member_status": account.member.status,
        "member_ids": tuple(member.pk for member in members),
        "interested_ids": tuple(member.user_id for member in members if member.user_id is not None),
        "risk_flags": tuple(flags),
    }


def status_payload(
    *, account: Account, version: int, status: str, reason: str, until: dt.date | None = None
) -> dict[str, Any]:
    """The payload of a change of status."""
    payload = {"account_id": str(account.pk), "version": version, "status": status, "reason": reason}
    return payload | ({"until": until.isoformat()} if until else {})


def closure_payload(*, account: Account, version: int, reason: str, payout_to: UUID | None = None) -> dict[str, Any]:
    """The payload of a closing."""
    payload = {"account_id": str(account.pk), "version": version, "reason": reason}
    return payload | ({"payout_to": str(payout_to)} if payout_to else {})


def left_on(account: Account) -> int:
    """What a closing pays out, minor units, before the interest and fees of the last days."""
    return max(balances_read(account_ids=[account.ledger_account_id])[account.ledger_account_id].booked, 0)


def _account(maker: User, payload: Mapping[str, Any]) -> Account:
    account = account_get_for(user=maker, pk=UUID(payload["account_id"]))
    version_check(current=account.version, expected=payload["version"])
    if account.status == Account.Status.CLOSED:
        raise AccountIsClosed
    return account


def _status_validate(kind: str, maker: User, payload: Payload) -> None:
    if status_kind(status=payload["status"]) != kind:  # another policy's affair
        raise ValueError(f"{payload['status']!r} is not set by {kind}")
    _account(maker, payload)


def _closure_validate(maker: User, payload: Payload) -> None:
    account = _account(maker, payload)
    state = balances_read(account_ids=[account.ledger_account_id])[account.ledger_account_id]
    if state.held or (state.booked and "payout_to" not in payload):
        raise BalanceNotZero("Pay the balance out and end the holds first.")


def _preview(maker: User, payload: Payload) -> Preview:
    account = account_get_for(user=maker, pk=UUID(payload["account_id"]))
    after = payload.get("status", "closed")
    state = balances_read(account_ids=[account.ledger_account_id])[account.ledger_account_id]
    verb = {"closed": "Close", "active": "Free"}.get(after, "Block")
    return Preview(
        title=f"{verb} account {account.number}",
        changes=(
            Change("Account", account.number, account.number),
            Change("Status", kind_text(account.status), kind_text(after)),
            Change("Balance", money_text(state.booked, account.currency, with_currency=True), ""),
            Change("Reason", account.status_reason, str(payload["reason"])),
        ),
        key=f"account {account.pk}",
        url=f"/admin/accounts/account/{account.pk}/change/",
        **concern(account, on=business_date_current()),
    )


def _status_execute(execution: Execution) -> Result:
    return _under_the_door(execution, change=lambda payload: services.account_status_set(
        acting_user=execution.maker,
        account_id=UUID(payload["account_id"]),
        expected_version=payload["version"],
        status=payload["status"],
        reason=payload["reason"],
        until=dt.date.fromisoformat(payload["until"]) if "until" in payload else None,
    ))  # fmt: skip


def _closure_execute(execution: Execution) -> Result:
    day, payout = business_date_current(), execution.payload.get("payout_to")
    payout_to = UUID(payout) if payout else None
    ids = services.closure_ledger_ids(account_id=UUID(execution.payload["account_id"]), payout_to=payout_to)
    return _under_the_door(execution, ids=ids, change=lambda payload: services.account_close(
        acting_user=execution.maker,
        account_id=UUID(payload["account_id"]),
        expected_version=payload["version"],
        reason=payload["reason"],
        closed_on=day,
        at=execution.at,
        payout_to=payout_to,
    ))  # fmt: skip


def dividend_payload(*, dividend: Dividend, version: int) -> dict[str, Any]:
    """The payload of the payment of a dividend."""
    return {"dividend_id": str(dividend.pk), "version": version}


def _dividend(payload: Payload) -> Dividend:
    dividend = dividend_get(pk=UUID(payload["dividend_id"]))
    version_check(current=dividend.version, expected=payload["version"])
    if dividend.status != Dividend.Status.DRAFT:
        raise DividendDecided
    return dividend


def _dividend_validate(maker: User, payload: Payload) -> None:
    _dividend(payload)


def _dividend_preview(maker: User, payload: Payload) -> Preview:
    dividend = _dividend(payload)
    product, gross = dividend.product, Money(dividend.gross, dividend.product.currency_id)
    return Preview(
        title=f"Dividend on {product.name}, {dividend.starts_on} to {dividend.ends_on}",
        changes=(
            Change("Rate", "", f"{(dividend.rate * 100).normalize():f} %"),
            Change("Taken on", "", dividend.get_basis_display()),
            Change("Accounts", "", str(dividend.accounts)),
            Change("Gross", "", str(gross)),
            Change("Tax withheld", "", str(Money(dividend.tax, product.currency_id))),
            Change("Paid to", "", dividend.get_pay_to_display()),
        ),
        amount=gross,
        product=product.code,
        key=f"dividend {dividend.pk}",
        url=f"/admin/accounts/dividend/{dividend.pk}/change/",
    )


def _dividend_execute(execution: Execution) -> Result:
    dividend = services.dividend_pay(
        acting_user=execution.maker,
        dividend_id=UUID(execution.payload["dividend_id"]),
        expected_version=execution.payload["version"],
        at=execution.at,
    )
    return Result({"dividend_id": str(dividend.pk)}, f"/api/v1/dividends/{dividend.pk}")


def _under_the_door(execution: Execution, *, change: Any, ids: list[int] | None = None) -> Result:
    """Change the account and mark the request as done in one transaction, the outermost, as the books want it."""
    account = account_get_for(user=execution.maker, pk=UUID(execution.payload["account_id"]))
    with in_database(ids or [account.ledger_account_id], actor_id=execution.maker.pk):
        changed = change(execution.payload)
        result = Result({"account_id": str(changed.pk), "status": changed.status}, f"/api/v1/accounts/{changed.pk}")
        execution.settle(result)
    return result


def actions_register() -> None:
    """Make the actions known."""
    action_register(
        Action(CLOSE, "Closing of an account", "accounts.close", _closure_validate, _preview, _closure_execute)
    )
    action_register(
        Action(
            DIVIDEND, "Payment of a dividend", "products.manage",
            _dividend_validate, _dividend_preview, _dividend_execute, transactional=True,
        )
    )  # fmt: skip
    for name, title in ((FREEZE, "Blocking of an account"), (UNFREEZE, "Freeing of an account")):
        validate = partial(_status_validate, name)
        action_register(Action(name, title, "accounts.freeze", validate, _preview, _status_execute))
