"""Transfers through the engine, answered when the journal has them; in PostgreSQL whenever that is not possible."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import SystemRandom
from uuid import UUID

from django.db import connection

from apps.balances.engine import client, control, ownership
from apps.balances.engine.entries import LEGS_MAX, Transfer, facts_text
from apps.balances.engine.waiting import Decided, Waiting, decided, known_or_poisoned
from apps.balances.errors import EngineBusy, OutcomeUnknown
from apps.balances.services._posting import Outcome, Posting, PostingResult, open_accounts, postings_post
from apps.core.gather import alone, pause

DEADLINE_SECONDS = 10
AWAY_PAUSES_MS = (10, 20, 40)
BUSY_PAUSES_MS = (50, 200, 800)
LOOK_MS = 250
DOWN_SECONDS = 2
_chance = SystemRandom()


@dataclass(frozen=True, slots=True)
class Accepted:
    """A transfer executed in memory and not journaled yet: it becomes what `outcome` says, or nothing."""

    partition: int
    epoch: int
    seq: int
    outcome: str


def postings_execute(*, postings: Sequence[Posting], actor_id: UUID | None, correlation_id: str = "") -> PostingResult:
    """Post independent transfers: through the engine where it executes all of their accounts, else in PostgreSQL.

    The answer is final, as of `postings_post`. Raises as that, and `EngineBusy` (nothing was done) or `OutcomeUnknown`.
    """
    partition = _partition_for(postings)
    if not partition:
        return postings_post(postings, actor_id=actor_id, correlation_id=correlation_id)
    return _Run(partition, postings, actor_id, correlation_id).finish()


def posting_accept(*, posting: Posting, actor_id: UUID | None, correlation_id: str = "") -> PostingResult | Accepted:
    """The same for one transfer, without waiting for the journal when it goes to the engine: then it is `Accepted`."""
    result = postings_accept(postings=[posting], actor_id=actor_id, correlation_id=correlation_id)
    return result if isinstance(result, PostingResult) else result[0]


def postings_accept(
    *, postings: Sequence[Posting], actor_id: UUID | None, correlation_id: str = ""
) -> PostingResult | list[Accepted]:
    """Post independent transfers without waiting for the journal when they go to the engine: each is `Accepted` then.

    Otherwise, and where one of them was decided before, the final answer as of `postings_execute`.
    """
    partition = _partition_for(postings)
    if not partition:
        return postings_post(postings, actor_id=actor_id, correlation_id=correlation_id)
    return _Run(partition, postings, actor_id, correlation_id).accept()


def _partition_for(postings: Sequence[Posting]) -> int:
    """The engine partition that may execute all of them, or 0. No query while none is FAST."""
    if not ownership.engine_on() or connection.in_atomic_block or open_accounts.get() is not None:
        return 0
    if not ownership.any_fast():
        return 0
    accounts = set()
    for posting in postings:
        if len(posting.legs) > LEGS_MAX or posting.business_date is not None or posting.reverses is not None:
            return 0
        accounts.update([leg.account_id for leg in posting.legs])
    return ownership.partition_of(accounts)


def _transfer(posting: Posting, actor_id: UUID | None, correlation_id: str) -> Transfer:
    facts = facts_text(
        client_id=posting.client_id,
        key=posting.key,
        kind=posting.kind,
        value_date=posting.value_date,
        client_timestamp=posting.client_timestamp,
        actor=actor_id,
        correlation_id=correlation_id,
        channel=posting.channel,
        description=posting.description,
        counterparty=posting.counterparty,
        reference=posting.reference,
    )
    legs = [(leg.account_id, leg.amount, leg.currency) for leg in posting.legs]
    return Transfer(str(posting.transaction_id), posting.fingerprint.hex(), facts, legs)


class _Run:
    """One call's way through the engine. Every step may be repeated: the transaction id makes it happen once."""

    def __init__(self, partition: int, postings: Sequence[Posting], actor_id: UUID | None, correlation_id: str) -> None:
        self.partition = partition
        self.postings = postings
        self.actor_id = actor_id
        self.correlation_id = correlation_id
        self.deadline = time.monotonic() + DEADLINE_SECONDS
        self.ours: set[UUID] = set()
        self.known: dict[UUID, Decided] = {}
        self.down_since = 0.0
        self.busy = 0

    def finish(self) -> PostingResult:
        """Until PostgreSQL has decided all of them."""
        with Waiting([posting.transaction_id for posting in self.postings]) as waiting:
            while time.monotonic() < self.deadline:
                sent = self._send()
                if isinstance(sent, PostingResult):
                    return sent
                if sent is None:
                    continue
                epoch, done = sent
                waiting.expect(partition=self.partition, epoch=epoch, seq=max([seq for _, seq in done.outcomes]))
                found = self._journaled(waiting, epoch)
                if found is not None:
                    self.known = found
                    return self._result()
        raise OutcomeUnknown("Repeat the request with the same key.", retry_after=1)

    def accept(self) -> PostingResult | list[Accepted]:
        """Until memory has executed them, or PostgreSQL has decided them."""
        while time.monotonic() < self.deadline:
            sent = self._send()
            if isinstance(sent, PostingResult):
                return sent
            if sent is not None:
                epoch, done = sent
                if self.known or any(outcome == "REUSED" for outcome, _ in done.outcomes):
                    return self.finish()  # reused: what it repeats may still disappear
                return [Accepted(self.partition, epoch, seq, outcome) for outcome, seq in done.outcomes]
        raise OutcomeUnknown("Repeat the request with the same key.", retry_after=1)

    def _send(self) -> PostingResult | tuple[int, client.Executed] | None:
        """The final answer, or what memory did in which epoch, or None: begin again."""
        view = ownership.view(self.partition)
        ids = [posting.transaction_id for posting in self.postings]
        self.known, poisoned = known_or_poisoned(ids)
        if len(self.known) == len(ids):
            return self._result()
        if poisoned or not view.is_fast:
            return self._in_database()
        done = self._execute(view.epoch)
        if done is None:
            return None
        return self._in_database() if done.status == "DB" else (view.epoch, done)

    def _execute(self, epoch: int) -> client.Executed | None:
        """Drive the transfers into memory. None: begin again; status DB: the database path has them."""
        fresh = [posting for posting in self.postings if posting.transaction_id not in self.known]
        transfers = [_transfer(posting, self.actor_id, self.correlation_id) for posting in fresh]
        away = 0
        while time.monotonic() < self.deadline:
            try:
                done = client.execute(partition=self.partition, epoch=epoch, transfers=transfers)
                if done.status == "AWAY":
                    taken = ownership.accounts_take(partition=self.partition, epoch=epoch, accounts=done.accounts)
                    client.install(partition=self.partition, epoch=epoch, taken=taken)
                    if away and not self._away_pause(away):
                        return client.Executed("DB")  # somebody works on an account: join him there
                    away += 1
                    continue
                if done.status == "BUSY":
                    self._busy_pause()
                    continue
            except client.EpochEnded:
                ownership.view(self.partition, fresh=True)
                _pause(5)
                return None
            except client.MemoryUnreachable:
                self._down(epoch)
                return None
            except client.MemoryFull as error:
                raise EngineBusy("The engine's memory is full.", retry_after=2) from error
            except client.MemoryFault:
                return client.Executed("DB")
            self.down_since = 0.0
            if done.status == "DB":  # somebody sent one of the ids there
                return done
            for posting, (outcome, _) in zip(fresh, done.outcomes, strict=True):
                if outcome not in {"DUP", "REUSED"}:
                    self.ours.add(posting.transaction_id)
            return done
        return None

    def _away_pause(self, times: int) -> bool:
        """Wait for accounts that are away again, longer each time; False when it was long enough."""
        if times > len(AWAY_PAUSES_MS):
            return False
        _pause(AWAY_PAUSES_MS[times - 1])
        return True

    def _busy_pause(self) -> None:
        if self.busy == len(BUSY_PAUSES_MS):
            raise EngineBusy(retry_after=2)
        _pause(round(BUSY_PAUSES_MS[self.busy] * _chance.uniform(0.5, 1.5)))
        self.busy += 1

    def _down(self, epoch: int) -> None:
        """The memory is away: wait for the fence, and be the one who fences when nobody else does."""
        now = time.monotonic()
        self.down_since = self.down_since or now
        if (now - self.down_since) * 1_000 >= control.UNREACHABLE_MS:
            control.fence(partition=self.partition, epoch=epoch, why="redis-down")
        _pause(50)
        ownership.view(self.partition, fresh=True)

    def _journaled(self, waiting: Waiting, epoch: int) -> dict[UUID, Decided] | None:
        """What PostgreSQL says of all of them; None when the epoch ended without, or the time is over."""
        while time.monotonic() < self.deadline:
            found = waiting.all(milliseconds=LOOK_MS)
            if found is not None:
                return found
            part = ownership.view(self.partition, fresh=True)
            if not part.is_fast or part.epoch != epoch:
                # From the fence on nothing of the epoch is journaled: what is not here now never will be.
                ids = {posting.transaction_id for posting in self.postings}
                last = decided(ids)
                return last if len(last) == len(ids) else None
            control.stall_watch(partition=self.partition, epoch=epoch, head_seq=part.head_seq)
        return None

    def _in_database(self) -> PostingResult:
        """The same in PostgreSQL, after the engine can no longer have it."""
        alone()
        fresh = [posting for posting in self.postings if posting.transaction_id not in self.known]
        executed = _claim(self.partition, fresh)
        if executed:
            with Waiting(executed) as waiting:
                self._journaled(waiting, ownership.view(self.partition, fresh=True).epoch)
        posted = postings_post(self.postings, actor_id=self.actor_id, correlation_id=self.correlation_id)
        outcomes = [
            Outcome(outcome.code, outcome.journal_id, outcome.replayed and posting.transaction_id not in self.ours)
            for posting, outcome in zip(self.postings, posted.outcomes, strict=True)
        ]
        return PostingResult(outcomes, posted.booked_at, posted.business_date, posted.balances)

    def _result(self) -> PostingResult:
        outcomes = []
        booked_at: dt.datetime | None = None
        day: dt.date | None = None
        for posting in self.postings:
            one = self.known[posting.transaction_id]
            same = one.fingerprint == posting.fingerprint
            outcomes.append(
                Outcome(
                    one.outcome if same else "REUSED",
                    one.journal_id if same else None,
                    posting.transaction_id not in self.ours,
                )
            )
            booked_at, day = one.booked_at or booked_at, one.business_date or day
        return PostingResult(outcomes, booked_at, day, {})  # type: ignore[arg-type]  # both stand unless all are void


def _pause(milliseconds: int) -> None:
    pause(milliseconds / 1_000)


class _Memory:
    """Until when this process does not ask the memory for what it can do without."""

    down_until = 0.0


def _claim(partition: int, postings: Sequence[Posting]) -> list[UUID]:
    """Ids that the engine has executed and the journal may still get; the others now belong to the database path.

    Best effort: the transaction's unique id is what keeps it from happening twice. A memory that is away is not asked
    by every transfer anew.
    """
    if time.monotonic() < _Memory.down_until:
        return []
    marks = [(posting.transaction_id, posting.fingerprint) for posting in postings]
    view = ownership.view(partition, fresh=True)
    try:
        claimed = client.claim(partition=partition, epoch=view.epoch, alive=view.is_fast, marks=marks)
    except (client.MemoryUnreachable, client.MemoryFull, client.MemoryFault):
        _Memory.down_until = time.monotonic() + DOWN_SECONDS
        return []
    except client.EpochEnded:
        return []
    return [marked[0] for marked, mine in zip(marks, claimed, strict=True) if not mine]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the client of an accepted transfer keeps: who asked for what under which key, and in which epoch."""

    transaction_id: UUID
    client_id: str
    key: str
    fingerprint: bytes
    partition: int
    epoch: int


def posting_status(*, receipt: Receipt) -> str:
    """Of an accepted transfer: ``PENDING``, or its final outcome; ``VOID`` when it can never be journaled.

    A transfer is made void by asking, once its epoch has ended without it; from then on its key stays void.
    """
    found = decided([receipt.transaction_id]).get(receipt.transaction_id)
    if found is not None:
        return found.outcome if found.fingerprint == receipt.fingerprint else "REUSED"
    part = ownership.parts_read().get(receipt.partition, ownership.View("SAFE", 0))
    if part.is_fast and part.epoch == receipt.epoch:
        return "PENDING"
    try:
        mine = client.claim(
            partition=receipt.partition,
            epoch=part.epoch,
            alive=part.is_fast,
            marks=[(receipt.transaction_id, receipt.fingerprint)],
        )
        if not mine[0]:
            return "PENDING"  # sent again under its key, and executed
    except client.EpochEnded:
        return "PENDING"  # the memory is about to follow: ask again
    except (client.MemoryUnreachable, client.MemoryFull, client.MemoryFault):
        pass
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO balances_transaction_key (transaction_id, client_id, idempotency_key, fingerprint, outcome)"
            " VALUES (%s, %s, %s, %s, 'VOID') ON CONFLICT (transaction_id) DO NOTHING",
            [receipt.transaction_id, receipt.client_id, receipt.key, receipt.fingerprint],
        )
    found = decided([receipt.transaction_id])[receipt.transaction_id]
    return found.outcome if found.fingerprint == receipt.fingerprint else "REUSED"
