"""Tills: setting them up and changing their limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from apps.audit.services import record
from apps.balances.selectors import balance_read
from apps.balances.services import internal_account_id
from apps.core.api.etag import version_check
from apps.core.errors import Conflict, NotFound
from apps.core.money import Money
from apps.identity.models import Branch
from apps.identity.selectors import branches_visible_to
from apps.ledger.errors import BranchUnknown
from apps.payments.errors import TillInUse, TillNumberTaken
from apps.payments.locks import till_lock
from apps.payments.models import Till, TillSession
from apps.payments.selectors import till_get_for

if TYPE_CHECKING:
    from apps.identity.models import User

CASH_AT_TILLS, CASH_IN_VAULT = "1120", "1110"
CHANGEABLE = ("name", "holding_limit", "transaction_limit", "tolerance", "is_active")


def till_facts(till: Till) -> dict[str, Any]:
    """What the audit trail keeps of a till; amounts in minor units."""
    names = ("number", "name", "currency", "holding_limit", "transaction_limit", "tolerance", "is_active")
    return {**{name: getattr(till, name) for name in names}, "branch": str(till.branch_id)}


@transaction.atomic
def till_create(
    *,
    acting_user: User | None,
    branch_code: str,
    number: int,
    name: str,
    holding_limit: int,
    transaction_limit: int,
    tolerance: int = 0,
    currency: str | None = None,
) -> Till:
    """Set a till up with a ledger account of its own; limits and tolerance in minor units of `currency`.

    Raises `BranchUnknown` for a branch out of reach, `TillNumberTaken`, `CurrencyNotKept`.
    """
    known = Branch.objects.all() if acting_user is None else branches_visible_to(acting_user)
    branch = known.filter(code=branch_code).first()
    if branch is None:
        raise BranchUnknown(f"There is no branch {branch_code[:20]}.", pointer="/branch")
    money = currency or settings.NUMINA["BASE_CURRENCY"]
    if Till.objects.filter(branch=branch, number=number).exists():
        raise TillNumberTaken(f"The branch has a till {number}.", pointer="/number")
    ledger_id = internal_account_id(
        gl_code=CASH_AT_TILLS, branch_id=branch.pk, branch_code=branch.code, currency=money, stripe=number
    )
    try:
        with transaction.atomic():
            till = Till.objects.create(
                branch=branch,
                number=number,
                name=name,
                currency=money,
                ledger_account_id=ledger_id,
                holding_limit=holding_limit,
                transaction_limit=transaction_limit,
                tolerance=tolerance,
            )
    except IntegrityError as error:
        raise TillNumberTaken(f"The branch has a till {number}.", pointer="/number") from error
    record(action="payments.till.created", acting_user=acting_user, target=till, after=till_facts(till))
    return till


@transaction.atomic
def till_update(*, acting_user: User, till_id: UUID, expected_version: int, changes: dict[str, Any]) -> Till:
    """Change a till's name, limits or tolerance, or take it out of use. Raises `NotFound`, `PreconditionFailed`, and
    `TillInUse` and `Conflict` for taking one out of use at which somebody works, or that holds cash."""
    till_get_for(user=acting_user, pk=till_id)
    till = till_lock(pk=till_id)
    if till is None:
        raise NotFound("No such till.")
    version_check(current=till.version, expected=expected_version)
    if till.is_active and changes.get("is_active") is False:
        _empty_check(till)
    before = till_facts(till)
    for name in CHANGEABLE:
        if name in changes:
            setattr(till, name, changes[name])
    till.version += 1
    till.save()
    record(action="payments.till.changed", acting_user=acting_user, target=till, before=before, after=till_facts(till))
    return till


def _empty_check(till: Till) -> None:
    """A till that is out of use is on no list: nothing may be left in it."""
    if till.sessions.exclude(status=TillSession.Status.CLOSED).exists():
        raise TillInUse("Somebody works at the till.", pointer="/is_active")
    cash = -balance_read(account_id=till.ledger_account_id).booked
    if cash:
        raise Conflict(f"By the books the till holds {Money(cash, till.currency)}.", pointer="/is_active")
