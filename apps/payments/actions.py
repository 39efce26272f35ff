"""What of payments may need approval: a transfer or cash above a limit, and a reversal. Loaded when Django starts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from apps.accounts.actions import concern
from apps.accounts.models import Account
from apps.accounts.selectors import AccountRef
from apps.approvals.models import ApprovalRequest
from apps.approvals.registry import Action, Change, Execution, Payload, Preview, Result, action_register
from apps.approvals.services import approval_possible, request_submit
from apps.balances.errors import refusal_of
from apps.core.display import day_text, kind_text, money_text
from apps.core.money import Money
from apps.identity.models import User
from apps.ledger.selectors import business_date_current
from apps.payments import services
from apps.payments.errors import PaymentAccountNotFound
from apps.payments.selectors import (
    Payment,
    account_refs,
    payment_find,
    payment_get_for,
    product_limits,
    session_get_for,
)
from apps.payments.services import Asked, Details
from apps.payments.services._common import currency_check, usable_ref, value_date_check
from apps.payments.services._counter import till_limit_check
from apps.payments.services._sessions import own_account_check, session_check
from apps.payments.services._signatures import signatures_check
from apps.payments.services._transfers import reversible_check, transfer_sides, usable_sources

TRANSFER, REVERSAL, CASH = "payments.transfer", "payments.reversal", "payments.cash"


def transfer_payload(
    *,
    asked: Asked,
    source: str,
    destination: str,
    amount: Money,
    details: Details,
    signed_by: Sequence[UUID] = (),
) -> dict[str, Any]:
    """The payload of a transfer, as it is kept with its request."""
    return {
        "fingerprint": asked.fingerprint.hex(),
        "source": source,
        "destination": destination,
        "amount": amount.amount,
        "currency": amount.currency,
        **details_write(details),
        **({"signed_by": [str(one) for one in signed_by]} if signed_by else {}),
    }


def reversal_payload(*, asked: Asked, payment_id: UUID, reason: str, kinds: frozenset[str]) -> dict[str, Any]:
    """The payload of a reversal."""
    return {
        "fingerprint": asked.fingerprint.hex(),
        "payment_id": str(payment_id),
        "reason": reason,
        "kinds": sorted(kinds),
    }


def _asked(execution: Execution) -> Asked:
    return Asked(user=execution.maker, key=execution.key, fingerprint=execution.fingerprint)


def _done(payment: Payment, where: str) -> Result:
    """What came of it. A refusal by the books is raised, so that the request fails visibly."""
    if not payment.ok:
        raise refusal_of(payment.outcome)
    return Result({"payment_id": str(payment.id)}, f"/api/v1/{where}/{payment.id}")


# -- transfers


def _amount(payload: Payload) -> Money:
    return Money.parse(payload["amount"], payload["currency"], positive=True)


def details_write(details: Details) -> dict[str, Any]:
    """What `details_read` reads back."""
    return {
        "description": details.description,
        "reference": details.reference,
        "counterparty": details.counterparty,
        "channel": details.channel,
        "value_date": details.value_date.isoformat() if details.value_date else None,
        "client_timestamp": details.client_timestamp.isoformat() if details.client_timestamp else None,
    }


def details_read(payload: Payload) -> Details:
    """The details of a payload."""
    value_date, sent = payload.get("value_date"), payload.get("client_timestamp")
    return Details(
        description=payload.get("description", ""),
        counterparty=payload.get("counterparty", ""),
        reference=payload.get("reference", ""),
        channel=payload.get("channel", "api"),
        value_date=dt.date.fromisoformat(value_date) if value_date else None,
        client_timestamp=dt.datetime.fromisoformat(sent) if sent else None,
    )


def _sides(maker: User, payload: Payload) -> tuple[AccountRef, AccountRef]:
    source, destination = payload["source"], payload["destination"]
    refs = account_refs(names=(source, destination))
    usable = usable_sources(maker, refs, [source])
    return transfer_sides(refs, product_limits(), usable, source, destination, _amount(payload))


def transfer_approval(
    asked: Asked,
    *,
    source: str,
    destination: str,
    amount: Money,
    details: Details,
    at: dt.datetime,
    signed_by: Sequence[UUID] = (),
) -> ApprovalRequest | None:
    """The request for approval of a transfer that a policy wants approved; None for all others, without a query."""
    if not approval_possible(kind=TRANSFER, amount=amount, at=at):
        return None
    if payment_find(transaction_id=asked.transaction_id) is not None:
        return None  # decided before there was a policy: the first answer stands
    payload = transfer_payload(
        asked=asked, source=source, destination=destination, amount=amount, details=details, signed_by=signed_by
    )
    return request_submit(kind=TRANSFER, maker=asked.user, payload=payload, at=at, key=asked.key)


def _signed_by(payload: Payload) -> list[UUID]:
    return [UUID(one) for one in payload.get("signed_by", ())]


def _transfer_validate(maker: User, payload: Payload) -> None:
    debit, _ = _sides(maker, payload)
    signatures_check(user=maker, ref=debit, amount=_amount(payload), signed_by=_signed_by(payload))
    value_date_check(details_read(payload).value_date)


def _transfer_preview(maker: User, payload: Payload) -> Preview:
    debit, credit = _sides(maker, payload)
    amount = _amount(payload)
    rows = {
        row.pk: row
        for row in Account.objects.select_related("member", "branch", "product").filter(
            pk__in=[debit.account_id, credit.account_id]
        )
    }
    source, destination = rows[debit.account_id], rows[credit.account_id]
    about = concern(source, on=business_date_current())
    to = [user for user in (credit.owner_user_id, *credit.holder_user_ids) if user is not None]
    about["interested_ids"] = tuple(dict.fromkeys([*about["interested_ids"], *to]))
    about["member_ids"] = tuple(dict.fromkeys([*about["member_ids"], destination.member_id]))
    return Preview(
        title=f"Transfer from {debit.number} to {credit.number}",
        changes=(
            Change("From", "", f"{debit.number} {source.name}"),
            Change("To", "", f"{credit.number} {destination.name}"),
            Change("Amount", "", money_text(amount.minor, amount.currency, with_currency=True)),
            Change("Description", "", str(payload.get("description", ""))),
        ),
        amount=amount,
        channel=str(payload.get("channel", "")),
        url=f"/admin/accounts/account/{source.pk}/change/",
        **about,
    )


def _transfer_execute(execution: Execution) -> Result:
    payload = execution.payload
    payment = services.transfer_post(
        asked=_asked(execution),
        source=payload["source"],
        destination=payload["destination"],
        amount=_amount(payload),
        details=details_read(payload),
        signed_by=_signed_by(payload),
    )
    return _done(payment, "transfers")


# -- reversals


def _original(maker: User, payload: Payload) -> Payment:
    original = payment_get_for(user=maker, transaction_id=UUID(payload["payment_id"]))
    reversible_check(original, payload["kinds"])
    return original


def _reversal_validate(maker: User, payload: Payload) -> None:
    _original(maker, payload)


def _reversal_preview(maker: User, payload: Payload) -> Preview:
    original = _original(maker, payload)
    named, amount = original.source or original.destination, original.amount
    if named is None or amount is None:
        raise PaymentAccountNotFound
    account = Account.objects.select_related("member", "branch", "product").get(pk=named.id)
    return Preview(
        title=f"Reversal of a {kind_text(original.kind).lower()} of {day_text(original.business_date)}",
        changes=(
            Change("Payment", str(original.id), ""),
            Change("From", original.source.number if original.source else "the bank", ""),
            Change("To", original.destination.number if original.destination else "the bank", ""),
            Change("Amount", money_text(amount.minor, amount.currency, with_currency=True), ""),
            Change("Description", original.description, ""),
            Change("Reason", "", str(payload["reason"])),
        ),
        amount=amount,
        channel=original.channel,
        key=f"reversal {original.id}",
        url=f"/admin/accounts/account/{account.pk}/change/",
        **concern(account, on=business_date_current()),
    )


def _reversal_execute(execution: Execution) -> Result:
    payload = execution.payload
    payment = services.transfer_reverse(
        asked=_asked(execution),
        transaction_id=UUID(payload["payment_id"]),
        reason=payload["reason"],
        kinds=frozenset(payload["kinds"]),
    )
    return _done(payment, "transactions")


# -- cash at the counter


def cash_payload(
    *,
    asked: Asked,
    session_id: UUID,
    kind: str,
    account: str,
    amount: Money,
    count: dict[str, int],
    details: Details,
    signed_by: Sequence[UUID] = (),
) -> dict[str, Any]:
    """The payload of cash over the counter; `kind` is deposit or withdrawal."""
    return {
        "fingerprint": asked.fingerprint.hex(),
        "session_id": str(session_id),
        "kind": kind,
        "account": account,
        "amount": amount.amount,
        "currency": amount.currency,
        "count": count,
        "description": details.description,
        "counterparty": details.counterparty,
        "reference": details.reference,
        "channel": details.channel,
        **({"signed_by": [str(one) for one in signed_by]} if signed_by else {}),
    }


def _cash_validate(maker: User, payload: Payload) -> None:
    session = session_get_for(user=maker, pk=UUID(payload["session_id"]))
    session_check(session, maker)
    till_limit_check(session, _amount(payload))
    ref = usable_ref(user=maker, name=payload["account"], pointer="/account")
    own_account_check(maker, ref)
    currency_check(ref=ref, amount=_amount(payload), pointer="/amount/currency")
    if payload["kind"] == "withdrawal":
        signatures_check(user=maker, ref=ref, amount=_amount(payload), signed_by=_signed_by(payload))


def _cash_preview(maker: User, payload: Payload) -> Preview:
    ref = usable_ref(user=maker, name=payload["account"], pointer="/account")
    account = Account.objects.select_related("member", "branch", "product").get(pk=ref.account_id)
    session = session_get_for(user=maker, pk=UUID(payload["session_id"]))
    amount = _amount(payload)
    return Preview(
        title=f"Cash {payload['kind']}, {account.number}",
        changes=(
            Change("Account", "", f"{account.number} {account.name}"),
            Change("Amount", "", money_text(amount.minor, amount.currency, with_currency=True)),
            Change("Brought or taken by", "", str(payload["counterparty"])),
            Change("Till", "", session.till.name),
        ),
        amount=amount,
        channel="branch",
        url=f"/admin/payments/tillsession/{session.pk}/change/",
        **concern(account, on=business_date_current()),
    )


def _cash_execute(execution: Execution) -> Result:
    payload = execution.payload
    values: dict[str, Any] = {
        "asked": _asked(execution),
        "session_id": UUID(payload["session_id"]),
        "account": payload["account"],
        "amount": _amount(payload),
        "count": payload["count"],
        "details": details_read(payload),
        "at": execution.at,
    }
    if payload["kind"] == "deposit":
        payment = services.cash_take(**values)
    else:
        payment = services.cash_pay(**values, signed_by=_signed_by(payload))
    return _done(payment, "transactions")


def actions_register() -> None:
    """Make the actions known."""
    action_register(
        Action(
            TRANSFER, "Transfer above a limit", "payments.transfer",
            _transfer_validate, _transfer_preview, _transfer_execute,
        )
    )  # fmt: skip
    action_register(
        Action(
            REVERSAL, "Reversal of a payment", "payments.reverse",
            _reversal_validate, _reversal_preview, _reversal_execute,
        )
    )  # fmt: skip
    action_register(Action(CASH, "Cash above a limit", "payments.till", _cash_validate, _cash_preview, _cash_execute))
