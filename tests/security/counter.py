"""A till with a session of root's, a vault transfer, an instruction, a cheque and an authorisation, for the walk over
all operations."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

from apps.core import clock
from apps.core.money import Money
from apps.identity.permissions import PERMISSIONS
from apps.payments import services
from apps.payments.services import Asked, Details, Drawn, Terms
from tests.factories.accounts import AccountFactory
from tests.factories.books import gl_account_ready
from tests.factories.identity import user_make

KES = {"amount": "1.00", "currency": "KES"}
Bodies = dict[tuple[str, str], dict[str, Any]]


def counter_things(root: Any, branch: Any, account: Any) -> tuple[dict[str, Any], Bodies]:
    """Ids by URL parameter, and bodies that are accepted."""
    for code in ("1110", "1220", "1230", "1260", "4250", "4340", "5720"):
        gl_account_ready(code)
    ids, bodies = _till(root, branch, account)
    more, others = _standing_and_cheques(root, account)
    return ids | more, bodies | others


def _asked(root: Any, key: str) -> Asked:
    return Asked(user=root, key=key, fingerprint=hashlib.sha256(key.encode()).digest())


def _till(root: Any, branch: Any, account: Any) -> tuple[dict[str, Any], Bodies]:
    at, other = clock.now(), user_make(*PERMISSIONS, scope="all", branch=branch)
    limits = {"holding_limit": 10_000_00, "transaction_limit": 1_000_00, "tolerance": 0, "currency": "KES"}
    till, spare = (
        services.till_create(acting_user=None, branch_code=branch.code, number=number, name=f"Till {number}", **limits)
        for number in (1, 2)
    )
    session = services.session_open(acting_user=root, till_id=till.pk, count={}, at=at)
    services.cash_take(
        asked=_asked(root, "cash"), session_id=session.pk, account=account.number, amount=Money(500, "KES"), count={},
        details=Details(channel="branch"), at=at,
    )  # fmt: skip
    busy = services.session_open(acting_user=other, till_id=spare.pk, count={}, at=at)
    transfer = services.vault_transfer_ask(
        acting_user=other, session_id=busy.pk, direction="to_till", amount=Money(100, "KES"), count={}, at=at
    )
    one = "till-sessions/{till_session_id}/"
    count = [{"value": KES, "pieces": 1}]
    stranger = AccountFactory(branch=branch, balance="50.00")  # root becomes a holder of the other one on the way
    cash = {"account": stranger.number, "amount": KES, "count": count, "counterparty": "Alice", "reference": "R1"}
    return {"till_id": till.pk, "till_session_id": session.pk, "vault_transfer_id": transfer.pk}, {
        ("POST", "tills"): {
            "branch": branch.code, "number": 3, "name": "Till 3", "currency": "KES", "holding_limit": KES,
            "transaction_limit": KES, "tolerance": KES,
        },
        ("PATCH", "tills/{till_id}"): {"name": "Till one", "holding_limit": KES, "is_active": True},
        ("POST", one + "deposits"): cash,
        ("POST", one + "withdrawals"): cash,
        ("POST", one + "vault-transfers"): {"direction": "to_vault", "amount": KES, "count": count},
        ("POST", one + "count"): {"count": count, "note": "Counted twice"},
        ("POST", one + "closure"): {"accept": True, "note": "Seen"},
        ("POST", "vault-transfers/{vault_transfer_id}/decision"): {"confirm": False},
    }  # fmt: skip


def _standing_and_cheques(root: Any, account: Any) -> tuple[dict[str, Any], Bodies]:
    at, start = clock.now(), dt.date(2099, 1, 1)
    payee = AccountFactory()
    terms = Terms("fixed", "FREQ=MONTHLY", start, amount=100)
    instruction = services.instruction_create(
        acting_user=root, source=account.number, destination=payee.number, terms=terms, at=at
    )
    cheque, _ = services.cheque_deposit(
        asked=_asked(root, "cheque"), account=account.number, amount=Money(100, "KES"),
        drawn=Drawn("KCBLKENX", "1100", "17"), at=at,
    )  # fmt: skip
    services.cheque_book_issue(acting_user=root, account=account.number, leaves=5, issued_on=at.date())
    services.terminal_create(
        acting_user=None, code="ATM-1", name="Hall", channel="atm", currency="KES", amount_max=100_00, hold_minutes=30
    )
    authorisation, _ = services.authorisation_place(
        asked=_asked(root, "atm"), terminal_code="ATM-1", account=account.number, amount=Money(100, "KES"),
        reference="R1", at=at,
    )  # fmt: skip
    ids = {"instruction_id": instruction.pk, "cheque_id": cheque.pk, "authorisation_id": authorisation.pk}
    one = "standing-instructions/{instruction_id}"
    return ids, {
        ("POST", "standing-instructions"): {
            "source_account": account.number, "destination_account": payee.number, "kind": "fixed", "amount": KES,
            "rule": "FREQ=MONTHLY;BYMONTHDAY=31", "starts_on": str(start), "description": "Rent", "retries": 1,
            "total_max": KES, "convention": "preceding",
        },
        ("PATCH", one): {"amount": KES, "description": "Rent", "ends_on": "2100-01-01", "retries": 2},
        ("POST", one + "/pause"): {"reason": "Away"},
        ("POST", one + "/cancellation"): {"reason": "Moved out"},
        ("POST", "cheque-deposits"): {
            "account": account.number, "amount": KES, "drawer_bank": "KCBLKENX", "drawer_account": "1100",
            "number": "18", "drawer_name": "Duka Moja Ltd",
        },
        ("POST", "cheque-deposits/{cheque_id}/return"): {"reason": "Refer to drawer"},
        ("POST", "cheque-books"): {"account": account.number, "leaves": 5},
        ("POST", "cheque-stops"): {"account": account.number, "first_number": 4, "last_number": 5, "reason": "Lost"},
        ("POST", "cheque-payments"): {"account": account.number, "number": 1, "amount": KES, "payee": "Jane"},
        ("POST", "terminals"): {
            "code": "POS-1", "name": "Shop", "channel": "card", "currency": "KES", "amount_max": KES,
            "hold_minutes": 30,
        },
        ("POST", "authorisations"): {
            "terminal": "ATM-1", "account": account.number, "amount": KES, "reference": "R2",
        },
        ("POST", "authorisations/{authorisation_id}/capture"): {"amount": KES},
    }  # fmt: skip
