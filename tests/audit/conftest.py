"""What tests of the trail share."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection

from apps.audit import archiving
from apps.audit.sealing import trail_seal_all
from apps.audit.services import record
from apps.core import clock


@pytest.fixture
def old_month() -> str:
    """A sealed month of the past with twenty events, in a partition of its own."""
    archiving.partitions_make(today=dt.date(2029, 1, 1), months=1)
    for n in range(20):
        at = dt.datetime(2029, 1, 1 + n, 12, 30, 15, 123456, tzinfo=dt.UTC)
        record(action="a.b.c", acting_user=None, at=at, before={"n": n}, after={"text": 'ünï\n"quoted"'}, reason="x")
    trail_seal_all(at=clock.now())
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # the real one archives in a transaction of its own
    return "audit_auditevent_y2029m01"
