"""What foreign keys said of lines and keys, said by triggers."""

from __future__ import annotations

import uuid

import pytest
from django.db import DatabaseError, connection, transaction

from apps.core.retry import sqlstate_of
from tests.factories.postings import Books

pytestmark = pytest.mark.django_db


KEY_OF_NOTHING = """INSERT INTO balances_transaction_key
 (transaction_id, client_id, idempotency_key, fingerprint, outcome, journal_id)
 VALUES (%(id)s, 'c', 'k', '', 'OK', 9000000000000)"""


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("DELETE FROM ledger_ledgeraccount WHERE id = %(account)s", "NU005"),
        ("UPDATE ledger_ledgeraccount SET currency_id = 'USD' WHERE id = %(account)s", "NU005"),
        (KEY_OF_NOTHING, "23503"),
    ],
    ids=["an account is kept", "a currency stays", "a key names an entry"],
)
def test_what_is_referred_to_is_there_and_stays(sql: str, code: str) -> None:
    account = Books().customer(100)
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, {"account": account, "id": uuid.uuid4()})
    assert sqlstate_of(caught.value) == code
