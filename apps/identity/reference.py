"""Roles and branches that every installation starts with: fixtures/roles.json, fixtures/branches.json."""

from __future__ import annotations

from typing import Any

from django.db import models, transaction

from apps.core.reference import LoadReport, rows_insert_missing
from apps.core.trail import trail_record
from apps.identity.limits import limits_forget
from apps.identity.models import AmountLimit, Branch, RateLimit, Role
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


@transaction.atomic
def rate_limits_load(rows: list[dict[str, Any]]) -> LoadReport:
    """Insert the rate limits whose operation, role and plan have none yet."""
    return _limits_load(RateLimit, rows, ("operation", "role", "plan"))


@transaction.atomic
def amount_limits_load(rows: list[dict[str, Any]]) -> LoadReport:
    """Insert the limits by amount whose role, permission and currency have none yet. Amounts are minor units."""
    unknown = permissions_unknown(row["permission"] for row in rows)
    if unknown:
        raise ValueError(f"limits name unknown permissions: {', '.join(unknown)}")
    return _limits_load(AmountLimit, rows, ("role", "permission", "currency"))


def _limits_load(model: Any, rows: list[dict[str, Any]], names: tuple[str, ...]) -> LoadReport:
    """Limits have no code: they are told apart by what they apply to. What staff set stays, and is not compared."""
    report = LoadReport()
    roles = {role.code: role for role in Role.objects.all()}
    for row in rows:
        values = {**row, **({"role": roles[row["role"]]} if row.get("role") else {})}
        about = {name: values.get(name) or (None if name == "role" else "") for name in names}
        label = " ".join(str(row.get(name) or "any") for name in names)
        if model.objects.filter(**about).exists():
            report.present += 1
            continue
        limit = model(**values)
        limit.full_clean()
        limit.save(force_insert=True)
        trail_record(
            action=f"identity.{model._meta.model_name}.created",
            acting_user=None,
            target=limit,
            after=row,
            reason="reference data",
        )
        report.added.append(label)
    limits_forget()
    return report


def _recorded(action: str) -> Any:
    def record(instance: models.Model) -> None:
        trail_record(action=action, acting_user=None, target=instance, reason="reference data")

    return record
