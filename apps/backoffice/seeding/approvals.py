"""Requests that wait in the inbox of the demo bank: large transfers, frozen accounts to be freed, roles of a user."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from apps.accounts.models import Account
from apps.accounts.selectors import accounts_visible_to
from apps.approvals.models import ApprovalRequest
from apps.approvals.services import document_add, request_comment, request_decide, request_submit
from apps.core.errors import DomainError
from apps.core.money import Money
from apps.identity.models import User
from apps.payments.services import Asked, Details, deposit_post

LARGE = ("6200000.00", "8750000.00", "24000000.00")
FREED = 4
TRIES_MAX = 40


def requests_open(*, staff: Mapping[str, User], at: dt.datetime) -> int:
    """Ask for approval as the demo's people do, under the policies that come with Numina.

    Returns how many payments came in for it: whoever asks to transfer millions has them, so that what is approved can
    be carried out. Run again after a break it asks and pays nothing twice: each has a key of its own.
    """
    ask = _Asking(at)
    teller, manager = _fresh(staff["teller:NBO"]), _fresh(staff["manager:NBO"])
    paid_in = _transfers(ask, teller, payer=_fresh(staff["integration"]))
    freed = _freeings(ask, manager)
    ask("identity.user_roles", _fresh(staff["administrator"]), "roles", {
        "user_id": str(staff["teller:KSM"].pk), "roles": ["teller", "branch_manager"], "reason": "Stands in",
    })  # fmt: skip
    if freed:
        _talk(freed, compliance=_fresh(staff["compliance"]), at=at)
    return paid_in


class _Asking:
    """Asks, an hour earlier each time, so that the inbox has requests of different age."""

    def __init__(self, at: dt.datetime) -> None:
        self._at, self._number = at, 0

    def __call__(self, kind: str, maker: User, key: str, payload: dict[str, Any]) -> ApprovalRequest | None:
        self._number += 1
        moment = self._at - dt.timedelta(hours=self._number)
        return request_submit(kind=kind, maker=maker, payload=payload, at=moment, key=f"demo {key}")


def _fresh(user: User) -> User:
    """The user with the roles that the database has."""
    return User.objects.prefetch_related("user_roles__role").get(pk=user.pk)


def _transfers(ask: Callable[..., Any], teller: User, *, payer: User) -> int:
    """Large transfers between active shilling accounts; pairs that a limit forbids are left out.

    Returns how many payments came in.
    """
    active = accounts_visible_to(teller).filter(currency="KES", status=Account.Status.ACTIVE)
    found = list(active.order_by("-product__code", "number")[: 2 * TRIES_MAX])
    numbers = [account.number for account in found]
    wanted = list(LARGE)
    for source, destination in zip(numbers[::2], numbers[1::2], strict=False):
        if not wanted:
            break
        payload = {
            "source": source, "destination": destination, "amount": wanted[0], "currency": "KES",
            "description": "Purchase of land, sale agreement attached", "channel": "branch",
        }  # fmt: skip
        try:
            found = ask("payments.transfer", teller, f"transfer {len(wanted)}", payload)
        except DomainError:
            continue
        _pay_in(source, wanted.pop(0), payer=payer)
        if found is not None:
            text = b"Sale agreement, plot LR 209/4401, Nairobi.\nPrice and parties as in the request.\n"
            document_add(
                acting_user=teller, request_id=found.public_id, name="agreement.txt", content=text, at=found.created_at
            )

    return len(LARGE) - len(wanted)


def _pay_in(account: str, amount: str, *, payer: User) -> None:
    deposit_post(
        asked=Asked(
            user=payer, key=f"seed-large-{account}", fingerprint=hashlib.sha256(f"{account} {amount}".encode()).digest()
        ),
        account=account,
        amount=Money.parse(amount, "KES"),
        details=Details(description="Loan for a purchase of land", counterparty="Housing Finance", channel="transfer"),
    )


def _freeings(ask: Callable[..., Any], manager: User) -> list[ApprovalRequest]:
    frozen = accounts_visible_to(manager).filter(status=Account.Status.FROZEN).order_by("number")[:FREED]
    found = []
    for account in frozen:
        payload = {
            "account_id": str(account.pk), "version": account.version, "status": "active",
            "reason": "The court has lifted its order",
        }  # fmt: skip
        found.append(ask("accounts.unfreeze", manager, f"free {account.number}", payload))
    return [request for request in found if request is not None]


def _talk(freed: list[ApprovalRequest], *, compliance: User, at: dt.datetime) -> None:
    """One is asked about, and one goes back to its maker."""
    request_comment(acting_user=compliance, request_id=freed[0].public_id, at=at, comment="Is the order on file?")
    if len(freed) > 1 and freed[1].state == "pending":
        request_decide(
            acting_user=compliance, request_id=freed[1].public_id, verdict="return", expected_version=freed[1].version,
            at=at, comment="The order in the file names another account.",
        )  # fmt: skip
