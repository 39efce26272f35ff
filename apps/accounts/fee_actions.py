"""Fees that are let go may need approval. Loaded when Django starts."""

from __future__ import annotations

from uuid import UUID

from apps.accounts import services
from apps.accounts.actions import concern
from apps.accounts.errors import FeeWaived
from apps.accounts.models import Account, FeeCharge
from apps.accounts.selectors import account_get_for, fee_charge_get
from apps.approvals.registry import Action, Change, Execution, Payload, Preview, Result, action_register
from apps.core.display import day_text
from apps.core.money import Money
from apps.identity.models import User
from apps.ledger.selectors import business_date_current

WAIVER, WAIVE = "accounts.fee_waiver", "accounts.waive_fees"


def waiver_payload(*, account: Account, charge: FeeCharge, reason: str) -> dict[str, str | int]:
    """The payload of a waiver: the fee as it stands now, since one that is charged meanwhile is another matter."""
    return {"account_id": str(account.pk), "charge_id": charge.pk, "status": charge.status, "reason": reason}


def _found(maker: User, payload: Payload) -> tuple[Account, FeeCharge]:
    account = account_get_for(user=maker, pk=UUID(payload["account_id"]))
    charge = fee_charge_get(account=account, pk=int(payload["charge_id"]))
    if charge.status == FeeCharge.Status.WAIVED or charge.status != payload["status"]:
        raise FeeWaived
    return account, charge


def _validate(maker: User, payload: Payload) -> None:
    _found(maker, payload)


def _preview(maker: User, payload: Payload) -> Preview:
    account, charge = _found(maker, payload)
    amount = Money(charge.amount, account.currency)
    charged = charge.status == FeeCharge.Status.CHARGED
    return Preview(
        title=f"Waive {charge.fee.name} of account {account.number}",
        changes=(
            Change("Fee", charge.fee.name, charge.fee.name),
            Change("For", day_text(charge.period), day_text(charge.period)),
            Change("State", charge.get_status_display(), FeeCharge.Status.WAIVED.label),
            Change("Given back to the account", "", str(amount) if charged else "nothing: it is not charged yet"),
            Change("Reason", "", str(payload["reason"])),
        ),
        amount=amount,
        key=f"fee {charge.pk}",
        url=f"/admin/accounts/account/{account.pk}/fees/",
        **concern(account, on=business_date_current()),
    )


def _execute(execution: Execution) -> Result:
    payload = execution.payload
    result = Result({"charge_id": payload["charge_id"]}, f"/api/v1/accounts/{payload['account_id']}/fees")
    services.fee_waive(
        acting_user=execution.maker,
        account_id=UUID(payload["account_id"]),
        charge_id=payload["charge_id"],
        reason=payload["reason"],
        settle=lambda _: execution.settle(result),
    )
    return result


def actions_register() -> None:
    """Make the action known."""
    action_register(Action(WAIVER, "Waiver of a fee", WAIVE, _validate, _preview, _execute))
