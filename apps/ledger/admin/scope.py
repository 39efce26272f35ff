"""What part of the books the user of a request may see."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest

from apps.identity.selectors import branches_visible_to


def branches_of(request: HttpRequest) -> list[Any]:
    """The branches whose books the user sees, by code."""
    user: Any = request.user
    branches = list(branches_visible_to(user).order_by("code"))
    if user.scope == "all":
        return branches
    return [branch for branch in branches if branch.pk in user.branch_ids]


def branch_ids_of(request: HttpRequest) -> list[UUID] | None:
    """Ids for the selectors of the ledger: None is the whole bank, an empty list nothing."""
    user: Any = request.user
    if user.scope == "all":
        return None
    return list(user.branch_ids)
