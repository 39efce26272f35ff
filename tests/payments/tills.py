"""A branch with a till, its teller and its supervisor, and the words in which tests speak to the counter."""

from __future__ import annotations

import uuid
from typing import Any

from apps.accounts.models import Account
from apps.payments.models import Till
from apps.payments.services import till_create
from tests.conftest import ApiClient
from tests.factories.accounts import AccountFactory
from tests.factories.books import currency_ready, gl_account_ready
from tests.factories.identity import BranchFactory, user_make
from tests.payments.conftest import key_headers

TELLER = ("accounts.view", "payments.view_tills", "payments.till", "payments.deposit", "payments.withdraw")
SUPERVISOR = ("payments.view_tills", "payments.supervise_tills", "payments.manage_tills")
CODES = ("1110", "1120", "4340", "5720")


def kes(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "KES"}


def pieces(**notes: int) -> list[dict[str, Any]]:
    """`pieces(n1000=2, n50=1)`: two notes of 1,000 and one of 50."""
    return [{"value": kes(f"{name[1:]}.00"), "pieces": number} for name, number in notes.items()]


class Counter:
    """One till at a new branch; the vault holds nothing until `vault(...)` puts something there."""

    def __init__(self, *, tolerance: int = 0) -> None:
        currency_ready("KES")
        for code in CODES:
            gl_account_ready(code)
        self.branch = BranchFactory(code=f"C{uuid.uuid4().hex[:9].upper()}")  # of its own where tests commit
        self.teller = self.user(*TELLER)
        self.supervisor = self.user(*SUPERVISOR)
        self.till: Till = till_create(
            acting_user=None,
            branch_code=self.branch.code,
            number=1,
            name=f"Till 1, {self.branch.name}",
            currency="KES",
            holding_limit=50_000_00,
            transaction_limit=20_000_00,
            tolerance=tolerance,
        )
        self.account: Account = AccountFactory(branch=self.branch)
        self.session: dict[str, Any] = {}

    def user(self, *permissions: str) -> ApiClient:
        """Somebody of the branch with these permissions, signed in."""
        email = f"{uuid.uuid4().hex}@example.com"
        return ApiClient(user_make(*permissions, scope="branch", branch=self.branch, email=email))

    def open(self, count: list[dict[str, Any]] | None = None, client: ApiClient | None = None) -> Any:
        body = {"till_id": str(self.till.pk), "count": count or []}
        response = (client or self.teller).post("till-sessions", body)
        if response.status_code == 201:
            self.session = response.json()
        return response

    def at(self, path: str = "") -> str:
        return f"till-sessions/{self.session['id']}{path}"

    def cash(
        self, kind: str, amount: str, /, *, client: ApiClient | None = None, key: str | None = None, **body: Any
    ) -> Any:
        body = {"account": self.account.number, "amount": kes(amount), **body}
        return (client or self.teller).post(self.at(f"/{kind}"), body, headers=key_headers(key))

    def post(self, client: ApiClient, path: str, body: Any = None) -> Any:
        """Post to a record of the till, under the version that it has now."""
        record = path.rsplit("/", 1)[0]
        return client.post(path, body, headers={"If-Match": client.get(record)["ETag"]})

    def count(self, count: list[dict[str, Any]], **body: Any) -> Any:
        return self.post(self.teller, self.at("/count"), {"count": count, **body})

    def vault(self, direction: str, amount: str, **body: Any) -> Any:
        return self.teller.post(self.at("/vault-transfers"), {"direction": direction, "amount": kes(amount), **body})

    def decide(self, transfer: Any, *, confirm: bool = True, client: ApiClient | None = None) -> Any:
        path = f"vault-transfers/{transfer.json()['id']}/decision"
        return self.post(client or self.supervisor, path, {"confirm": confirm})

    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = self.supervisor.get(self.at("/report")).json()
        return found
