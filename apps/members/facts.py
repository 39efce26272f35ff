"""What may be said of a member: texts cleaned, phone, country and dates checked, fields that fit the kind."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import EmailValidator

from apps.core.errors import ValidationFailed
from apps.core.text import text_clean, text_key
from apps.identity.models import Branch
from apps.members.countries import COUNTRIES
from apps.members.errors import BranchNotUsable
from apps.members.models import Member

if TYPE_CHECKING:
    from apps.identity.models import User

AGE_MAX_YEARS = 130

_LENGTHS = {
    "first_name": 80,
    "last_name": 80,
    "business_name": 160,
    "registration_number": 40,
    "email": 254,
    "phone": 40,  # as typed, with spaces and brackets
    "address": 200,
    "city": 80,
    "country": 2,
}
_IDENTIFIERS = frozenset({"registration_number", "email", "phone", "country"})
_OF_PERSONS = ("first_name", "last_name", "date_of_birth")
_OF_BUSINESSES = ("business_name", "registration_number")
_REQUIRED = {Member.Kind.PERSON: ("first_name", "last_name"), Member.Kind.BUSINESS: ("business_name",)}
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_PHONE_SEPARATORS = re.compile(r"[\s\-./()]")


def facts_check(
    *, kind: str, facts: Mapping[str, Any], today: dt.date, present: Member | None = None
) -> dict[str, Any]:
    """The given facts as they are stored; `present` is the member to be changed, if there is one.

    Raises `InvalidText` for texts with hidden characters, `ValidationFailed` naming every other fault.
    """
    faults: list[dict[str, str]] = []

    def fault(name: str, code: str, detail: str) -> None:
        faults.append({"pointer": f"/{name}", "code": code, "detail": detail})

    clean: dict[str, Any] = {}
    for name, value in facts.items():
        if name in _LENGTHS:
            clean[name] = text_clean(
                value, max_length=_LENGTHS[name], identifier=name in _IDENTIFIERS, pointer=f"/{name}"
            )
        elif name == "date_of_birth":
            clean[name] = value
        else:
            raise TypeError(f"members have no {name}")
    for name in _OF_BUSINESSES if kind == Member.Kind.PERSON else _OF_PERSONS:
        if clean.get(name):
            fault(name, "not-for-this-kind", f"Not for a {kind}.")
    for name in _REQUIRED[Member.Kind(kind)]:
        if not clean.get(name, getattr(present, name, "")):
            fault(name, "required", f"Required for a {kind}.")
    for name, check in (("email", _email), ("phone", phone_normal), ("country", _country)):
        if clean.get(name):
            try:
                clean[name] = check(clean[name])
            except ValueError as error:
                fault(name, "invalid", str(error))
    born = clean.get("date_of_birth")
    if born is not None and not (born <= today and today.year - born.year <= AGE_MAX_YEARS):
        fault("date_of_birth", "out-of-range", f"Not in the future, and at most {AGE_MAX_YEARS} years ago.")
    if faults:
        raise ValidationFailed(faults)
    return clean


def phone_normal(text: str) -> str:
    """A phone number as E.164 writes it: plus, country code, at most 15 digits. ValueError for anything else.

    Spaces, hyphens, dots, slashes and brackets are dropped; 00 in front counts as plus.
    """
    bare = _PHONE_SEPARATORS.sub("", text)
    if bare.startswith("00"):
        bare = "+" + bare[2:]
    if not _PHONE.fullmatch(bare):
        raise ValueError("Not a phone number with its country code, such as +254 712 345678.")
    return bare


def _email(text: str) -> str:
    address = text_key(text)
    try:
        EmailValidator("Not an e-mail address.")(address)
    except DjangoValidationError as error:
        raise ValueError("Not an e-mail address.") from error
    return address


def _country(text: str) -> str:
    code = text.upper()
    if code not in COUNTRIES:
        raise ValueError("Not a country code of ISO 3166-1, such as KE.")
    return code


def branch_require(*, acting_user: User | None, branch_id: UUID) -> Branch:
    """An active branch within the user's scope; any active one for the system. Raises `BranchNotUsable`."""
    branch = Branch.objects.filter(pk=branch_id, is_active=True).first()
    outside = acting_user is not None and acting_user.scope != "all" and acting_user.branch_id != branch_id
    if branch is None or outside:
        raise BranchNotUsable("No such branch, or not one of yours.", pointer="/branch_id")
    return branch
