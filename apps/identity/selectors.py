"""Reads of identity, each within the reach of the roles held."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import Prefetch, QuerySet

from apps.core.errors import NotFound
from apps.identity.models import AmountLimit, ApiKey, Branch, RecoveryCode, Role, SecondFactor, Session, User, UserRole
from apps.identity.seals import secret_open

HEAD_OFFICE = "HQ"


def users_visible_to(user: User) -> QuerySet[User]:
    """The users `user` may see: all, those of the own branch, or oneself. Seeing others needs identity.view_users."""
    users = User.objects.select_related("branch").prefetch_related(
        Prefetch("user_roles", UserRole.objects.select_related("role").order_by("role__code"))
    )
    if user.has_permission("identity.view_users"):
        if user.scope == "all":
            return users
        if user.scope == "branch" and user.branch_ids:
            return users.filter(branch_id__in=user.branch_ids)
    return users.filter(pk=user.id)


def user_get_for(*, user: User, pk: UUID) -> User:
    """The one way to a user by id: NotFound when it does not exist or is not visible to `user`."""
    found = users_visible_to(user).filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


def factors_of(user: User) -> QuerySet[SecondFactor]:
    """The user's own second factors, those that wait for their first code among them."""
    return SecondFactor.objects.filter(user_id=user.pk)


def factor_get_for(*, user: User, pk: UUID) -> SecondFactor:
    """One of the user's own second factors; NotFound otherwise."""
    found = factors_of(user).filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


def factor_methods(user: User) -> list[dict[str, str]]:
    """How the user may answer: each confirmed factor, and recovery codes while some are left. No whole address."""
    factors = SecondFactor.objects.filter(user=user, confirmed=True)
    methods = [{"id": str(one.pk), "kind": one.kind, "hint": one.name or address_hint(one.address)} for one in factors]
    if methods and RecoveryCode.objects.filter(user=user, used_at=None).exists():
        methods.append({"id": "", "kind": "recovery", "hint": "Recovery code"})
    return methods


def address_hint(address: str) -> str:
    """What tells a person which phone or mailbox it is, and nobody else much: `+254…89`, `j…@example.com`."""
    if "@" in address:
        return f"{address[:1]}…{address[address.index('@') :]}"
    return f"{address[:4]}…{address[-2:]}" if address else ""


def mfa_required_of(user: User) -> bool:
    """Must this user have a second factor? Staff do where NUMINA["MFA_REQUIRED_FOR_STAFF"] says so."""
    return user.is_staff and bool(settings.NUMINA.get("MFA_REQUIRED_FOR_STAFF", False))


def factor_secret(factor: SecondFactor) -> str:
    """The base32 key of an authenticator app that is not confirmed yet, to draw its QR code again."""
    return "" if factor.confirmed or factor.kind != SecondFactor.Kind.TOTP else factor_app_key(factor)


def factor_app_key(factor: SecondFactor) -> str:
    """The base32 key of an app, whichever way it is kept. Raises ValueError or SealBroken when it is not ours."""
    return factor.app_key or (secret_open(factor.secret) if factor.secret else "")


def sessions_of(user: User, *, at: datetime) -> QuerySet[Session]:
    """The user's own sessions that are alive."""
    return Session.objects.filter(user_id=user.pk, revoked_at=None, expires_at__gt=at)


def api_keys_visible_to(user: User) -> QuerySet[ApiKey]:
    """The keys of the users whom `user` may see. Whether keys may be seen at all is identity.manage_api_keys."""
    return ApiKey.objects.filter(user__in=users_visible_to(user).order_by().values("pk"))


def api_key_get_for(*, user: User, pk: UUID) -> ApiKey:
    """The one way to a key by id: NotFound when it does not exist or is not visible to `user`."""
    found = api_keys_visible_to(user).filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


def branches_visible_to(user: User) -> QuerySet[Branch]:
    """The branches whose things `user` may see: every one, or the own one. Members see those that are open."""
    if user.scope == "all":
        return Branch.objects.all()
    if user.scope == "branch":
        return Branch.objects.filter(pk__in=user.branch_ids)
    return Branch.objects.filter(is_active=True)


def branch_by_code(code: str) -> Branch:
    """The branch with this code; NotFound when there is none."""
    branch = Branch.objects.filter(code=code).first()
    if branch is None:
        raise NotFound("There is no such branch.")
    return branch


def head_office() -> Branch:
    """The branch at the root of the tree; NotFound before reference data was loaded."""
    return branch_by_code(HEAD_OFFICE)


def roles_all() -> QuerySet[Role]:
    """Every role, by code. What roles allow is no secret among those who may see roles."""
    return Role.objects.order_by("code")


def role_get(*, pk: UUID) -> Role:
    """The role with this id; NotFound when there is none."""
    found = Role.objects.filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such role.")
    return found


def amount_limits_all() -> QuerySet[AmountLimit]:
    """Every limit by amount, ended ones too, with its role. No secret among those who may see roles."""
    return AmountLimit.objects.select_related("role")


def user_labels(*, user_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Name and address of users by id, in one query, for pages that know ids only. Unknown ids are left out."""
    rows = User.objects.filter(pk__in=set(user_ids)).values_list("pk", "full_name", "email")
    return {pk: f"{full_name} ({email})" if full_name else email for pk, full_name, email in rows}
