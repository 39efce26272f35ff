"""SMS: a provider over HTTP, one that has a bad hour, a file, the console."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.core.notices import notify
from apps.identity.models import User
from apps.notifications.models import Delivery
from apps.notifications.services import delivery_send_due
from tests.notifications.kinds import AT, SAMPLE, URGENT
from tests.notifications.servers import Provider, provider_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider(configured: Any) -> Iterator[Provider]:
    with provider_run() as running:
        url = f"http://127.0.0.1:{running.port}/messages"
        configured(SMS={"backend": "http", "url": url, "token": "secret-token", "from": "NUMINA"})
        yield running


def tell(user: User) -> Delivery:
    notify(URGENT, recipients=[user.pk], context=SAMPLE, at=AT)
    return Delivery.objects.get()


def test_the_provider_gets_the_text_and_a_key_that_tells_repeats(provider: Provider, alice: User) -> None:
    delivery = tell(alice)

    delivery_send_due(at=AT)

    (path, headers, body) = provider.requests[0]
    assert path == "/messages"
    assert headers["authorization"] == "Bearer secret-token"
    assert headers["idempotency-key"] == str(delivery.pk)
    assert json.loads(body) == {
        "to": "+254712345678",
        "from": "NUMINA",
        "text": "Harvest loan: 125,000.50 KES approved",
        "reference": str(delivery.pk),
    }
    delivery.refresh_from_db()
    assert (delivery.status, delivery.provider, delivery.provider_id) == ("sent", "sms", "msg-1")


def test_a_provider_that_fails_for_a_while_gets_it_later_and_once(provider: Provider, alice: User) -> None:
    provider.answers = [500, 503, 429]
    provider.headers = {"Retry-After": "3600"}
    delivery = tell(alice)
    at = AT
    for _ in range(3):
        delivery_send_due(at=at)
        delivery.refresh_from_db()
        assert delivery.status == "queued"
        assert delivery.due_at >= at + dt.timedelta(hours=1), "the provider said when"
        at = delivery.due_at

    delivery_send_due(at=at)

    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("sent", 4)
    assert {headers["idempotency-key"] for _, headers, _ in provider.requests} == {str(delivery.pk)}


@pytest.mark.parametrize(("answer", "status"), [(400, "failed"), (401, "failed"), (404, "bounced"), (302, "failed")])
def test_what_a_provider_refuses_is_not_tried_again(provider: Provider, alice: User, answer: int, status: str) -> None:
    provider.answers = [answer]
    provider.headers = {"Location": "http://169.254.169.254/"}
    delivery = tell(alice)

    delivery_send_due(at=AT)

    delivery.refresh_from_db()
    assert (delivery.status, len(provider.requests)) == (status, 1)
    assert "secret-token" not in delivery.error


def test_a_provider_that_is_away_is_tried_later(configured: Any, alice: User) -> None:
    with provider_run() as gone:
        url = f"http://127.0.0.1:{gone.port}/"
    configured(SMS={"backend": "http", "url": url, "token": "t", "from": "N"})
    delivery = tell(alice)

    delivery_send_due(at=AT)

    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("queued", 1)
    assert "ConnectError" in delivery.error


def test_a_file_takes_a_line_for_each(configured: Any, alice: User, tmp_path: Path) -> None:
    configured(SMS={"backend": "file", "path": str(tmp_path / "out" / "sms.jsonl")})
    tell(alice)

    delivery_send_due(at=AT)

    (line,) = (tmp_path / "out" / "sms.jsonl").read_text().splitlines()
    assert json.loads(line)["text"] == "Harvest loan: 125,000.50 KES approved"


def test_the_console_is_the_default(alice: User, capsys: Any) -> None:
    tell(alice)

    delivery_send_due(at=AT)

    assert "Harvest loan: 125,000.50 KES approved" in capsys.readouterr().out
