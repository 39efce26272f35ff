"""The mix of a bank's working day, for locust: `locust -f tests/load/locustfile.py --host http://127.0.0.1:8000`.

NUMINA_LOAD names the folder with accounts.csv and tokens.txt (tests/load/data.py makes them). Each user of locust is
one of the clients, and waits half a second to a second and a half between requests, as people and their programs do;
NUMINA_LOAD_WAIT=0 lets nobody wait.
The JMeter plan numina.jmx sends the same.
"""

from __future__ import annotations

import csv
import os
import random
import uuid
from pathlib import Path

from locust import FastHttpUser, between, constant, task

FOLDER = Path(os.environ.get("NUMINA_LOAD", "var/load"))
WAITS = os.environ.get("NUMINA_LOAD_WAIT", "1") != "0"
BATCH = 50
with (FOLDER / "accounts.csv").open(encoding="utf-8", newline="") as stream:
    ACCOUNTS = [(row["number"], row["id"]) for row in csv.DictReader(stream)]
TOKENS = (FOLDER / "tokens.txt").read_text(encoding="utf-8").split()


class Customer(FastHttpUser):  # type: ignore[misc]
    """A program that acts for customers."""

    wait_time = between(0.5, 1.5) if WAITS else constant(0)

    def __init__(self, environment: object) -> None:
        self.default_headers = {"Authorization": f"Bearer {random.choice(TOKENS)}", "Accept": "application/json"}
        super().__init__(environment)

    def _transfer(self) -> dict[str, object]:
        source, target = random.sample(ACCOUNTS, 2)
        return {
            "source_account": source[0],
            "destination_account": target[0],
            "amount": {"amount": "0.01", "currency": "KES"},
            "description": "Load",
        }

    @task(50)
    def balance(self) -> None:
        """What is on an account."""
        self.client.get(f"/api/v1/accounts/{random.choice(ACCOUNTS)[1]}/balance", name="GET balance")

    @task(30)
    def transfer(self) -> None:
        """One transfer, answered when it is in the books."""
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        self.client.post("/api/v1/transfers", json=self._transfer(), headers=headers, name="POST transfer")

    @task(15)
    def transactions(self) -> None:
        """The last page of an account's transactions."""
        account = random.choice(ACCOUNTS)[1]
        self.client.get(f"/api/v1/accounts/{account}/transactions", name="GET transactions")

    @task(3)
    def account(self) -> None:
        """One account."""
        self.client.get(f"/api/v1/accounts/{random.choice(ACCOUNTS)[1]}", name="GET account")

    @task(2)
    def batch(self) -> None:
        """Fifty independent transfers."""
        body = {"mode": "independent", "items": [self._transfer() for _ in range(BATCH)]}
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        self.client.post("/api/v1/transfer-batches", json=body, headers=headers, name="POST batch of 50")
