"""Clock, ids, retries, tasks after commit, idempotency keys and cursors."""

import datetime as dt
import threading
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from apps.core import clock
from apps.core.cursors import cursor_decode, cursor_encode
from apps.core.errors import IdempotencyKeyInvalid, IdempotencyKeyMissing, InvalidCursor, Unavailable
from apps.core.idempotency import idempotency_key_read, json_canonical, request_fingerprint, transaction_id_for
from apps.core.ids import uuid7
from apps.core.retry import TRIES, retry_transient, sqlstate_of
from apps.core.tasks import after_commit
from apps.core.trace import trace_id, trace_start


def test_ids_are_version_seven_and_grow() -> None:
    made = [uuid7() for _ in range(1000)]
    assert all(type(one) is uuid.UUID and one.version == 7 for one in made)
    assert made == sorted(made)
    assert len(set(made)) == 1000


def test_the_clock_can_be_stopped_in_one_thread() -> None:
    at = dt.datetime(2024, 2, 29, 23, 30, tzinfo=dt.timezone(dt.timedelta(hours=3)))
    elsewhere: list[dt.datetime] = []
    with clock.frozen(at):
        assert clock.now() == at
        assert clock.now().tzinfo is dt.UTC
        thread = threading.Thread(target=lambda: elsewhere.append(clock.now()))
        thread.start()
        thread.join()
    assert elsewhere[0] > at
    assert clock.now().year > 2024
    with pytest.raises(ValueError, match="aware"), clock.frozen(dt.datetime(2024, 1, 1)):  # noqa: DTZ001
        pass


def raise_in_database(sqlstate: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'made' USING ERRCODE = '{sqlstate}'; END $$")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waits: list[float] = []
    monkeypatch.setattr("apps.core.retry.time.sleep", waits.append)
    return waits


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize("sqlstate", ["40P01", "40001", "55P03"])
def test_transient_errors_are_tried_again(sqlstate: str, quick: list[float]) -> None:
    calls: list[int] = []

    @retry_transient
    def work(value: int) -> int:
        calls.append(value)
        if len(calls) < TRIES:
            raise_in_database(sqlstate)
        return value

    assert work(7) == 7
    assert len(calls) == TRIES
    assert 0.01 <= quick[0] <= 0.04
    assert 0.02 <= quick[1] <= 0.08


@pytest.mark.usefixtures("committed_db")
def test_the_last_try_ends_in_unavailable(quick: list[float]) -> None:
    with pytest.raises(Unavailable) as caught:
        retry_transient(raise_in_database)("40P01")
    assert caught.value.retry_after > 0
    assert len(quick) == TRIES - 1


@pytest.mark.usefixtures("committed_db")
def test_other_errors_and_open_transactions_are_not_tried_again(quick: list[float]) -> None:
    with pytest.raises(OperationalError) as caught:
        retry_transient(raise_in_database)("57014")
    assert sqlstate_of(caught.value) == "57014"
    with pytest.raises(OperationalError), transaction.atomic():
        retry_transient(raise_in_database)("40P01")
    assert quick == []
    assert sqlstate_of(ValueError()) is None


class RecordingTask:
    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def apply_async(self, *, kwargs: dict[str, Any], retry: bool, retry_policy: dict[str, Any]) -> None:
        self.sent.append(kwargs)


class BrokenTask:
    def apply_async(self, **_: Any) -> None:
        raise ConnectionError("no broker")


@pytest.mark.usefixtures("committed_db")
def test_tasks_leave_after_the_commit_and_not_without_one() -> None:
    task, one = RecordingTask(), uuid7()
    with transaction.atomic():
        after_commit(task, member_id=one, on=dt.date(2026, 1, 31), ids=[one])
        assert task.sent == []
    assert task.sent == [{"member_id": str(one), "on": "2026-01-31", "ids": [str(one)]}]
    with transaction.atomic():
        after_commit(task, member_id=one)
        transaction.set_rollback(True)
    assert len(task.sent) == 1


@pytest.mark.usefixtures("committed_db")
def test_a_lost_broker_does_not_undo_or_fail_what_was_committed() -> None:
    second = RecordingTask()
    with transaction.atomic():
        after_commit(BrokenTask(), member_id=1)
        after_commit(second, member_id=2)
    assert second.sent == [{"member_id": 2}]


def test_tasks_take_plain_values_only() -> None:
    with pytest.raises(TypeError):
        after_commit(RecordingTask(), member=object())


@pytest.mark.parametrize("key", ["a", "x" * 255, "9f1c-!~", "0b1c2d3e-4f50-4617-8829-3a4b5c6d7e8f"])
def test_keys_that_are_taken(key: str) -> None:
    assert idempotency_key_read({"Idempotency-Key": key}) == key


@pytest.mark.parametrize("key", ["x" * 256, "a b", "a\n", "ключ", "a\x7f", " a"])
def test_keys_that_are_refused(key: str) -> None:
    with pytest.raises(IdempotencyKeyInvalid):
        idempotency_key_read({"Idempotency-Key": key})


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": ""}])
def test_a_missing_key_is_told_apart(headers: dict[str, str]) -> None:
    with pytest.raises(IdempotencyKeyMissing):
        idempotency_key_read(headers)


def test_one_client_and_key_is_one_transaction() -> None:
    client, other = uuid7(), uuid7()
    assert transaction_id_for(client, "k") == transaction_id_for(client, "k")
    assert transaction_id_for(client, "k") != transaction_id_for(other, "k")
    assert transaction_id_for(client, "k").version == 5


words = st.text(st.characters(codec="utf-8"), max_size=4)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(words, json_values, max_size=6))
def test_the_order_of_keys_does_not_change_a_fingerprint(body: dict[str, Any]) -> None:
    turned = dict(reversed(body.items()))
    assert request_fingerprint(method="POST", path="/a", body=body) == request_fingerprint(
        method="post", path="/a", body=turned
    )


def test_anything_else_changes_a_fingerprint() -> None:
    made = {
        request_fingerprint(method=method, path=path, body=body)
        for method in ("POST", "PUT")
        for path in ("/a", "/b")
        for body in ({"a": 1}, {"a": "1"}, {"a": Decimal("1.0")}, {"a": [1]}, {"a": None}, {"a": True}, {})
    }
    assert len(made) == 28
    assert json_canonical({"b": "é", "a": [1, True, None]}) == '{"a":[1,true,null],"b":"é"}'.encode()


KEYS = [
    ["Amina", uuid.UUID(int=1)],
    [dt.datetime(2026, 1, 31, 8, 30, 0, 123456, tzinfo=dt.UTC), 5],
    [dt.date(2026, 1, 31), 5],
    [Decimal("1.50"), 9],
]


@pytest.mark.parametrize("values", KEYS)
def test_cursors_come_back_as_they_were(values: list[Any]) -> None:
    assert cursor_decode(cursor_encode(values, scope="s"), scope="s") == values


def test_cursors_of_other_lists_or_changed_ones_are_refused() -> None:
    cursor = cursor_encode(["a", 1], scope="s")
    changed = cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")
    for bad, scope in (
        (cursor, "t"),
        (changed, "s"),
        ("", "s"),
        ("é", "s"),
        ("A", "s"),
        ("x" * 2000, "s"),
        ("====", "s"),
    ):
        with pytest.raises(InvalidCursor):
            cursor_decode(bad, scope=scope)


@given(st.text(max_size=80))
def test_no_text_breaks_a_cursor(text: str) -> None:
    with pytest.raises(InvalidCursor):
        cursor_decode(text, scope="s")


def test_columns_that_may_be_null_do_not_order_a_list() -> None:
    with pytest.raises(TypeError):
        cursor_encode([None, 1], scope="s")


@pytest.mark.parametrize("proposed", ["", None, "short", "x" * 65, "a b c d e f", "ok-ok-ok\n", "<script>alert"])
def test_strange_request_ids_are_replaced(proposed: str | None) -> None:
    assert trace_start(proposed) != proposed
    assert len(trace_id()) == 32


def test_harmless_request_ids_are_kept() -> None:
    assert trace_start("mobile-app.42_A") == "mobile-app.42_A" == trace_id()
