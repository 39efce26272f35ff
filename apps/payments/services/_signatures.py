"""The mandate of an account, where money leaves it: enough signatories must have signed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from apps.accounts.selectors import AccountRef, Authority, authority_of
from apps.core.money import Money
from apps.ledger.selectors import business_date_current
from apps.payments.errors import SignatoryUnknown, SignaturesMissing
from apps.payments.models import Signature
from apps.payments.selectors import mandated_accounts

if TYPE_CHECKING:
    from apps.identity.models import User


def authority_needed(*, user: User, ref: AccountRef, amount: Money | None) -> Authority | None:
    """What the mandate asks for an amount; None where one signature is enough. An amount None is without bounds."""
    if ref.account_id not in mandated_accounts(user=user, refs=[ref]):
        return None
    minor = amount.minor if amount is not None else None
    authority = authority_of(account_id=ref.account_id, amount=minor, on=business_date_current())
    return authority if authority.needed > 1 else None


def signatures_check(
    *, user: User, ref: AccountRef, amount: Money | None, signed_by: Iterable[UUID] = (), pointer: str = "/signed_by"
) -> frozenset[UUID]:
    """The members who signed: those named, and the user who acts as a member.

    Raises `SignaturesMissing` when they are fewer than the mandate asks for, `SignatoryUnknown` for a member who does
    not sign for the account. Without a mandate that asks for more than one, those named are not looked at.
    """
    authority = authority_needed(user=user, ref=ref, amount=amount)
    if authority is None:
        return frozenset()
    signed = frozenset(signed_by)
    known = {one.member_id: one for one in authority.signatories}
    if not signed <= known.keys():
        raise SignatoryUnknown("A member named does not sign for this account.", pointer=pointer)
    if user.scope == "own":  # whoever works for the bank acts for it here, not as a member
        signed |= {one.member_id for one in authority.signatories if one.user_id == user.pk}
    if len(signed) < authority.needed:
        missing = SignaturesMissing(
            f"{authority.needed} of the signatories must sign for this amount; {len(signed)} did.", pointer=pointer
        )
        missing.extra["needed"] = authority.needed
        missing.extra["signed"] = sorted(str(one) for one in signed)
        raise missing
    return signed


def signatures_keep(*, user: User, ref: AccountRef, transaction_id: UUID, members: Iterable[UUID]) -> None:
    """Write down who signed; once for each payment and member, however often it is sent."""
    rows = [
        Signature(account_id=ref.account_id, transaction_id=transaction_id, member_id=member, recorded_by=user)
        for member in sorted(members)
    ]
    if rows:
        Signature.objects.bulk_create(rows, ignore_conflicts=True)
