"""Members for tests, made by the service that makes real ones."""

from __future__ import annotations

from typing import Any

import factory
from factory.django import DjangoModelFactory

from apps.ledger.selectors import business_date_current
from apps.members.models import Member
from apps.members.services import member_create
from tests.factories.identity import BranchFactory


class MemberFactory(DjangoModelFactory):
    """A person at a new branch; `branch=`, `user=`, `kind="business", business_name=` and any fact change that."""

    class Meta:
        model = Member

    kind = "person"
    branch = factory.SubFactory(BranchFactory)

    @classmethod
    def _create(cls, model_class: type[Member], *args: Any, **kwargs: Any) -> Member:
        user = kwargs.pop("user", None)
        if kwargs["kind"] == "person":
            kwargs = {"first_name": "Alice", "last_name": "Wanjiku", **kwargs}
        else:
            kwargs = {"business_name": "Duka Moja Ltd", **kwargs}
        kwargs.setdefault("joined_on", business_date_current())
        return member_create(
            acting_user=kwargs.pop("acting_user", None),
            branch_id=kwargs.pop("branch").pk,
            user_id=user.pk if user is not None else None,
            **kwargs,
        )
