"""F1, F2: the web server itself gets kill -9, wherever its requests are. Sent again, each happens once."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from apps.balances.engine import control
from apps.balances.selectors import balance_read
from config.runtime.ports import port_any
from tests.conftest import ApiClient
from tests.factories.accounts import AccountFactory, ProductFactory
from tests.factories.engine import PARTITION, proof, running
from tests.factories.identity import user_make
from tests.faults.machines import ROOT, Memory, environment_for, eventually

pytestmark = [pytest.mark.usefixtures("memory"), pytest.mark.slow]

FUNDS, SENDERS = 500_00, 4


class Sender(threading.Thread):
    """Sends transfers of one cent, one after another, each under a key of its own; until the server is gone."""

    def __init__(self, port: int, token: str, body: bytes) -> None:
        super().__init__(daemon=True)
        self.port, self.token, self.body = port, token, body
        self.tried: list[str] = []
        self.answered: dict[str, dict[str, Any]] = {}

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.suppress(OSError, http.client.HTTPException):
            while True:
                self.send(connection, uuid.uuid4().hex)

    def send(self, connection: http.client.HTTPConnection, key: str) -> dict[str, Any]:
        """The answer, which must be a payment."""
        self.tried.append(key)
        headers = {
            "Authorization": f"Bearer {self.token}", "Idempotency-Key": key, "Content-Type": "application/json",
        }  # fmt: skip
        connection.request("POST", "/api/v1/transfers", self.body, headers)
        response = connection.getresponse()
        found = json.loads(response.read())
        assert response.status == 201, found
        self.answered[key] = found
        return dict(found)


@contextlib.contextmanager
def web(memory_url: str, port: int) -> Iterator[psutil.Process]:
    """granian and its worker; what is left of them is killed with the block."""
    process = psutil.Popen(
        [
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws", "--host", "127.0.0.1"),
            *("--port", str(port), "--workers", "1", "--blocking-threads", "4", "--log-level", "error"),
            "tests.faults.web:application",
        ],
        cwd=ROOT, env=environment_for(memory_url), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        eventually(lambda: answers(port))
        yield process
    finally:
        kill(process)


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/api/v1/health/live")
        return connection.getresponse().status == 200
    return False


def kill(process: psutil.Process) -> None:
    """kill -9 of the workers, then of the server."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for one in [*process.children(recursive=True), process]:
            one.send_signal(signal.SIGKILL)
        process.wait(10)


def test_f01_f02_the_web_server_is_killed_wherever_it_is(committed_db: None, memory: Memory) -> None:
    user = user_make("payments.transfer", email=f"{uuid.uuid4().hex}@example.com")
    product = ProductFactory(engine="realtime")
    source: Any = AccountFactory(product=product, balance="500.00")
    target: Any = AccountFactory(product=product, balance=None)
    money = {"amount": "0.01", "currency": "KES"}
    body = json.dumps({"source_account": source.number, "destination_account": target.number, "amount": money})
    port, token = port_any(), ApiClient(user).access
    senders = [Sender(port, token, body.encode()) for _ in range(SENDERS)]
    with running():
        with web(memory.url, port) as server:
            for sender in senders:
                sender.start()
            eventually(lambda: min(len(sender.answered) for sender in senders) >= 5)
            kill(server)
            for sender in senders:
                sender.join(30)
        assert sum(len(sender.tried) - len(sender.answered) for sender in senders) in range(SENDERS + 1)
        with web(memory.url, port):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            for sender in senders:
                for key in sender.tried.copy():
                    before = sender.answered.get(key)
                    assert sender.send(connection, key) == (before or sender.answered[key])
            connection.close()
        count = sum(len(sender.answered) for sender in senders)
        # By the engine; one that a web server just started did not find FAST yet may go the database path.
        assert control.part_read(PARTITION).head_seq > count / 2
        assert balance_read(account_id=source.ledger_account_id).booked == FUNDS - count
        assert balance_read(account_id=target.ledger_account_id).booked == count
        assert control.part_read(PARTITION).fenced_why == ""
        proof()
