"""Reports that users define: written, changed by versions, shared, taken away."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F

from apps.audit.services import record
from apps.core.errors import NotFound, PreconditionFailed
from apps.identity.models import Role
from apps.reporting.definitions import spec_check
from apps.reporting.models import ReportDefinition, ReportDefinitionVersion

if TYPE_CHECKING:
    from apps.identity.models import User


@transaction.atomic
def definition_create(
    *, acting_user: User, title: str, dataset: str, spec: dict[str, Any], role_code: str, at: dt.datetime
) -> ReportDefinition:
    """Keep a report definition. Shared with the holders of a role, who run it with their own reach and permissions.

    Raises `DefinitionNotValid`, and `NotFound` for an unknown role.
    """
    spec_check(dataset=dataset, spec=spec, user=acting_user)
    definition = ReportDefinition.objects.create(
        title=title, dataset=dataset, spec=spec, owner=acting_user, shared_with=_role(role_code), created_at=at
    )
    _version_keep(definition, acting_user, at)
    record(
        action="reporting.definition.created", acting_user=acting_user, target=definition,
        after={"title": title, "dataset": dataset, "shared_with": role_code}, at=at,
    )  # fmt: skip
    return definition


@transaction.atomic
def definition_change(
    *,
    acting_user: User,
    definition: ReportDefinition,
    title: str,
    spec: dict[str, Any],
    role_code: str,
    version: int,
    at: dt.datetime,
) -> ReportDefinition:
    """Write the next version. Raises `DefinitionNotValid`, `NotFound`, and `PreconditionFailed` for a stale version."""
    spec_check(dataset=definition.dataset, spec=spec, user=acting_user)
    changed = ReportDefinition.objects.filter(pk=definition.pk, version=version).update(
        title=title, spec=spec, shared_with=_role(role_code), number=F("number") + 1, version=F("version") + 1,
        updated_at=at,
    )  # fmt: skip
    if not changed:
        raise PreconditionFailed
    definition.refresh_from_db()
    _version_keep(definition, acting_user, at)
    record(
        action="reporting.definition.changed", acting_user=acting_user, target=definition,
        after={"title": title, "number": definition.number, "shared_with": role_code}, at=at,
    )  # fmt: skip
    return definition


@transaction.atomic
def definition_retire(*, acting_user: User, definition: ReportDefinition, at: dt.datetime) -> None:
    """Take it away from the lists. What was drawn up by it stays, and so do its versions."""
    ReportDefinition.objects.filter(pk=definition.pk).update(is_active=False, updated_at=at, version=F("version") + 1)
    record(action="reporting.definition.retired", acting_user=acting_user, target=definition, at=at)


def definition_exported(*, acting_user: User, definition: ReportDefinition, form: str, at: dt.datetime) -> None:
    """Note who carried the rows away as a file. Callers ask for a step-up first."""
    record(
        action="reporting.definition.exported", acting_user=acting_user, kind="access", target=definition,
        after={"form": form, "dataset": definition.dataset, "number": definition.number}, at=at,
    )  # fmt: skip


def table_exported(*, acting_user: User, code: str, title: str, form: str, at: dt.datetime) -> None:
    """Note who carried the rows of a list of the bank's away as a file. Callers ask for a step-up first."""
    record(
        action="reporting.table.exported", acting_user=acting_user, kind="access", object_type="reporting.table",
        object_id=code, object_label=title, after={"form": form}, at=at,
    )  # fmt: skip


def _version_keep(definition: ReportDefinition, acting_user: User, at: dt.datetime) -> None:
    ReportDefinitionVersion.objects.create(
        definition=definition, number=definition.number, title=definition.title, spec=definition.spec,
        changed_by=acting_user, changed_at=at,
    )  # fmt: skip


def _role(code: str) -> Role | None:
    if not code:
        return None
    role = Role.objects.filter(code=code).first()
    if role is None:
        raise NotFound("There is no such role.", pointer="/shared_with")
    return role
