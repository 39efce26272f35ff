"""What the owners of an account hear: that it is blocked, or free again. Why is the bank's own affair, and of a freeze
nobody is told: the law may forbid it."""

from __future__ import annotations

from dataclasses import dataclass

from apps.accounts.models import Account, AccountHolder
from apps.core.notices import Kind, Phrase, Texts, kind_register, notify


@dataclass(frozen=True)
class AccountStands:
    """An account and how it stands."""

    account: str
    stands: Phrase


STANDS = {
    Account.Status.ACTIVE: Phrase("open for payments"),
    Account.Status.DEBIT_BLOCKED: Phrase("blocked for payments out"),
    Account.Status.CREDIT_BLOCKED: Phrase("blocked for payments in"),
    Account.Status.DORMANT: Phrase("dormant"),
}
STATUS = kind_register(
    Kind(
        "accounts.status",
        "An account is blocked or free again",
        AccountStands("010000000017", STANDS[Account.Status.DEBIT_BLOCKED]),
        {
            "en": Texts(
                "Account {account}: {stands}",
                "Your account {account} is now {stands}.\n\nAsk your branch if you did not expect this.",
            )
        },
    )
)


def status_tell(account: Account, *, before: str) -> None:
    """Tell the owner and joint owners who sign in that the status is another than `before`, as part of the running
    transaction."""
    if account.status == before or Account.Status.FROZEN in (account.status, before):
        return
    joint = AccountHolder.objects.filter(account=account, role=AccountHolder.Role.JOINT, until=None)
    found = [account.member.user_id, *joint.values_list("member__user_id", flat=True)]
    people = {user_id for user_id in found if user_id is not None}
    if people:
        context = AccountStands(account.number, STANDS[Account.Status(account.status)])
        notify(STATUS, recipients=people, context=context, at=account.updated_at, key=f"{account.pk} {account.version}")
