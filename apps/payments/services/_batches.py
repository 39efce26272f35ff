"""Up to a thousand transfers in one call, each with its own outcome, or all of them or none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import msgspec

from apps.accounts.selectors import AccountRef, ProductRules
from apps.balances.errors import BatchRefused, refusal_of
from apps.balances.selectors import balance_live_read
from apps.balances.services import Leg, Outcome, Posting, PostingResult, postings_execute, postings_post
from apps.core.errors import DomainError, Unprocessable
from apps.core.idempotency import key_within, transaction_id_for
from apps.core.money import Money
from apps.core.trace import trace_id
from apps.payments.selectors import KIND_TRANSFER, account_refs, mandated_accounts, product_limits, product_rules_now
from apps.payments.services._common import Asked, Details, decided_before, value_date_check
from apps.payments.services._rules import rules_check
from apps.payments.services._signatures import signatures_check
from apps.payments.services._transfers import transfer_sides, usable_sources

BATCH_MAX = 1_000


class BatchItem(msgspec.Struct, frozen=True, gc=False):
    """One transfer of a batch. `key` is its own, or the batch's with its place; one fingerprint an item."""

    key: str
    fingerprint: bytes
    source: str
    destination: str
    amount: Money
    details: Details


class ItemResult(msgspec.Struct, frozen=True):
    """What became of one item: `error` None when it was committed. `replayed`: decided by an earlier request."""

    id: UUID
    error: DomainError | None
    replayed: bool

    @property
    def ok(self) -> bool:
        return self.error is None


def transfer_batch_post(*, asked: Asked, items: Sequence[BatchItem], atomic: bool) -> list[ItemResult]:
    """Post transfers, in their order, in one database call; the results are in the same order.

    With `atomic`, one item that is refused refuses all: the others have `BatchRefused`. An item that breaks a rule of
    transfers (see `transfer_post`) is refused and not kept: it may be sent again under its key.
    """
    user = asked.user
    client_id = asked.client_id
    ids = [transaction_id_for(user.pk, item.key) for item in items]
    faults: dict[int, DomainError] = _doubles(ids)
    refs = account_refs(names={name for item in items for name in (item.source, item.destination)})
    usable = usable_sources(user, refs, [item.source for item in items])
    limits = product_limits()
    mandated = mandated_accounts(user=user, refs=[refs[item.source] for item in items if item.source in refs])
    rules, moved = product_rules_now(), defaultdict[int, int](int)
    dates_checked: set[object] = {None}
    postings: list[Posting] = []
    places: list[int] = []
    for place, item in enumerate(items):
        if place in faults:
            continue
        details, amount = item.details, item.amount
        try:
            debit, credit = transfer_sides(refs, limits, usable, item.source, item.destination, amount)
            if debit.account_id in mandated:
                signatures_check(user=user, ref=debit, amount=amount, pointer="/source_account")
            if rules:
                _rules_measure(item, debit, credit, rules, moved)
            if details.value_date not in dates_checked:
                value_date_check(details.value_date)
                dates_checked.add(details.value_date)
        except DomainError as error:
            faults[place] = error
            continue
        places.append(place)
        postings.append(
            Posting(
                ids[place],
                client_id,
                key_within(item.key),
                item.fingerprint,
                KIND_TRANSFER,
                (
                    Leg(debit.ledger_id, -amount.minor, amount.currency),
                    Leg(credit.ledger_id, amount.minor, amount.currency),
                ),
                None,
                details.value_date,
                details.channel,
                details.description,
                details.counterparty,
                details.reference,
                None,
                details.client_timestamp,
            )
        )
    results: dict[int, ItemResult] = {
        place: _fault(asked, items[place], ids[place], error) for place, error in faults.items()
    }
    if atomic and any(not result.replayed or not result.ok for result in results.values()):
        # An item that cannot even be tried: nothing is posted, nothing is kept, the whole may be sent again.
        return [results.get(place) or ItemResult(ids[place], BatchRefused(), False) for place in range(len(items))]
    if postings:
        posted = _post(postings, user.pk, atomic)
        for place, outcome in zip(places, posted.outcomes, strict=True):
            results[place] = _result(ids[place], outcome)
    return [results[place] for place in range(len(items))]


def _rules_measure(
    item: BatchItem, debit: AccountRef, credit: AccountRef, rules: Mapping[UUID, ProductRules], moved: dict[int, int]
) -> None:
    """Measure an item by the products' rules, after what the items before it `moved`. Raises as `rules_check`."""

    def stand(ledger_id: int) -> tuple[int, int]:
        seen = balance_live_read(account_id=ledger_id, how_much_pending=False)
        return moved[ledger_id] + seen.booked, seen.held

    rules_check(
        amount=item.amount,
        channel=item.details.channel,
        debit=debit,
        credit=credit,
        rules=rules,
        stand=stand,
    )
    moved[debit.ledger_id] -= item.amount.minor
    moved[credit.ledger_id] += item.amount.minor


def _post(postings: list[Posting], actor_id: UUID, atomic: bool) -> PostingResult:
    """All or none is one transaction of the database; independent ones may go through the engine."""
    if atomic:
        return postings_post(postings, actor_id=actor_id, correlation_id=trace_id(), atomic=True)
    return postings_execute(postings=postings, actor_id=actor_id, correlation_id=trace_id())


def _doubles(ids: list[UUID]) -> dict[int, DomainError]:
    """Items whose key comes a second time in the batch."""
    first: dict[UUID, int] = {}
    faults: dict[int, DomainError] = {}
    for place, transaction_id in enumerate(ids):
        if first.setdefault(transaction_id, place) != place:
            faults[place] = Unprocessable(
                f"The key is that of item {first[transaction_id]}.", pointer="/idempotency_key"
            )
    return faults


def _fault(asked: Asked, item: BatchItem, transaction_id: UUID, error: DomainError) -> ItemResult:
    """The refusal before posting, unless the item was decided earlier, under other rules."""
    if error.pointer == "/idempotency_key":
        return ItemResult(transaction_id, error, False)
    try:
        before = decided_before(replace(asked, key=item.key, fingerprint=item.fingerprint))
    except DomainError as reused:
        return ItemResult(transaction_id, reused, True)
    if before is None:
        return ItemResult(transaction_id, error, False)
    return ItemResult(transaction_id, None if before.ok else refusal_of(before.outcome), True)


def _result(transaction_id: UUID, outcome: Outcome) -> ItemResult:
    return ItemResult(transaction_id, None if outcome.ok else refusal_of(outcome.code), outcome.replayed)
