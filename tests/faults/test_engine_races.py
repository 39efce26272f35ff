"""F6 to F41 step by step: races, forks, lost flags and late processes. Steps are the real ones; a proof ends each."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections, transaction

from apps.balances.engine import client, control, journaler, ownership
from apps.balances.engine.journaler import Journaler
from apps.balances.errors import EngineOwned
from apps.balances.selectors import balance_read
from apps.balances.services import (
    Receipt,
    in_database,
    partition_activate,
    partition_fence,
    posting_accept,
    posting_status,
    postings_execute,
    postings_post,
)
from tests.concurrency.threads import Background, together
from tests.factories.engine import (
    PARTITION,
    accept,
    activate,
    engine_account,
    journal_once,
    memory_change,
    proof,
    running,
    send,
    until,
)
from tests.factories.postings import Books, balance_of

pytestmark = pytest.mark.usefixtures("engine_on")


def why() -> str:
    return control.part_read(PARTITION).fenced_why


def tokens(*accounts: int) -> dict[int, int]:
    return {account: balance_of(account).token for account in accounts}


def flip(epoch: int, handed: dict[int, int]) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT balances_flip(1, %s, %s::bigint[], %s::bigint[], '2 s')",
            [epoch, list(handed), list(handed.values())],
        )
        return int(cursor.fetchone()[0])


_HELD_UP = "SELECT count(*) FROM pg_locks WHERE NOT granted AND "
BY_OURS = _HELD_UP + "transactionid = pg_current_xact_id()::xid"
BY_THE_DAY = (
    _HELD_UP + "locktype = 'advisory' AND objid = 7003"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def held_up(sql: str) -> int:
    """How many sessions wait for a lock."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return int(cursor.fetchone()[0])


def test_f06_of_two_journalers_one_wins(books: Books) -> None:
    one, two = engine_account(books, 100), engine_account(books)
    epoch = activate()
    accept(books, (one, -10), (two, 10))
    part = control.part_read(PARTITION)
    rows = client.stream(partition=PARTITION, epoch=epoch, after=0, count=10)
    assert Journaler(PARTITION)._journal(part, rows) is not None
    assert Journaler(PARTITION)._journal(part, rows) is None
    assert (why(), balance_read(account_id=one).booked) == ("", 90)
    proof()


def test_f07_the_connection_is_lost_during_the_commit(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = engine_account(books, 100), engine_account(books)
    activate()
    accept(books, (one, -10), (two, 10))
    real = journaler.write

    def lost(*args: Any, **options: Any) -> None:
        real(*args, **options)
        connection.connection.close()

    with monkeypatch.context() as patch:
        patch.setattr(journaler, "write", lost)
        with pytest.raises(DatabaseError):
            journal_once()
    connection.close()
    assert journal_once() == 1
    assert balance_read(account_id=one).booked == 90
    proof()


def test_f09_f11_a_forked_memory_passes_the_head(books: Books, settings: Any) -> None:
    one, two, three = engine_account(books, 100), engine_account(books), engine_account(books)
    epoch = activate()
    accept(books, (one, -10), (two, 10))
    assert journal_once() == 1
    here = settings.ENGINE["REDIS_URL"]
    root, number = here.rsplit("/", 1)
    other = f"{root}/{int(number) - 1}"
    for key in client.memory().keys("{p1}:*"):
        client.memory().copy(key, key, destination_db=int(number) - 1, replace=True)
    accept(books, (one, -80), (two, 80), key="here")
    assert journal_once() == 1
    settings.ENGINE = {**settings.ENGINE, "REDIS_URL": other}
    try:
        accept(books, (one, -80), (two, 80), key="there")  # the same money once more
        accept(books, (one, -10), (two, 10))
        assert journal_once() == 0
        assert why() == "chain"
    finally:
        client.memory().flushdb()
        settings.ENGINE = {**settings.ENGINE, "REDIS_URL": here}
    ownership.view(PARTITION, fresh=True)
    assert send(books, (one, -80), (two, 80), key="here").outcomes[0].ok
    assert send(books, (one, -80), (two, 80), key="there").outcomes[0].code == "NSF"
    assert (balance_read(account_id=one).booked, control.part_read(PARTITION).epoch) == (10, epoch)
    assert send(books, (one, -10), (three, 10)).outcomes[0].ok
    proof()


def test_f14_a_posting_waits_for_a_lock_while_the_engine_takes_the_account(books: Books) -> None:
    one, two = engine_account(books, 100), books.customer()
    with running():
        view = ownership.view(PARTITION, fresh=True)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT * FROM balances_take(1, %s, %s::bigint[])", [view.epoch, [one]])
            waiting = Background(lambda: books.move(one, two, 60))
            until(lambda: held_up(BY_OURS))
        assert waiting.result().ok  # it saw the engine after its lock, and called the account back
        assert balance_of(one).balance == 40
        proof()


def test_f15_a_mark_has_expired(books: Books) -> None:
    one, two = engine_account(books, 100), engine_account(books)
    epoch = activate()
    first = accept(books, (one, -10), (two, 10), key="a")
    client.memory().delete(*client.memory().keys(f"{{p1}}:{epoch}:i:*"))
    second = accept(books, (one, -10), (two, 10), key="a")
    assert (first.seq, second.seq) == (1, 2)
    assert journal_once() == 0
    assert why() == "dup"
    ownership.view(PARTITION, fresh=True)
    assert send(books, (one, -10), (two, 10), key="a").outcomes[0].ok
    assert balance_read(account_id=one).booked == 90
    proof()


def test_f16_a_poisoned_entry_is_kept_and_goes_to_the_database(books: Books) -> None:
    one, two = engine_account(books, 100), engine_account(books)
    epoch = activate()
    accept(books, (one, -10), (two, 10), key="before")
    bad = books.posting((one, -10), (two, 10), key="bad", description="x" * 300)  # more than the column takes
    posting_accept(posting=bad, actor_id=None)
    assert journal_once() == 0
    assert why() == "poison"
    with connection.cursor() as cursor:
        cursor.execute("SELECT transaction_id FROM balances_poison WHERE epoch = %s AND partition_id = 1", [epoch])
        assert cursor.fetchall() == [(bad.transaction_id,)]
    assert partition_activate(partition=PARTITION, acting_user=None) == epoch + 1
    ownership.view(PARTITION, fresh=True)
    good = books.posting((one, -10), (two, 10), key="bad", fingerprint=bad.fingerprint)
    with running():
        assert postings_execute(postings=[good], actor_id=None).outcomes[0].ok
        assert send(books, (one, -10), (two, 10), key="before").outcomes[0].ok
        assert balance_read(account_id=one).booked == 80
        proof()


def test_f17_an_account_is_gone_from_memory(books: Books) -> None:
    one, two = engine_account(books, 100), engine_account(books)
    epoch = activate()
    accept(books, (one, -90), (two, 90))
    client.memory().delete(f"{{p1}}:{epoch}:a:{one}")
    accept(books, (one, -90), (two, 90))  # taken again, from books that do not know of the first yet
    assert journal_once() == 0
    assert why() == "verify"
    ownership.view(PARTITION, fresh=True)
    assert balance_read(account_id=one).booked == 100
    proof()


def test_f21_freezing_stops_what_comes_after(books: Books) -> None:
    one, two = engine_account(books, 1_000), engine_account(books)
    with running():
        ending = threading.Event()

        def spend() -> list[str]:
            codes = []
            while not ending.is_set():
                codes.append(send(books, (one, -1), (two, 1)).outcomes[0].code)
            return codes

        spenders = [Background(spend) for _ in range(3)]
        until(lambda: control.part_read(PARTITION).head_seq > 5)
        with in_database([one], actor_id=None) as book:
            book.change(one, status="F")
        assert send(books, (one, -1), (two, 1)).outcomes[0].code == "FROZEN"
        ending.set()
        codes = [code for spender in spenders for code in spender.result()]
        assert balance_read(account_id=one).booked == 1_000 - codes.count("OK")
        proof()


def test_f22_any_process_goes_on_where_another_ended(books: Books) -> None:
    one, two = engine_account(books, 100), engine_account(books)
    epoch = activate()
    accept(books, (one, -10), (two, 10))
    assert journal_once() == 1
    control.fence(partition=PARTITION, epoch=epoch, why="planned")  # and dies; nothing is posted
    ownership.view(PARTITION, fresh=True)
    assert send(books, (one, -10), (two, 10)).outcomes[0].ok
    assert control.part_read(PARTITION).mode == "SAFE"
    activate()
    client.memory().flushdb()  # as if it had died before telling the memory
    assert journal_once() == 0
    accept(books, (one, -10), (two, 10))
    assert journal_once() == 1
    assert balance_read(account_id=one).booked == 70
    proof()


def test_f24_f25_killed_after_the_hand_or_after_the_flip(books: Books) -> None:
    one, two = engine_account(books, 100), engine_account(books)
    with running():
        assert send(books, (one, -10), (two, 10)).outcomes[0].ok
        epoch = control.part_read(PARTITION).epoch
        assert client.hand(partition=PARTITION, epoch=epoch, tokens=tokens(one)) is not None
        assert send(books, (one, -10), (two, 10)).outcomes[0].ok  # finishes the handover of the dead
        with in_database([one], actor_id=None) as book:
            assert book.balance(one).balance == 80
        ownership.accounts_bring_home([two])  # and dies before its own transaction
        with connection.cursor() as cursor:
            cursor.execute("UPDATE balances_balance SET database_until = NULL WHERE account_id IN (%s, %s)", [one, two])
        assert send(books, (one, -10), (two, 10)).outcomes[0].ok
        assert balance_of(two).owner_epoch == epoch  # taken again
        proof()


def test_f26_f27_a_late_install_and_a_late_flip_are_refused(books: Books) -> None:
    one, two = engine_account(books, 100), engine_account(books)
    with running():
        epoch = control.part_read(PARTITION).epoch
        late = ownership.accounts_take(partition=PARTITION, epoch=epoch, accounts=[one])
        old = tokens(one)
        ownership.accounts_bring_home([one])
        assert books.move(one, two, 30).ok
        ownership.accounts_take(partition=PARTITION, epoch=epoch, accounts=[one])
        assert client.install(partition=PARTITION, epoch=epoch, taken=late) in (0, 1)
        assert flip(epoch, old) == 0
        assert send(books, (one, -80), (two, 80)).outcomes[0].code == "NSF"
        assert balance_read(account_id=one).booked == 70
        proof()


def test_f28_the_flag_of_the_hand_is_lost(books: Books) -> None:
    one, two = engine_account(books, 100), engine_account(books)
    epoch = activate()
    accept(books, (one, -10), (two, 10))
    assert journal_once() == 1
    handed = tokens(one)
    client.hand(partition=PARTITION, epoch=epoch, tokens=handed)
    control.post_all(PARTITION)
    assert flip(epoch, handed) == 1
    memory_change(one, epoch=epoch, away=0)  # as a memory that failed over to an older copy
    accept(books, (one, -10), (two, 10))
    assert journal_once() == 0
    assert why() == "owner"
    with in_database([one], actor_id=None) as book:
        assert book.balance(one).balance == 90
    proof()


@pytest.mark.parametrize("step", ["hand", "post_all", "parts_read"])
def test_f30_a_fence_at_each_step_of_a_handover(books: Books, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    one, two = engine_account(books, 100), engine_account(books)
    epoch = activate()
    accept(books, (one, -10), (two, 10))
    assert journal_once() == 1
    module: Any = {"hand": client, "post_all": control, "parts_read": ownership}[step]
    real = getattr(module, step)

    def fenced(*args: Any, **options: Any) -> Any:
        control.fence(partition=PARTITION, epoch=epoch, why="planned")
        return real(*args, **options)

    monkeypatch.setattr(module, step, fenced)
    with in_database([one, two], actor_id=None) as book:
        assert (book.balance(one).balance, book.balance(two).balance) == (90, 10)
    assert control.part_read(PARTITION).mode == "SAFE"
    proof()


def test_f32_f33_domain_code_and_transfers_on_the_same_accounts(books: Books) -> None:
    one, two = engine_account(books, 1_000), engine_account(books, 1_000)

    def domain(*accounts: int) -> None:
        for _ in range(5):
            with in_database(accounts, actor_id=None) as book:
                book.post(books.posting((accounts[0], -3), (accounts[1], 3)))

    def transfers() -> None:
        for _ in range(20):
            assert send(books, (one, -1), (two, 1)).outcomes[0].ok

    with running():
        calls = [lambda: domain(one, two), lambda: domain(two, one), transfers, transfers]
        assert [result for result in together(calls) if result is not None] == []
        assert balance_read(account_id=one).booked == 960
        assert why() == ""
        proof()


def test_f34_transfers_across_partitions_while_it_is_fenced(books: Books) -> None:
    one, pinned = engine_account(books, 500), books.customer(500)
    other = engine_account(books, 500)

    def across(number: int) -> None:
        for _ in range(10):
            pairs = ((one, pinned), (pinned, one), (one, other))
            source, target = pairs[number % 3]
            assert send(books, (source, -1), (target, 1)).outcomes[0].ok

    def fences() -> None:
        for _ in range(3):
            part = until(lambda: (part := control.part_read(PARTITION)).mode == "FAST" and part)
            assert control.fence(partition=PARTITION, epoch=part.epoch, why="planned")

    with running():
        results = together([fences, *[lambda number=number: across(number) for number in range(6)]])
        assert [result for result in results if result is not None] == []
        total = sum(balance_read(account_id=account).booked for account in (one, pinned, other))
        assert total == 1_500
        proof()


def test_f35_one_key_on_both_paths_at_the_same_moment(books: Books) -> None:
    one, two = engine_account(books, 100), engine_account(books)
    with running():
        for number in range(5):
            posting = books.posting((one, -10), (two, 10), key=f"same{number}")
            results = together(
                [
                    lambda posting=posting: postings_execute(postings=[posting], actor_id=None).outcomes[0],
                    lambda posting=posting: postings_execute(postings=[posting], actor_id=None).outcomes[0],
                    lambda posting=posting: postings_execute(postings=[posting], actor_id=None).outcomes[0],
                ]
            )
            assert {(outcome.code, outcome.journal_id) for outcome in results} == {  # type: ignore[union-attr]
                ("OK", results[0].journal_id)  # type: ignore[union-attr]
            }
            assert postings_post([posting], actor_id=None).outcomes[0].replayed
        assert balance_read(account_id=one).booked == 50
        assert why() == ""
        proof()


def test_f37_asked_while_the_client_sends_again(books: Books) -> None:
    one, two = engine_account(books, 100), engine_account(books)
    epoch = activate()
    posting = books.posting((one, -10), (two, 10), key="again")
    posting_accept(posting=posting, actor_id=None)
    receipt = Receipt(posting.transaction_id, posting.client_id, posting.key, posting.fingerprint, PARTITION, epoch)
    assert posting_status(receipt=receipt) == "PENDING"
    control.fence(partition=PARTITION, epoch=epoch, why="planned")
    control.to_safe(PARTITION)
    activate()
    posting_accept(posting=posting, actor_id=None)
    assert posting_status(receipt=receipt) == "PENDING"
    assert journal_once() == 1
    assert posting_status(receipt=receipt) == "OK"
    proof()


def test_f38_bulk_work_in_a_partition_that_is_held_off(books: Books) -> None:
    accounts = [engine_account(books, 100) for _ in range(4)]
    bank = books.internal("4220")
    with running():
        ending = threading.Event()

        def spend() -> None:
            while not ending.is_set():
                assert send(books, (accounts[0], -1), (accounts[1], 1)).outcomes[0].code in {"OK", "NSF"}

        spender = Background(spend)
        until(lambda: control.part_read(PARTITION).head_seq > 5)
        partition_fence(partition=PARTITION, why="interest", acting_user=None)
        assert control.part_read(PARTITION).mode == "SAFE"
        postings = [books.posting((bank, -5), (account, 5)) for account in accounts]
        assert all(outcome.ok for outcome in books.post(*postings))
        client.memory().flushdb()
        assert partition_activate(partition=PARTITION, acting_user=None) is not None
        until(lambda: control.part_read(PARTITION).head_seq > 5)
        ending.set()
        spender.result()
        assert sum(balance_read(account_id=account).booked for account in accounts) == 420
        proof()


def test_f39_the_journal_waits_for_the_cut_off(books: Books) -> None:
    one, two = engine_account(books, 100), engine_account(books)
    activate()
    accept(books, (one, -10), (two, 10))
    locked, free = threading.Event(), threading.Event()

    def cut_off() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(7003)")
            locked.set()
            free.wait(120)

    holder = Background(cut_off)
    assert locked.wait(60)
    journaling = Background(journal_once)
    until(lambda: held_up(BY_THE_DAY))
    assert control.part_read(PARTITION).head_seq == 0
    free.set()
    holder.result()
    assert journaling.result() == 1
    proof()


def test_f40_without_a_poster_a_handover_ends_in_a_clear_error(books: Books) -> None:
    one, two = engine_account(books, 100), engine_account(books)
    activate()
    accept(books, (one, -10), (two, 10))
    assert journal_once() == 1
    locked, free = threading.Event(), threading.Event()

    def stuck() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(7002, 1)")
            locked.set()
            free.wait(120)
        connections.close_all()

    holder = Background(stuck)
    assert locked.wait(60)
    with pytest.raises(EngineOwned):
        ownership.accounts_bring_home([one], seconds=1)
    free.set()
    holder.result()
    with in_database([one], actor_id=None) as book:
        assert book.balance(one).balance == 90
    proof()


def test_f41_the_door_does_not_open_inside_a_transaction(books: Books) -> None:
    one = engine_account(books, 100)
    with transaction.atomic(), pytest.raises(RuntimeError), in_database([one], actor_id=None):
        pass
