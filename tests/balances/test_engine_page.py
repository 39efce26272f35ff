"""The engine's page, figures, notices and commands."""

from __future__ import annotations

import datetime as dt
import io
import json
import uuid
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from apps.audit.models import AuditEvent
from apps.balances.engine import control
from apps.balances.engine.notices import notices_send
from apps.balances.metrics import EngineCollector
from apps.balances.services import account_reassign, partition_activate, partition_fence
from apps.core import clock
from tests.factories.identity import user_make
from tests.factories.postings import Books, balance_of

PAGE = "/admin/engine/"


def staff(*permissions: str) -> Client:
    client = Client()
    client.force_login(
        user_make("backoffice.dashboard", *permissions, email=f"{uuid.uuid4().hex}@example.com"),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    return client


def command(*words: str) -> Any:
    out = io.StringIO()
    call_command("balances", "--json", *words, stdout=out)
    return json.loads(out.getvalue())


def test_the_page_shows_and_only_operators_pull_levers(db: None) -> None:
    watcher = staff("balances.view_engine")
    shown = watcher.get(PAGE)
    assert shown.status_code == 200
    assert b"Database executes" in shown.content
    assert b"Let the engine execute" not in shown.content
    assert watcher.post(PAGE, {"action": "activate", "partition": "1"}).status_code == 403
    assert staff().get(PAGE).status_code == 403
    operator = staff("balances.view_engine", "balances.operate")
    assert b"Let the engine execute" in operator.get(PAGE).content
    assert operator.post(PAGE, {"action": "fence", "partition": "1", "why": "maintenance"}).status_code == 302
    assert control.part_read(1).hold == "maintenance"
    assert operator.post(PAGE, {"action": "activate", "partition": "1"}).status_code == 302
    assert control.part_read(1).mode == "FAST"
    assert operator.post(PAGE, {"action": "verify", "partition": "1"}).status_code == 302
    assert operator.post(PAGE, {"action": "heal", "partition": "1"}).status_code == 302
    assert operator.post(PAGE, {"action": "heal", "partition": "9"}, follow=True).status_code == 200
    assert operator.post(PAGE, {"action": "nonsense", "partition": "1"}).status_code == 403
    assert set(AuditEvent.objects.filter(action__startswith="balances.engine").values_list("action", flat=True)) == {
        "balances.engine.fenced",
        "balances.engine.activated",
        "balances.engine.verified",
        "balances.engine.healed",
    }


def test_figures_say_mode_and_fences_by_cause(db: None) -> None:
    epoch = partition_activate(partition=1, acting_user=None)
    assert epoch is not None
    control.fence(partition=1, epoch=epoch, why="verify")
    figures = {
        (sample.name, *sample.labels.values()): sample.value
        for family in EngineCollector().collect()
        for sample in family.samples
    }
    assert figures["numina_engine_mode", "1", "DRAIN"] == 1
    assert figures["numina_engine_fences", "1", "verify"] >= 1
    assert figures["numina_engine_epoch", "1"] == epoch


def test_operators_are_told_once_of_each_event(db: None) -> None:
    operator = user_make("balances.operate", email=f"{uuid.uuid4().hex}@example.com")
    epoch = partition_activate(partition=1, acting_user=None)
    assert epoch is not None
    control.fence(partition=1, epoch=epoch, why="verify")
    told = []
    for _ in range(2):
        assert notices_send(partition=1, at=clock.now()) >= 1
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM notifications_notification WHERE recipient_id = %s", [operator.pk])
            told.append(cursor.fetchone()[0])
    assert told[0] >= 1  # this event, and perhaps recent ones of other tests
    assert told[1] == told[0]
    assert notices_send(partition=1, at=clock.now() + dt.timedelta(hours=1)) == 0


def test_commands_fence_activate_and_reassign(db: None) -> None:
    books = Books()
    account = books.customer(100)
    account_reassign(account_id=account, partition=1, acting_user=None)
    assert balance_of(account).partition_id == 1
    account_reassign(account_id=account, partition=0, acting_user=None)
    assert balance_of(account).partition_id == 0
    assert partition_fence(partition=1, why="trial", acting_user=None) is False
    with pytest.raises(SystemExit):
        command("status")
    assert command("activate", "1")["activated"]
    assert command("fence", "1", "--why", "trial") == {"fenced": True}
    assert command("verify")["differences"] == 0
