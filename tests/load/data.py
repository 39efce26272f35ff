"""Data for the load plans: clients with tokens, and funded accounts, half of them of the engine; as files.

    make manage ARGS='shell --command "from tests.load.data import make; make()"'

writes accounts.csv (number,id), token.txt and tokens.txt (one a line, each of another user) into `load` below the home
of the copy; the plans read them from there. Each call makes new ones; tokens live as long as the bank's access tokens.
"""

from __future__ import annotations

import uuid
from pathlib import Path

from apps.accounts.models import AccountProduct
from apps.balances.services import account_reassign, internal_account_id, postings_post
from apps.identity.models import Branch
from apps.identity.services import token_pair_issue
from apps.ledger.selectors import business_date_current
from apps.members.services import member_create
from config.runtime.home import home_path
from tests.factories.identity import user_make
from tests.load.bank import PERMISSIONS, account_new, funding

ACCOUNTS = 200
CLIENTS = 20


def make(accounts: int = ACCOUNTS, clients: int = CLIENTS, folder: Path | None = None) -> Path:
    """Make the accounts and the clients in the database at hand; the folder that the files are in."""
    folder = folder or home_path() / "load"
    folder.mkdir(parents=True, exist_ok=True)
    branch, product = Branch.objects.order_by("code")[0], AccountProduct.objects.get(code="SAV-KES")
    today = business_date_current()
    member = member_create(
        acting_user=None, kind="person", first_name="Load", last_name="Test", branch_id=branch.pk, joined_on=today
    )
    made = [account_new(product.pk, member.pk, branch.pk, today) for _ in range(accounts)]
    cash = internal_account_id(gl_code="1120", branch_id=branch.pk, branch_code=branch.code, currency="KES")
    postings_post([funding(cash, account.ledger_account_id) for account in made], actor_id=None)
    for account in made[::2]:
        account_reassign(account_id=account.ledger_account_id, partition=1, acting_user=None)
    tokens = [_token() for _ in range(clients)]
    lines = "".join(f"{account.number},{account.pk}\n" for account in made)
    (folder / "accounts.csv").write_text("number,id\n" + lines, encoding="utf-8")
    for name, held in (("token.txt", tokens[:1]), ("tokens.txt", tokens)):
        secret = folder / name
        secret.touch(mode=0o600)
        secret.write_text("\n".join(held), encoding="utf-8")
    print(f"{accounts} accounts and {clients} tokens in {folder}")
    return folder


def _token() -> str:
    """An access token of a new client."""
    user = user_make(
        *PERMISSIONS, email=f"load-{uuid.uuid4()}@example.com", scope="all", is_staff=False, plan="unlimited"
    )
    return token_pair_issue(user=user).access
