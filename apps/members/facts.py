"""What may be said of a member: texts cleaned, phone, country and dates checked, fields that fit the kind."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import EmailValidator

from apps.core.countries import COUNTRIES
from apps.core.errors import ValidationFailed
from apps.core.text import text_clean, text_key
from apps.identity.models import Branch
from apps.identity.selectors import branches_visible_to
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
    "national_id": 40,
    "tax_id": 40,
}
_IDENTIFIERS = frozenset({"registration_number", "email", "phone", "country", "national_id", "tax_id"})
_FOREIGN = {
    "person": ("business_name", "registration_number"),
    "business": ("first_name", "last_name", "date_of_birth", "national_id"),
}
_REQUIRED = {"person": ("first_name", "last_name"), "business": ("business_name",)}
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_PHONE_SEPARATORS = re.compile(r"[\s\-./()]")


def facts_check(
    *, kind: str, facts: Mapping[str, Any], today: dt.date, present: Member | None = None
) -> dict[str, Any]:
    """The given facts as they are stored; `present` is the member to be changed, if there is one.

    Raises `InvalidText` for texts with hidden characters, `ValidationFailed` naming every other fault.
    """
    unknown = facts.keys() - {*_LENGTHS, "date_of_birth"}
    if unknown:
        raise TypeError(f"members have no {', '.join(sorted(unknown))}")
    clean: dict[str, Any] = {
        name: text_clean(value, max_length=_LENGTHS[name], identifier=name in _IDENTIFIERS, pointer=f"/{name}")
        if name in _LENGTHS
        else value
        for name, value in facts.items()
    }
    faults = {name: ("not-for-this-kind", f"Not for a {kind}.") for name in _FOREIGN[kind] if clean.get(name)}
    for name in _REQUIRED[kind]:
        if not clean.get(name, getattr(present, name, "")):
            faults[name] = ("required", f"Required for a {kind}.")
    for name, check in (("email", _email), ("phone", phone_normal), ("country", _country)):
        if clean.get(name):
            try:
                clean[name] = check(clean[name])
            except ValueError as error:
                faults[name] = ("invalid", str(error))
    born = clean.get("date_of_birth")
    if born is not None and not (born <= today and today.year - born.year <= AGE_MAX_YEARS):
        faults["date_of_birth"] = ("out-of-range", f"Not in the future, and at most {AGE_MAX_YEARS} years ago.")
    if faults:
        found = [{"pointer": f"/{name}", "code": code, "detail": text} for name, (code, text) in faults.items()]
        raise ValidationFailed(found)
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
    branches = branches_visible_to(acting_user) if acting_user is not None else Branch.objects.all()
    branch = branches.filter(pk=branch_id, is_active=True).first()
    if branch is None:
        raise BranchNotUsable("No such branch, or not one of yours.", pointer="/branch_id")
    return branch
