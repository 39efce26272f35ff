"""Flags are raised and decided; requests about personal data are made, decided and carried out."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from apps.accounts.models import Account
from apps.audit.services import record
from apps.compliance import locks
from apps.compliance.errors import (
    FlagDecided,
    HeldByLaw,
    OwnRequest,
    RequestDecided,
    RequestOpen,
    StillInBusiness,
)
from apps.compliance.models import Flag, LegalHold, PrivacyRequest, RetainedIdentity
from apps.compliance.retention import certificate_of
from apps.compliance.rules import RULES, Window, subjects_of
from apps.compliance.selectors import hold_exists
from apps.core.api.etag import version_check
from apps.core.errors import NotFound
from apps.identity.services import user_pseudonymise
from apps.members.erasure import member_identity, member_pseudonymise

if TYPE_CHECKING:
    from apps.identity.models import User
    from apps.members.models import Member


def flags_raise(*, since: dt.datetime, until: dt.datetime) -> int:
    """Look at a window with every rule; how many new flags there are. The same window twice raises none twice."""
    window = Window(since, until, settings.NUMINA["UNUSUAL"])
    sightings = [sighting for rule in RULES for sighting in rule(window)]
    subjects = subjects_of(sightings)
    made = 0
    for sighting in sightings:
        label, branch_id = subjects.get(sighting.subject_id, (sighting.subject_id, None))
        with transaction.atomic():
            flag, new = Flag.objects.get_or_create(
                rule=sighting.rule,
                subject_id=sighting.subject_id,
                day=until.date(),
                defaults={
                    "subject_type": sighting.subject_type,
                    "subject_label": label,
                    "branch_id": branch_id,
                    "detected_at": until,
                    "summary": sighting.summary,
                    "facts": sighting.facts,
                },
            )
            if new:
                made += 1
                record(
                    action="compliance.flag.raised",
                    acting_user=None,
                    kind="security",
                    target=flag,
                    after={"rule": flag.rule, "summary": flag.summary},
                    at=until,
                )
    return made


@transaction.atomic
def flag_decide(
    *, acting_user: User, flag_id: UUID, expected_version: int, outcome: str, comment: str, at: dt.datetime
) -> Flag:
    """Clear a flag, or confirm it. `outcome` is cleared or confirmed. Raises NotFound, PreconditionFailed, FlagDecided,
    OwnRequest for a flag about oneself."""
    flag = locks.flag_lock(pk=flag_id)
    if flag is None:
        raise NotFound("No such flag.")
    version_check(current=flag.version, expected=expected_version)
    if flag.status != Flag.Status.OPEN:
        raise FlagDecided("The flag has been decided.")
    if flag.subject_id == str(acting_user.pk):
        raise OwnRequest("The flag is about you.")
    flag.status, flag.comment = outcome, comment
    flag.decided_by, flag.decided_at = acting_user, at
    flag.version += 1
    flag.save()
    record(
        action=f"compliance.flag.{outcome}",
        acting_user=acting_user,
        kind="security",
        target=flag,
        before={"status": "open"},
        after={"status": outcome},
        reason=comment,
        at=at,
    )
    return flag


@transaction.atomic
def request_make(*, acting_user: User, member: Member, kind: str, reason: str, at: dt.datetime) -> PrivacyRequest:
    """Ask for a member's data or its erasure. An export is ready at once. Raises RequestOpen."""
    request = PrivacyRequest(member=member, kind=kind, reason=reason, requested_by=acting_user, created_at=at)
    if kind == PrivacyRequest.Kind.EXPORT:
        request.status, request.decided_at = PrivacyRequest.Status.DONE, at
    try:
        with transaction.atomic():
            request.save(force_insert=True)
    except IntegrityError as error:
        raise RequestOpen("The member has an open request.") from error
    record(
        action=f"compliance.{kind}.requested",
        acting_user=acting_user,
        kind="security",
        object_type="members.member",
        object_id=str(member.pk),
        object_label=member.number,
        reason=reason,
        at=at,
    )
    return request


@transaction.atomic
def erasure_decide(
    *,
    acting_user: User,
    request_id: UUID,
    expected_version: int,
    approve: bool,
    note: str,
    today: dt.date,
    at: dt.datetime,
) -> PrivacyRequest:
    """Carry out an erasure, or refuse it with a reason.

    Raises NotFound, PreconditionFailed, RequestDecided, OwnRequest; and for an approval HeldByLaw and StillInBusiness.
    """
    request = locks.request_lock(pk=request_id)
    if request is None or request.kind != PrivacyRequest.Kind.ERASURE:
        raise NotFound("No such request.")
    version_check(current=request.version, expected=expected_version)
    if request.status != PrivacyRequest.Status.WAITING:
        raise RequestDecided("The request has been decided.")
    if request.requested_by_id == acting_user.pk:
        raise OwnRequest("You asked for it yourself.")
    request.status = PrivacyRequest.Status.DONE if approve else PrivacyRequest.Status.REFUSED
    if approve:
        request.certificate = _erase(request, acting_user, today, at)
    request.decided_by, request.decided_at, request.note = acting_user, at, note
    request.version += 1
    request.save()
    record(
        action=f"compliance.erasure.{'done' if approve else 'refused'}",
        acting_user=acting_user,
        kind="security",
        object_type="members.member",
        object_id=str(request.member_id),
        object_label=request.member.number,
        reason=note,
        at=at,
    )
    return request


def _erase(request: PrivacyRequest, acting_user: User, today: dt.date, at: dt.datetime) -> dict[str, Any]:
    member = request.member
    if hold_exists(member_id=member.pk):
        raise HeldByLaw("A legal hold lies on the member; lift it first.")
    if Account.objects.filter(member=member).exclude(status=Account.Status.CLOSED).exists():
        raise StillInBusiness("Close the member's accounts first.")
    last = max(
        [day for day in Account.objects.filter(member=member).values_list("closed_on", flat=True) if day],
        default=member.joined_on,
    )
    keep_until = _years_after(last, settings.NUMINA["RETENTION_YEARS"])
    if keep_until > today:
        RetainedIdentity.objects.create(
            member=member, identity=json.dumps(member_identity(member), ensure_ascii=False), keep_until=keep_until
        )
    user_id = member.user_id
    member_pseudonymise(acting_user=acting_user, member_id=member.pk, today=today, reason="erasure request")
    if user_id is not None:
        user_pseudonymise(acting_user=acting_user, user_id=user_id, at=at, reason="erasure request")
    return certificate_of(request, keep_until=keep_until, has_user=user_id is not None, today=today)


def _years_after(day: dt.date, years: int) -> dt.date:
    """The same day years later; 28 February for a 29th that is none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def identities_forget(*, today: dt.date) -> int:
    """Delete the identities whose years are over; returns how many. From then on nobody can tell who it was."""
    count = 0
    for kept in RetainedIdentity.objects.filter(keep_until__lte=today).select_related("member"):
        if hold_exists(member_id=kept.member_id):
            continue
        with transaction.atomic():
            record(action="compliance.identity.forgotten", acting_user=None, target=kept.member)
            kept.delete()
        count += 1
    return count


@transaction.atomic
def hold_place(*, acting_user: User, member: Member, reason: str) -> LegalHold:
    """Keep everything about a member as it is, until the hold is lifted."""
    hold = LegalHold.objects.create(member=member, reason=reason, placed_by=acting_user)
    record(action="compliance.hold.placed", acting_user=acting_user, target=hold, kind="security", reason=reason)
    return hold


@transaction.atomic
def hold_lift(*, acting_user: User, hold_id: UUID, reason: str, at: dt.datetime) -> LegalHold:
    """End a hold. Raises NotFound when it is not there or has ended."""
    changed = LegalHold.objects.filter(pk=hold_id, lifted_at=None).update(lifted_at=at, lifted_by=acting_user)
    if not changed:
        raise NotFound("No such hold, or it has ended.")
    hold = LegalHold.objects.get(pk=hold_id)
    record(action="compliance.hold.lifted", acting_user=acting_user, target=hold, kind="security", reason=reason, at=at)
    return hold
