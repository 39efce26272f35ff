"""The hot path: how few statements it takes, and that its fast reading never takes what the strict one refuses."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from apps.core.errors import DomainError
from apps.payments.api.bodies import account_name, details_of, money_of, transfer_reader
from apps.payments.selectors import refs_forget
from tests.conftest import ApiClient
from tests.factories.accounts import AccountFactory
from tests.factories.identity import BranchFactory, user_make
from tests.payments.conftest import PERMISSIONS, key_headers


@contextmanager
def statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every statement that psycopg is asked to execute, whoever asks."""
    seen: list[str] = []
    real = psycopg.Cursor.execute

    def execute(self: Any, query: Any, *args: Any, **options: Any) -> Any:
        seen.append(" ".join(str(query).split()))
        return real(self, query, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", execute)
        yield seen


def test_a_transfer_is_one_statement(committed_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    unique = uuid.uuid4().hex[:10]
    branch = BranchFactory(code=f"L{unique}")
    client = ApiClient(user_make(*PERMISSIONS, branch=branch, email=f"{unique}@example.com"))
    alice, bob = AccountFactory(branch=branch, balance="100.00"), AccountFactory(branch=branch)
    body = {
        "source_account": alice.number,
        "destination_account": bob.number,
        "amount": {"amount": "1.00", "currency": "KES"},
    }

    def send(path: str = "transfers", what: Any = body) -> list[str]:
        with statements(monkeypatch) as seen:
            assert client.post(path, what, headers=key_headers()).status_code in (200, 201)
        return [one for one in seen if not one.startswith(("SET ", "SELECT set_config"))]

    refs_forget()
    first = send()
    # The principal, the two accounts, limits, rules, mandates, the policies of approval; then the posting.
    assert len(first) <= 7, first
    assert ["balances_post" in one for one in send()] == [True]
    batch = {"items": [body] * 100}
    assert ["balances_post" in one for one in send("transfer-batches", batch)] == [True]


TEXTS = st.text(max_size=12) | st.sampled_from(["12.50", "KES", "2026-11-21", "a:b", "\\", '"', "0100000017", ""])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
MONEY = st.fixed_dictionaries({"amount": TEXTS | VALUES, "currency": st.sampled_from(["KES", "JPY", "kes"]) | VALUES})
BODIES = st.fixed_dictionaries(
    {"source_account": TEXTS | VALUES, "destination_account": TEXTS, "amount": MONEY | VALUES},
    optional={
        "description": TEXTS | VALUES,
        "reference": TEXTS,
        "value_date": st.sampled_from(["2026-02-28", "2026-02-30", "0001-01-01"]) | VALUES,
        "client_timestamp": st.sampled_from(["2026-11-21T08:30:00Z", "2026-11-21T08:30:00"]) | VALUES,
        "status": TEXTS,
    },
)


def facts(body: Any) -> Any:
    return (
        account_name(body.source_account),
        account_name(body.destination_account),
        money_of(body.amount),
        details_of(body),
    )


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=BODIES, ascii_only=st.booleans(), twice=st.booleans())
def test_the_fast_way_takes_nothing_that_the_strict_way_refuses(body: Any, ascii_only: bool, twice: bool) -> None:
    raw = json.dumps(body, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    if twice:
        raw = raw[:-1] + b',"source_account":"0100000017"}'
    try:
        fast = transfer_reader.read(raw)
        known = facts(fast[0])
    except (DomainError, ValidationError):
        return
    slow = transfer_reader.read_slowly(raw)
    assert facts(slow[0]) == known
    assert slow[1] == fast[1]
    assert not twice


@pytest.mark.parametrize("space", ["", " ", "\n\t"])
def test_spaces_and_order_do_not_change_the_canonical_form(space: str) -> None:
    one = json.dumps(
        {"source_account": "A1", "destination_account": "B1", "amount": {"amount": "1", "currency": "KES"}}
    )
    other = (
        f'{{{space}"amount"{space}:{{"currency":"KES",{space}"amount":"1"}},"destination_account":"B1"{space},'
        f'"source_account":"\\u00411"}}{space}'
    )
    assert transfer_reader.read(one.encode())[1] == transfer_reader.read(other.encode())[1]
