"""F1 to F24 on real processes: kill -9, SIGSTOP, FLUSHALL, a cut log, a restart from old data. A proof ends each."""

from __future__ import annotations

import random
import shutil
import signal
import threading
import time
import uuid
from pathlib import Path

import pytest
from django.db import connection, connections

from apps.balances.engine import client, control, ownership
from apps.balances.engine.status import engine_status
from apps.balances.errors import EngineBusy, EngineOwned, OutcomeUnknown
from apps.balances.selectors import balance_read, transactions_known
from apps.balances.services import in_database, partition_activate, posting_accept, postings_execute
from tests.factories.engine import PARTITION, accept, activate, engine_account, journal_once, proof, send
from tests.factories.postings import Books
from tests.faults.machines import Memory, engine_process, eventually

pytestmark = [pytest.mark.usefixtures("memory"), pytest.mark.slow]

NOT_YET = (EngineBusy, OutcomeUnknown, EngineOwned)


def fast() -> bool:
    return ownership.view(PARTITION, fresh=True).is_fast


def present() -> set[int]:
    """The sessions by which engine processes say that they are there."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 7005 AND mode = 'ShareLock' AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return {row[0] for row in cursor.fetchall()}


class Clients(threading.Thread):
    """A client that sends transfers, repeats each with its key until it is answered, and notes every answer."""

    def __init__(self, books: Books, accounts: list[int], *, seed: int) -> None:
        super().__init__(daemon=True)
        self.books, self.accounts, self.random = books, accounts, random.Random(seed)
        self.ending = threading.Event()
        self.answers: dict[uuid.UUID, str] = {}
        self.errors: list[BaseException] = []

    def run(self) -> None:
        try:
            while not self.ending.is_set():
                one, two = self.random.sample(self.accounts, 2)
                amount = self.random.choice((1, 7, 60))
                posting = self.books.posting((one, -amount), (two, amount))
                self.answers[posting.transaction_id] = self._answer(posting)
        except BaseException as error:  # noqa: BLE001 - judged by the test
            self.errors.append(error)
        finally:
            connections.close_all()

    def _answer(self, posting: object) -> str:
        for _ in range(600):
            try:
                return postings_execute(postings=[posting], actor_id=None).outcomes[0].code  # type: ignore[list-item]
            except NOT_YET:
                time.sleep(0.1)
        raise AssertionError("no answer although the faults have stopped")


def load(books: Books, accounts: list[int], *, threads: int = 4) -> list[Clients]:
    clients = [Clients(books, accounts, seed=number) for number in range(threads)]
    for one in clients:
        one.start()
    return clients


def end(clients: list[Clients]) -> dict[uuid.UUID, str]:
    """All answers, each of which must be in the books."""
    for one in clients:
        one.ending.set()
    for one in clients:
        one.join(180)
        assert not one.is_alive()
        assert one.errors == []
    answers = {key: value for one in clients for key, value in one.answers.items()}
    assert transactions_known(transaction_ids=answers) == set(answers)
    return answers


def test_f01_f02_f04_f05_engines_are_killed_under_load(books: Books, memory: Memory) -> None:
    accounts = [engine_account(books, 500) for _ in range(6)]
    with engine_process(memory.url) as first:
        eventually(fast)
        clients = load(books, accounts)
        eventually(lambda: control.part_read(PARTITION).head_seq > 50)
        with engine_process(memory.url):
            eventually(lambda: engine_status()[0].processes == 2)
            head = control.part_read(PARTITION).head_seq
            first.kill()  # wherever it is: before, in or after its commit
            eventually(lambda: control.part_read(PARTITION).head_seq > head + 20)
            answers = end(clients)
            assert control.part_read(PARTITION).fenced_why == ""
            assert sum(balance_read(account_id=account).booked for account in accounts) == 3_000
            proof()
    assert "OK" in answers.values()
    assert control.part_read(PARTITION).mode == "SAFE"  # the last one to stop hands over to the database


def test_all_engines_killed_the_database_takes_over_by_itself(books: Books, memory: Memory) -> None:
    accounts = [engine_account(books, 500) for _ in range(4)]
    with engine_process(memory.url) as only:
        eventually(fast)
        clients = load(books, accounts)
        eventually(lambda: control.part_read(PARTITION).head_seq > 20)
        only.kill()
        eventually(lambda: control.part_read(PARTITION).fenced_why == "journal-stalled")
        done = sum(len(one.answers) for one in clients)
        eventually(lambda: sum(len(one.answers) for one in clients) > done + 20)
        end(clients)
    assert control.part_read(PARTITION).mode == "SAFE"
    proof()


def test_f03_f23_memory_killed_and_its_log_cut(books: Books, memory: Memory) -> None:
    one, two = engine_account(books, 1_000), engine_account(books)
    activate()
    told = [accept(books, (one, -10), (two, 10), key=f"k{number}") for number in range(20)]
    assert journal_once() == 20
    lost = [accept(books, (one, -10), (two, 10), key=f"l{number}") for number in range(10)]
    assert lost[-1].seq == told[-1].seq + 10
    client.memory().execute_command("WAITAOF", 1, 0, 2_000)
    memory.kill()
    with memory.append_only_file.open("r+b") as log:
        log.truncate(memory.append_only_file.stat().st_size - random.Random(7).randrange(200, 1_500))
    memory.start()
    while journal_once():
        pass
    part = control.part_read(PARTITION)
    assert part.mode == "FAST" or part.fenced_why in {"stale", "lost", "chain"}
    head = part.head_seq
    assert 20 <= head < 30  # whole scripts only, and some are gone
    for number in range(10):
        posting = books.posting((one, -10), (two, 10), key=f"l{number}")
        result = posting_accept(posting=posting, actor_id=None)
        del result
    while journal_once():
        pass
    assert balance_read(account_id=one).booked == 700  # each of the thirty once
    proof()


def test_f08_memory_restarted_from_old_data(books: Books, memory: Memory, tmp_path: Path) -> None:
    one, two = engine_account(books, 1_000), engine_account(books)
    activate()
    accept(books, (one, -10), (two, 10))
    assert journal_once() == 1
    client.memory().execute_command("WAITAOF", 1, 0, 2_000)
    shutil.copytree(memory.server.folder / "appendonlydir", tmp_path / "old")
    for _ in range(5):
        accept(books, (one, -10), (two, 10))
    assert journal_once() == 5
    memory.kill()
    shutil.rmtree(memory.server.folder / "appendonlydir")
    shutil.copytree(tmp_path / "old", memory.server.folder / "appendonlydir")
    memory.start()
    assert journal_once() == 0
    assert control.part_read(PARTITION).fenced_why == "stale"
    assert balance_read(account_id=one).booked == 940
    assert partition_activate(partition=PARTITION, acting_user=None) is not None
    ownership.view(PARTITION, fresh=True)
    accept(books, (one, -10), (two, 10))
    assert journal_once() == 1
    assert balance_read(account_id=one).booked == 930
    proof()


def test_f10_flushall_is_noticed_and_the_database_takes_over(books: Books, memory: Memory) -> None:
    accounts = [engine_account(books, 500) for _ in range(4)]
    with engine_process(memory.url):
        eventually(fast)
        clients = load(books, accounts)
        eventually(lambda: control.part_read(PARTITION).head_seq > 20)
        client.memory().flushall()
        eventually(lambda: control.part_read(PARTITION).mode == "SAFE")  # in two seconds on a machine at rest
        assert control.part_read(PARTITION).fenced_why == "lost"
        end(clients)
        proof()


def test_f12_f29_memory_hangs_then_comes_back_with_the_past(books: Books, memory: Memory) -> None:
    one, two, three = engine_account(books, 100), engine_account(books), engine_account(books)
    with engine_process(memory.url):
        eventually(fast)
        assert send(books, (one, -10), (two, 10)).outcomes[0].ok
        memory.signal(signal.SIGSTOP)
        with in_database([one], actor_id=None) as book:  # gives up on the memory, and is not kept waiting by it
            assert book.balance(one).balance == 90
        assert send(books, (one, -90), (three, 90)).outcomes[0].ok  # PostgreSQL spends what memory still shows
        memory.signal(signal.SIGCONT)
        assert send(books, (one, -10), (two, 10)).outcomes[0].code == "NSF"
        proof()


def test_f13_an_engine_stopped_over_a_fence_resumes(books: Books, memory: Memory) -> None:
    accounts = [engine_account(books, 500) for _ in range(4)]
    with engine_process(memory.url) as sleeper:
        eventually(fast)
        clients = load(books, accounts)
        eventually(lambda: control.part_read(PARTITION).head_seq > 20)
        sleeper.signal(signal.SIGSTOP)
        eventually(lambda: control.part_read(PARTITION).mode != "FAST")
        eventually(lambda: control.part_read(PARTITION).mode == "SAFE")
        before = present()  # the sleeper's own is ended by PostgreSQL, if it was stopped in a transaction
        with engine_process(memory.url):
            eventually(lambda: present() - before)
            assert partition_activate(partition=PARTITION, acting_user=None) is not None
            eventually(lambda: control.part_read(PARTITION).head_seq > 20)
            sleeper.signal(signal.SIGCONT)
            head = control.part_read(PARTITION).head_seq
            eventually(lambda: control.part_read(PARTITION).head_seq > head + 20)
            end(clients)
            assert control.part_read(PARTITION).fenced_why == ""
            proof()


def test_f18_a_full_memory_refuses_before_its_first_write(books: Books, memory: Memory) -> None:
    one, two = engine_account(books, 100), engine_account(books)
    activate()
    accept(books, (one, -10), (two, 10))
    assert journal_once() == 1
    client.memory().config_set("maxmemory", "1")
    with pytest.raises(EngineBusy):
        send(books, (one, -10), (two, 10), key="full")
    client.memory().config_set("maxmemory", "0")
    assert accept(books, (one, -10), (two, 10), key="full").seq == 2
    assert journal_once() == 1
    proof()


def test_one_balance_spent_by_100_threads_through_changes_of_mode(books: Books, memory: Memory) -> None:
    rich, poor = engine_account(books, 500), engine_account(books)
    answers: list[str] = []
    lock, fenced = threading.Lock(), threading.Event()

    def spend(number: int) -> None:
        try:
            for item in range(8):
                if item == 2:  # the others wait for the first fence, however fast this machine spends
                    fenced.wait(120)
                posting = books.posting((rich, -1), (poor, 1), key=f"{number}/{item}")
                for _ in range(1_200):
                    try:
                        code = postings_execute(postings=[posting], actor_id=None).outcomes[0].code
                        break
                    except NOT_YET:
                        time.sleep(0.05)
                with lock:
                    answers.append(code)
        finally:
            connections.close_all()

    def by_the_engine() -> bool:
        return control.part_read(PARTITION).head_seq > 5

    def partition_fenced() -> bool:
        return control.fence(partition=PARTITION, epoch=control.part_read(PARTITION).epoch, why="planned")

    with engine_process(memory.url):
        eventually(fast)
        threads = [threading.Thread(target=spend, args=(number,), daemon=True) for number in range(100)]
        for thread in threads:
            thread.start()
        eventually(lambda: by_the_engine() or len(answers) == 200)
        eventually(partition_fenced)
        fenced.set()  # three of four spend while the mode changes, and after
        while len(answers) < 700:
            eventually(lambda: by_the_engine() or len(answers) >= 700)
            partition_fenced()
            eventually(fast)
        for thread in threads:
            thread.join(120)
        assert (answers.count("OK"), answers.count("NSF")) == (500, 300)
        assert (balance_read(account_id=rich).booked, balance_read(account_id=poor).booked) == (0, 500)
        proof()
