"""Roles and branches that every installation starts with: fixtures/roles.json, fixtures/branches.json."""

from __future__ import annotations

from typing import Any

from django.db import models, transaction

from apps.core.reference import LoadReport, rows_insert_missing
from apps.core.trail import trail_record
from apps.identity.models import Branch, Role
from apps.identity.permissions import permissions_unknown


@transaction.atomic
def roles_load(rows: list[dict[str, Any]]) -> LoadReport:
    """Insert missing roles. ValueError when one names a permission that is not in the registry."""
    for row in rows:
        unknown = permissions_unknown(row["permissions"])
        if unknown:
            raise ValueError(f"role {row['code']} names unknown permissions: {', '.join(unknown)}")
    return rows_insert_missing(Role, rows, added=_recorded("identity.role.created"))


@transaction.atomic
def branches_load(rows: list[dict[str, Any]]) -> LoadReport:
    """Insert missing branches; parents come before their children in the file."""
    return rows_insert_missing(Branch, rows, references={"parent": "code"}, added=_recorded("identity.branch.created"))


def _recorded(action: str) -> Any:
    def record(instance: models.Model) -> None:
        trail_record(action=action, acting_user=None, target=instance, reason="reference data")

    return record
