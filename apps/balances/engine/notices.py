"""What those who run the engine are told: a period ended for a reason that calls for people, or memory that differs."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import connection

from apps.balances.engine.control import INTEGRITY
from apps.core.notices import Kind, Texts, kind_register, notify
from apps.identity.models import User

PERMISSION = "balances.operate"
SINCE = dt.timedelta(minutes=10)


@dataclass(frozen=True)
class EngineEvent:
    partition: int
    what: str


ENGINE_EVENT = kind_register(
    Kind(
        code="balances.engine_event",
        title="The balance engine needs a look",
        sample=EngineEvent(1, "fenced: verify"),
        texts={
            "en": Texts(
                "Balance engine, partition {partition}: {what}",
                "Partition {partition} of the balance engine reports: {what}.\n\nNo answered transfer is lost."
                " Transfers run in the database until the engine is well again. The engine's page and the runbooks"
                " say more.",
            )
        },
        urgent=True,
    )
)

_EVENTS = """
SELECT id, partition_id, event, why FROM balances_partition_event
 WHERE partition_id = %s AND at > %s AND (event = 'drift' OR (event = 'fenced' AND why = ANY (%s))) ORDER BY id LIMIT 20
"""


def notices_send(*, partition: int, at: dt.datetime) -> int:
    """Tell everybody with the permission to run the engine of recent events, each event once; how many events."""
    calling = [*sorted(INTEGRITY), "redis-down", "journal-stalled"]
    with connection.cursor() as cursor:
        cursor.execute(_EVENTS, [partition, at - SINCE, calling])
        events = cursor.fetchall()
    if not events:
        return 0
    people = User.objects.filter(is_active=True, user_roles__role__permissions__contains=[PERMISSION]).distinct()
    recipients = list(people.values_list("pk", flat=True)[:100])
    for event_id, number, event, why in events:
        notify(
            ENGINE_EVENT,
            recipients=recipients,
            context=EngineEvent(number, f"{event}: {why}"),
            at=at,
            link="/admin/engine/",
            key=f"engine-event-{event_id}",
        )
    return len(events)
