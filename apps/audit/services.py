"""Writing the audit trail. Call `record` in the function and the transaction that does the thing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict, Unpack
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import models

from apps.audit.models import AuditEvent
from apps.audit.redaction import facts_clean, text_safe
from apps.core import clock
from apps.core.context import context_get

ACTION = re.compile(r"[a-z_]+(\.[a-z_]+){1,3}\Z")
BATCH_SIZE = 1_000


class Facts(TypedDict, total=False):
    """What an event may say beside its action and actor."""

    target: models.Model | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    reason: str
    kind: str
    object_type: str
    object_id: str
    object_label: str
    actor_id: UUID | None
    actor_label: str
    at: datetime | None


def record(*, action: str, acting_user: Any = None, **facts: Unpack[Facts]) -> AuditEvent:
    """Append one event in the running transaction and return it.

    `acting_user` None means the system, unless `actor_id` names a user whose row is not at hand (the label is then
    looked up when it is not given). `target` fills the three object fields; give them by hand for things that are
    no rows. `kind` is business (the default), security or access. The correlation id and the address come from the
    request's context. Secret-sounding values in `before` and `after` are replaced.
    Raises ValueError when `action` is not dotted lower-case words or `kind` is unknown.
    """
    event = _event(action=action, acting_user=acting_user, **facts)
    event.save(force_insert=True)
    return event


def record_many(events: list[dict[str, Any]]) -> int:
    """Append many events, each given as the arguments of `record`, in few statements. Returns how many."""
    AuditEvent.objects.bulk_create([_event(**facts) for facts in events], batch_size=BATCH_SIZE)
    return len(events)


def _event(*, action: str, acting_user: Any = None, **facts: Unpack[Facts]) -> AuditEvent:
    kind = facts.get("kind", "business")
    target = facts.get("target")
    if not ACTION.match(action):
        raise ValueError(f"action must read like members.member.created, not {action!r}")
    if kind not in AuditEvent.Kind.values:
        raise ValueError(f"kind must be one of {', '.join(AuditEvent.Kind.values)}, not {kind!r}")
    actor_id, actor_label = _actor(acting_user, facts.get("actor_id"), facts.get("actor_label", ""))
    context = context_get()
    about = {"object_type": "", "object_id": "", "object_label": ""}
    if target is not None:
        about = {"object_type": target._meta.label_lower, "object_id": str(target.pk), "object_label": _label(target)}
    return AuditEvent(
        at=facts.get("at") or clock.now(),
        kind=kind,
        action=action,
        actor_id=actor_id,
        actor_label=text_safe(actor_label, 254),
        object_type=facts.get("object_type") or about["object_type"],
        object_id=text_safe(facts.get("object_id") or about["object_id"], 64),
        object_label=text_safe(facts.get("object_label") or about["object_label"], 254),
        before=facts_clean(facts.get("before")),
        after=facts_clean(facts.get("after")),
        reason=text_safe(facts.get("reason", "")),
        ip=context.get("ip") or None,
        correlation_id=context.get("correlation_id", ""),
    )


def _label(thing: Any) -> str:
    """Users by their address, which is theirs alone; other things as they name themselves."""
    return str(thing.get_username() if hasattr(thing, "get_username") else thing)


def _actor(acting_user: Any, actor_id: UUID | None, label: str) -> tuple[UUID | None, str]:
    """The actor's key and label, from whatever of them is known."""
    if getattr(acting_user, "is_authenticated", False):
        return acting_user.pk, label or _label(acting_user)
    if actor_id is not None:
        known = label or get_user_model().objects.filter(pk=actor_id).values_list("email", flat=True).first()
        return actor_id, known or ""
    return None, label or ("system" if acting_user is None else "anonymous")
