"""What the engine executes and writes down, and the rules of a transfer once more, in Python.

The rules are those of `balances_post` and of scripts/exec.lua; the journaler applies them to every entry again, from
the books, so that nothing in memory has to be believed.

What one call executed is one page of the stream: its entries, one after another. An entry is nine texts: sequence,
outcome, balances after it, transaction id, fingerprint, legs, value date, and the two pieces of COPY rows that the
client made (`facts_text`), which nobody reads before PostgreSQL does.
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
ENTRY_END = "\x1e"
FIELD_END = "\x1f"

Legs = Sequence[tuple[int, int, str]]
"""(account, credit-positive minor units, currency) of each."""


class EntryFault(ValueError):
    """The bytes are not a page of entries."""


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
    """What `exec` is given: the id, hex of the fingerprint, the text of `facts_text`, the legs."""

    transaction_id: str
    fingerprint: str
    facts: str
    legs: Legs


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One executed transfer, as it is in a page. `key` and `facts` are pieces of COPY rows."""

    seq: int
    outcome: str
    after: str
    transaction_id: str
    fingerprint: str
    legs: Legs
    value_date: str
    key: str
    facts: str


class Page(msgspec.Struct, frozen=True, gc=False):
    """What one call executed: sequence of the last entry, the bytes, and the chain hash after them."""

    seq: int
    body: bytes
    chain_hash: str


class Line(msgspec.Struct, frozen=True, gc=False):
    """A line that an entry writes: signed minor units, balances around it, the account's version after it."""

    account: int
    amount: int
    currency: str
    before: int
    after: int
    version: int


_ESCAPES = {number: f"\\x{number:02x}" for number in (*range(32), 127)} | {ord("\\"): "\\\\"}
_NULL = "\\N"


def copy_text(value: str) -> str:
    """A value in COPY's text format; whatever could end a field, a row, an entry or a page is escaped."""
    return value if value.isprintable() and "\\" not in value else value.translate(_ESCAPES)


def facts_text(
    *,
    client_id: str,
    key: str,
    kind: str,
    value_date: dt.date | None,
    client_timestamp: dt.datetime | None,
    actor: UUID | None,
    correlation_id: str,
    channel: str,
    description: str,
    counterparty: str,
    reference: str,
) -> str:
    """What is only written down with a transfer; made once, by the client, as the journaler will copy it."""
    return (
        f"{value_date or ''}{FIELD_END}{copy_text(client_id)}\t{copy_text(key)}{FIELD_END}"
        f"{copy_text(kind)}\t{client_timestamp or _NULL}\t{actor or _NULL}\t{copy_text(correlation_id)}\t"
        f"{copy_text(channel)}\t{copy_text(description)}\t{copy_text(counterparty)}\t{copy_text(reference)}"
    )


def page_decode(body: bytes) -> list[Entry]:
    """Raises EntryFault for anything that `exec` would not have written."""
    try:
        text = body.decode()
        if "\n" in text or "\r" in text:
            raise EntryFault("an entry with more than a line")
        return [_entry_decode(raw) for raw in text.split(ENTRY_END)]
    except ValueError as error:
        raise EntryFault(str(error)) from error


def _entry_decode(raw: str) -> Entry:
    seq, outcome, after, transaction_id, fingerprint, legs, value_date, key, facts = raw.split(FIELD_END)
    if key.count("\t") != 1 or facts.count("\t") != 7:
        raise EntryFault("not the columns of an entry")
    parsed = []
    for leg in legs.split(","):
        account, amount, currency = leg.split(":")
        parsed.append((int(account), int(amount), currency))
    return Entry(int(seq), outcome, after, transaction_id, fingerprint, parsed, value_date, key, facts)


def chain_next(previous: str, body: bytes) -> str:
    """The hash after a page. SHA-1, which memory can compute: it finds forks and mistakes, it guards no secret."""
    return hashlib.sha1(previous.encode() + body, usedforsecurity=False).hexdigest()


def entry_apply(states: Mapping[int, State], legs: Legs) -> tuple[str, list[Line]]:
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


def after_text(lines: Sequence[Line]) -> str:
    """The after-values of an entry as `exec` writes them: each account once, in the order of its first leg."""
    if len(lines) == 2 and lines[0].account != lines[1].account:  # nearly always
        one, two = lines
        return f"{one.account}:{one.after}:{one.version},{two.account}:{two.after}:{two.version}"
    last: dict[int, Line] = {}
    for line in lines:
        last[line.account] = line  # a key keeps its first place
    return ",".join([f"{line.account}:{line.after}:{line.version}" for line in last.values()])
