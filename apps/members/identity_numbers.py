"""National and tax numbers: encrypted, found by their blind index, shown masked, in full only with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from apps.audit.services import record
from apps.members.errors import IdentityNumberTaken
from apps.members.models import Member
from apps.members.selectors import SEALED, member_get_for
from apps.vault.crypto import blind_indexes

if TYPE_CHECKING:
    from apps.identity.models import User

NUMBERS = ("national_id", "tax_id")


def members_with_number(members: QuerySet[Member], *, number: str) -> QuerySet[Member]:
    """Those of `members` whose national or tax number is this one, however it is spaced."""
    wanted = Q(pk__in=[])
    for name in NUMBERS:
        wanted |= Q(**{f"{name}_index__in": blind_indexes(number, context=f"members.member.{name}")})
    return members.filter(wanted)


def number_require_free(*, member: Member, national_id: str) -> None:
    """Raises IdentityNumberTaken when another member of the same country has this national number."""
    found = blind_indexes(national_id, context="members.member.national_id")
    others = Member.objects.filter(national_id_index__in=found, country=member.country).exclude(pk=member.pk)
    if found and others.exists():
        raise IdentityNumberTaken("Another member has this national number.", pointer="/national_id")


@transaction.atomic
def numbers_reveal(*, acting_user: User, member_id: UUID, reason: str) -> dict[str, str]:
    """The member's numbers and phone in full; who looked and why is recorded. Raises `NotFound`.

    The caller has checked `members.reveal`.
    """
    member = member_get_for(user=acting_user, pk=member_id)
    numbers = {name: getattr(member, name) for name in SEALED}
    record(
        action="members.member.revealed",
        acting_user=acting_user,
        target=member,
        kind="access",
        after={"shown": [name for name, value in numbers.items() if value]},
        reason=reason,
    )
    return numbers
