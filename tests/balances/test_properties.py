"""The posting function against its model, over batches that nobody thought of."""

from __future__ import annotations

import dataclasses
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.balances.models import Balance
from apps.balances.selectors import books_verify
from apps.balances.services import _many, hold_place, in_database
from apps.core import clock
from apps.ledger.models import JournalLine
from tests.balances.model import Model, ModelAccount, ModelPosting
from tests.factories.postings import Books

pytestmark = pytest.mark.django_db

EXAMPLES = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

KINDS = st.fixed_dictionaries(
    {
        "internal": st.booleans(),
        "limit": st.sampled_from([0, 0, 50, 10**14]),
        "start": st.sampled_from([0, 100, 10_000, 10**13]),
        "held": st.sampled_from([0, 0, 30]),
        "status": st.sampled_from("OOOOODCFX"),
        "currency": st.sampled_from(["KES", "KES", "KES", "USD"]),
    }
)
AMOUNTS = st.one_of(st.integers(1, 200), st.sampled_from([1, 9_999, 10_000, 10_001, 10**13, 10**13 + 1]))
TRANSFER = st.tuples(st.integers(0, 5), st.integers(0, 5), AMOUNTS, st.sampled_from(["KES", "KES", "KES", "USD"]))
ITEM = st.tuples(st.integers(0, 30), st.lists(TRANSFER, min_size=1, max_size=3))
CALL = st.tuples(
    st.lists(ITEM, min_size=1, max_size=6, unique_by=lambda item: item[0]), st.booleans(), st.integers(0, 9)
)

# The same for one transfer between two accounts, which goes through the function without arrays.
SINGLE = st.tuples(
    st.tuples(st.integers(0, 30), st.tuples(TRANSFER)).map(lambda item: [item]), st.booleans(), st.integers(0, 9)
)


def prepare(books: Books, kinds: list[dict]) -> Model:  # type: ignore[type-arg]
    """Accounts as drawn, in the database and in the model."""
    accounts: dict[int, ModelAccount] = {}
    for number, kind in enumerate(kinds):
        if kind["internal"]:
            account_id = books.internal(("1110", "1130", "1210", "1220", "1230", "1240")[number], kind["currency"])
            accounts[account_id] = ModelAccount(kind["currency"], internal=True)
            continue
        closed = kind["status"] == "X"
        start = 0 if closed else kind["start"]
        account_id = books.customer(start, limit=kind["limit"], currency=kind["currency"])
        model = ModelAccount(kind["currency"], limit=kind["limit"], balance=start, version=1 if start else 0)
        if not closed and start >= kind["held"] > 0:
            hold_place(
                transaction_id=uuid.uuid4(),
                fingerprint=b"h" * 32,
                account_id=account_id,
                amount=kind["held"],
                reason="",
                expires_at=None,
                actor_id=None,
                at=clock.now(),
            )
            model.held = kind["held"]
            model.version += 1
        if kind["status"] != "O":
            with in_database([account_id], actor_id=None) as book:
                book.change(account_id, status=kind["status"])
            model.status = kind["status"]
            model.version += 1
        accounts[account_id] = model
    return Model(accounts)


@EXAMPLES
@given(
    kinds=st.lists(KINDS, min_size=6, max_size=6),
    calls=st.lists(CALL, min_size=1, max_size=6) | st.lists(SINGLE, min_size=4, max_size=12),
    copied=st.booleans(),
)
def test_outcomes_balances_and_lines_are_those_of_the_model(
    kinds: list[dict],
    calls: list,
    copied: bool,  # type: ignore[type-arg]
) -> None:
    """By the function, and as many postings are written, by COPY."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_many, "MANY", 1 if copied else _many.MANY)
        _compare(kinds, calls)


def _compare(kinds: list[dict], calls: list) -> None:  # type: ignore[type-arg]
    books = Books()
    model = prepare(books, kinds)
    ids = list(model.accounts)
    seen = JournalLine.objects.order_by("-journal_id").values_list("journal_id", flat=True).first() or 0
    for items, atomic, chance in calls:
        overdraw = chance == 0
        asked = [
            ModelPosting(
                f"k{key}",
                tuple(
                    leg
                    for source, destination, amount, unit in transfers
                    for leg in ((ids[source], -amount, unit), (ids[destination], amount, unit))
                ),
            )
            for key, transfers in items
        ]
        wanted = model.post(asked, atomic=atomic, overdraw=overdraw)
        for replay in (False, True):
            made = [books.posting(*posting.legs, key=posting.key) for posting in asked]
            got = books.post(*made, atomic=atomic, overdraw=overdraw)
            if not replay:
                assert [(one.code, one.replayed) for one in got] == wanted
            else:
                assert [one.code for one in got] == [code for code, _ in wanted]
                assert all(one.replayed for one in got)
    rows = {row.pk: row for row in Balance.objects.filter(pk__in=ids)}
    for account_id, account in model.accounts.items():
        row = rows[account_id]
        found = dataclasses.replace(
            account,
            balance=row.balance,
            held=row.held,
            limit=row.overdraft_limit,
            status=row.status,
            version=row.version,
        )
        assert found == account
        assert account.internal or row.available >= 0
    lines = JournalLine.objects.filter(account_id__in=ids, journal_id__gt=seen).order_by("journal_id", "line_no")
    assert [(line.account_id, line.balance_before, line.balance_after) for line in lines] == model.lines
    assert books_verify().faults == []  # sums to zero, before and after in a row, versions, keys
