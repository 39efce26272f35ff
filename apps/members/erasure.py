"""A member without a face: what the bank may not keep goes, what it must keep is out of sight."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction

from apps.audit.services import record
from apps.core.errors import NotFound
from apps.core.trail import history_stamp
from apps.members import locks
from apps.members.models import Member
from apps.members.search import search_text_of

if TYPE_CHECKING:
    from apps.identity.models import User

IDENTITY = (
    "first_name",
    "last_name",
    "business_name",
    "registration_number",
    "date_of_birth",
    "national_id",
    "tax_id",
)
"""Who it was. The law has a bank keep this for years after the last business."""
CONTACT = ("email", "phone", "address", "city")
"""How to reach them. Of no use once the business has ended."""
PSEUDONYM = "Erased"


def member_identity(member: Member) -> dict[str, Any]:
    """The facts of IDENTITY, for whoever must keep them elsewhere."""
    values = {name: getattr(member, name) for name in IDENTITY}
    born = values["date_of_birth"]
    return {**values, "date_of_birth": born.isoformat() if born else None}


@transaction.atomic
def member_pseudonymise(*, acting_user: User | None, member_id: UUID, today: dt.date, reason: str) -> Member:
    """Put the member's number in place of the name, empty every other fact, in the record and in its history.

    The member has left from then on. Journal and trail know the number only, or keep what they must. Raises NotFound.
    """
    member = locks.member_lock(pk=member_id)
    if member is None:
        raise NotFound("No such member.")
    emptied: dict[str, Any] = dict.fromkeys((*IDENTITY, *CONTACT), "")
    emptied["date_of_birth"] = None
    named = {"business_name": f"{PSEUDONYM} {member.number}"}
    if member.kind == Member.Kind.PERSON:
        named = {"first_name": PSEUDONYM, "last_name": member.number}
    emptied |= named
    for name, value in emptied.items():
        setattr(member, name, value)
    member.status, member.exited_on = Member.Status.EXITED, member.exited_on or today
    member.version += 1
    member.search_text = search_text_of(
        number=member.number, names=list(named.values()), email="", registration_number=""
    )
    history_stamp(member, acting_user=acting_user, reason=reason)
    member.save()
    member.history.update(**emptied)
    record(action="members.member.pseudonymised", acting_user=acting_user, target=member, reason=reason)
    return member
