"""What the engine executes and writes down, and the rules of a transfer once more, in Python.

The rules are those of `balances_post` and of scripts/exec.lua; the journaler applies them to every entry again, from
the books, so that nothing in memory has to be believed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

LEGS_MAX = 8
AMOUNT_MAX = 10**13
BALANCE_MAX = 9 * 10**15
_SEPARATOR = b"\x1f"


class EntryFault(ValueError):
    """The bytes are not an entry."""


class State(msgspec.Struct, gc=False):
    """An account as entries change it: credit-positive minor units, and the version that each line raises by one."""

    balance: int
    held: int
    limit: int
    status: str
    currency: str
    internal: bool
    version: int


class Transfer(msgspec.Struct, frozen=True, gc=False):
    """What `exec` is given: the id, hex of the fingerprint, the encoded facts, legs (account, amount, currency)."""

    transaction_id: str
    fingerprint: str
    facts: bytes
    legs: tuple[tuple[int, int, str], ...]


class Facts(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What is only written down: memory neither reads nor changes it."""

    client_id: str
    key: str
    kind: str
    value_date: dt.date | None
    channel: str
    description: str
    counterparty: str
    reference: str
    client_timestamp: dt.datetime | None
    actor: UUID | None
    correlation_id: str


facts_encode = msgspec.json.Encoder().encode
_facts_decode = msgspec.json.Decoder(Facts).decode


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One executed transfer, as it is in the stream."""

    seq: int
    transaction_id: UUID
    fingerprint: bytes
    legs: tuple[tuple[int, int, str], ...]
    outcome: str
    after: bytes
    facts: Facts


class Line(msgspec.Struct, frozen=True, gc=False):
    """A line that an entry writes: signed minor units, balances around it, the account's version after it."""

    account: int
    amount: int
    currency: str
    before: int
    after: int
    version: int


def entry_decode(body: bytes) -> Entry:
    """Raises EntryFault for anything that `exec` would not have written."""
    try:
        seq, transaction_id, fingerprint, legs, outcome, after, facts = body.split(_SEPARATOR, 6)
        parsed = []
        for leg in legs.decode("ascii").split(","):
            account, amount, currency = leg.split(":")
            parsed.append((int(account), int(amount), currency))
        return Entry(
            int(seq),
            UUID(transaction_id.decode("ascii")),
            bytes.fromhex(fingerprint.decode("ascii")),
            tuple(parsed),
            outcome.decode("ascii"),
            after,
            _facts_decode(facts),
        )
    except (ValueError, msgspec.MsgspecError) as error:
        raise EntryFault(str(error)) from error


def chain_next(previous: str, body: bytes) -> str:
    """The hash after an entry. SHA-1, which memory can compute: it finds forks and mistakes, it guards no secret."""
    return hashlib.sha1(previous.encode() + body, usedforsecurity=False).hexdigest()


def entry_apply(states: Mapping[int, State], legs: Sequence[tuple[int, int, str]]) -> tuple[str, list[Line]]:
    """Decide a transfer and, when it is OK, change the states: all legs or none. KeyError for an unknown account."""
    lines: list[Line] = []
    for account, amount, currency in legs:
        state = states[account]
        before = state.balance
        new = before + amount
        outcome = ""
        if state.status == "X":
            outcome = "CLOSED"
        elif state.currency != currency:
            outcome = "CCY"
        elif state.status != "O" and (
            state.status == "F" or (state.status == "D" and amount < 0) or (state.status == "C" and amount > 0)
        ):
            outcome = "FROZEN"
        elif abs(amount) > AMOUNT_MAX or abs(new) > BALANCE_MAX:
            outcome = "LIMIT"
        elif amount < 0 and not state.internal and new - state.held + state.limit < 0:
            outcome = "NSF"
        if outcome:
            for line in reversed(lines):
                undone = states[line.account]
                undone.balance = line.before
                undone.version -= 1
            return outcome, []
        state.balance = new
        state.version += 1
        lines.append(Line(account, amount, currency, before, new, state.version))
    return "OK", lines


def after_text(lines: Sequence[Line]) -> bytes:
    """The after-values of an entry as `exec` writes them: each account once, in the order of its first leg."""
    last: dict[int, Line] = {}
    for line in lines:
        last[line.account] = line  # a key keeps its first place
    return ",".join([f"{line.account}:{line.after}:{line.version}" for line in last.values()]).encode()
