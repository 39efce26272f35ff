"""Questions asked in the middle of an act: was a second factor shown lately, may this role move this much?"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from apps.identity.errors import AmountLimitExceeded, MfaStepUpRequired
from apps.identity.limits import AmountRule, amount_plain, amount_rules
from apps.identity.models import Session, User
from apps.identity.principals import principal_forget


class StaffStepUp(Exception):
    """On the staff site: to the page that asks for the second factor, and back. The gate does that; no page catches it
    as one of the faults that it shows."""


def step_up_check(user: User, *, at: datetime) -> None:
    """Raise MfaStepUpRequired unless the user showed a second factor (or, without one, the password) lately.

    Lately is NUMINA["STEP_UP_SECONDS"]. Machines have keys instead of factors, so they are not asked; a user whom no
    session brought (a command, a task) is not asked either. On the staff site StaffStepUp is raised instead.
    """
    if _fresh(user.verified_at, at):
        return
    if user.on_staff_site:
        raise StaffStepUp
    if user.session_id is None:
        return
    # Another process may have seen it: what is known here is up to five seconds old.
    verified_at = Session.objects.filter(pk=user.session_id).values_list("verified_at", flat=True).first()
    if not _fresh(verified_at, at):
        raise MfaStepUpRequired
    user.verified_at = verified_at
    principal_forget(user.pk)


def enrolment_check(user: User, *, at: datetime) -> None:
    """As `step_up_check`, for who sets up a second factor: the first one right after signing in needs nothing more."""
    if user.mfa_enabled_at is None and user.session_id is not None:
        began = Session.objects.filter(pk=user.session_id).values_list("created_at", flat=True).first()
        if _fresh(began, at):
            return
    step_up_check(user, at=at)


def amount_rule(user: User, permission: str, currency: str, *, at: datetime) -> AmountRule | None:
    """The limit of a user for one permission and currency; None where there is none.

    Of several roles that hold the permission the widest counts; a role without a limit in force has none. A superuser
    has none.
    """
    rules = amount_rules(at)
    if not rules or user.is_superuser:
        return None
    found = [
        rules.get((code, permission, currency)) for code, _, permissions in user.role_facts if permission in permissions
    ]
    held = [rule for rule in found if rule is not None]
    if not held or len(held) < len(found):
        return None
    return AmountRule(_widest([rule.amount_max for rule in held]), _widest([rule.step_up_above for rule in held]))


def amount_check(user: User, permission: str, minor: int, currency: str, *, at: datetime) -> None:
    """Raise AmountLimitExceeded when no role of the user may move that much, MfaStepUpRequired when it needs one.

    `minor` is in minor units of `currency`.
    """
    rule = amount_rule(user, permission, currency, at=at)
    if rule is None:
        return
    if rule.amount_max is not None and minor > rule.amount_max:
        limit = {"amount": amount_plain(rule.amount_max, currency=currency), "currency": currency}
        raise AmountLimitExceeded(permission=permission, limit=limit)
    if rule.step_up_above is not None and minor > rule.step_up_above:
        step_up_check(user, at=at)


def _widest(values: list[int | None]) -> int | None:
    return None if None in values else max(value for value in values if value is not None)


def _fresh(verified_at: datetime | None, at: datetime) -> bool:
    return verified_at is not None and at - verified_at <= timedelta(seconds=settings.NUMINA["STEP_UP_SECONDS"])


__all__ = ["AmountRule", "StaffStepUp", "amount_check", "amount_rule", "step_up_check"]
