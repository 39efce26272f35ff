"""Notifications and their deliveries into the database: one statement for one person or for a thousand.

It is the hottest path of this app and of every event that tells somebody something; the same through two bulk inserts
and a look at what was left out costs three times the processor time.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import connection

from apps.core.notices import Kind
from apps.notifications.models import Delivery, Notification

_WRITE = """
WITH told AS (
    INSERT INTO notifications_notification
        (id, created_at, updated_at, version, recipient_id, kind, context, title, body, link, key, in_app)
    SELECT n.id, %(at)s, %(at)s, 1, n.who, %(kind)s, %(context)s::jsonb, n.title, n.body, %(link)s, %(key)s, n.in_app
    FROM jsonb_to_recordset(%(told)s::jsonb) AS n (id uuid, who uuid, title text, body text, in_app boolean)
    ON CONFLICT (recipient_id, kind, key) DO NOTHING
    RETURNING id
), sent AS (
    INSERT INTO notifications_delivery
        (id, created_at, updated_at, version, notification_id, recipient_id, channel, status, is_bulk, is_digest,
         subscription_id, address, due_at, attempts, provider, provider_id, error)
    SELECT d.id, %(at)s, %(at)s, 1, d.notice, d.who, d.channel, 'queued', d.bulk, d.digest,
           d.subscription, '', d.due, 0, '', '', ''
    FROM jsonb_to_recordset(%(sent)s::jsonb)
        AS d (id uuid, notice uuid, who uuid, channel text, bulk boolean, digest boolean, subscription uuid,
              due timestamptz)
    WHERE d.notice IN (SELECT id FROM told)
)
SELECT id FROM told
"""


def notices_write(
    *, kind: Kind, facts: dict[str, Any], rows: Iterable[Notification], deliveries: Iterable[Delivery], at: dt.datetime
) -> set[UUID]:
    """Write notifications of one event (all with the same link and key) and their deliveries, as one statement.

    Returns the ids of what was written: a repeat of a key is left out with its deliveries, also one that another
    transaction has written at this very moment.
    """
    told = list(rows)
    if not told:
        return set()
    values: dict[str, Any] = {
        "at": at,
        "kind": kind.code,
        "context": json.dumps(facts),
        "link": told[0].link,
        "key": told[0].key,
        "told": json.dumps([_notification(row) for row in told]),
        "sent": json.dumps([_delivery(row) for row in deliveries]),
    }
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, values)
        return {pk for (pk,) in cursor.fetchall()}


def _notification(row: Notification) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "who": str(row.recipient_id),
        "title": row.title,
        "body": row.body,
        "in_app": row.in_app,
    }


def _delivery(row: Delivery) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "notice": str(row.notification_id),
        "who": str(row.recipient_id),
        "channel": row.channel,
        "bulk": row.is_bulk,
        "digest": row.is_digest,
        "subscription": str(row.subscription_id) if row.subscription_id else None,
        "due": row.due_at.isoformat(),
    }
