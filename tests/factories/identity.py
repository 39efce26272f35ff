"""Users, roles and branches for tests."""

from __future__ import annotations

import uuid
from typing import Any

import factory
from factory.django import DjangoModelFactory

from apps.identity.models import Branch, Role, User, UserRole

PASSWORD = "correct-horse-battery"


class BranchFactory(DjangoModelFactory):
    class Meta:
        model = Branch

    code = factory.Sequence(lambda n: f"T{n:05d}")
    name = factory.Sequence(lambda n: f"Branch {n}")
    time_zone = "Africa/Nairobi"


class RoleFactory(DjangoModelFactory):
    """A staff role over the whole bank, without permissions unless some are given."""

    class Meta:
        model = Role

    code = factory.LazyFunction(lambda: f"role-{uuid.uuid4().hex[:16]}")  # unique also in a database that is kept
    name = factory.Sequence(lambda n: f"Role {n}")
    scope = "all"
    permissions = factory.LazyFunction(list)


class UserFactory(DjangoModelFactory):
    """An active user; `roles=[...]` gives roles, `password=` another password than PASSWORD."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"user{n}@example.com")
    full_name = factory.Sequence(lambda n: f"User {n}")
    branch = None

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **kwargs: Any) -> User:
        return model_class.objects.create_user(kwargs.pop("email"), kwargs.pop("password", PASSWORD), **kwargs)

    @factory.post_generation
    def roles(self: User, create: bool, extracted: list[Role] | None, **_: Any) -> None:
        for role in extracted or []:
            UserRole.objects.create(user=self, role=role)


def user_make(
    *permissions: str, scope: str = "all", branch: Branch | None = None, is_staff: bool = True, **fields: Any
) -> User:
    """A user who holds exactly these permission codes, by a role made for the purpose."""
    role = RoleFactory(permissions=list(permissions), scope=scope)
    return UserFactory(roles=[role], branch=branch, is_staff=is_staff, **fields)
