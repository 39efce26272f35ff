"""An import from its first row to its report: find accounts, foresee refusals, post in batches, compare balances."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO
from uuid import UUID

from django.db import DatabaseError, InterfaceError, OperationalError, connection

from apps.accounts.selectors import AccountRef
from apps.balances.errors import refusal_of
from apps.balances.selectors import Decided, balances_read, transactions_decided
from apps.balances.services import Leg, Outcome, Posting, PostingResult, postings_post
from apps.core.errors import DomainError, IdempotencyKeyReused, ServerError, Unavailable
from apps.core.trace import trace_id
from apps.ledger.errors import BusinessDateInFuture, PeriodClosed
from apps.ledger.selectors import business_date_current, periods
from apps.payments.channels import CHANNELS
from apps.payments.importing.accounts import AccountFinder
from apps.payments.importing.reader import Batch, FileReader
from apps.payments.importing.report import ImportReport
from apps.payments.importing.rows import ImportRow, Refusal, client_of, refusal_of_row, row_again
from apps.payments.selectors import KIND_IMPORT

if TYPE_CHECKING:
    from apps.identity.models import Branch, User

logger = logging.getLogger(__name__)

BATCH_SIZE = 2_000
POST_TRIES = 6
ATTEMPTS_MAX = 50
MINOR_MAX, BALANCE_MAX = 10**13, 9 * 10**15


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a file is imported. `source` is where its external ids come from: within a source each is posted once."""

    source: str = "import"
    create_accounts: bool = False
    allow_overdraft: bool = False
    dry_run: bool = False
    batch_size: int = BATCH_SIZE


@dataclass(slots=True)
class _State:
    """An account's money as foreseen: what the database will decide on, unless somebody comes in between."""

    balance: int
    held: int
    limit: int
    status: str
    currency: str


def transactions_import(
    *,
    acting_user: User | None,
    branch: Branch | None,
    stream: BinaryIO,
    options: ImportOptions,
    on_batch: Callable[[ImportReport, list[Refusal]], None] | None = None,
) -> ImportReport:
    """Import the transactions of a CSV file and report what was done. Run again, it goes on where it was.

    A row is posted once for its external id within the source; a refused row does not stop the file and may be sent
    again. `branch` is where missing accounts are opened. `on_batch` is called after each batch with the refusals that
    it added. Raises `ImportHeaderInvalid`, `ImportFileMissing`, and `Unavailable` when the database stays away.
    """
    reader = FileReader(stream, source=options.source, batch_size=options.batch_size)
    job = _Job(acting_user=acting_user, branch=branch, options=options)
    for batch in reader.batches_ahead():
        before = len(job.report.refusals)
        job.batch(batch)
        if on_batch is not None:
            on_batch(job.report, job.report.refusals[before:])
    return job.report


class _Job:
    def __init__(self, *, acting_user: User | None, branch: Branch | None, options: ImportOptions) -> None:
        self.options = options
        self.report = ImportReport(dry_run=options.dry_run)
        self._actor_id = acting_user.pk if acting_user is not None else None
        limited = acting_user is not None and acting_user.scope != "all"
        self._accounts = AccountFinder(
            source=options.source,
            acting_user=acting_user,
            branch=branch,
            only_branch_id=acting_user.branch_id if acting_user is not None and limited else None,
            create=options.create_accounts,
            dry_run=options.dry_run,
        )
        self._client = client_of(options.source)
        self._today = business_date_current()
        self._closed = _closed_periods()
        self._states: dict[int, _State] = {}
        self._dry_keys: dict[UUID, bytes] = {}

    def batch(self, batch: Batch) -> None:
        """Post one batch and add it to the report."""
        report = self.report
        for refusal in batch.refusals:
            report.refuse(refusal)
        if batch.rows:
            self._rows(batch.rows)
        report.read += batch.read
        report.bytes_done = batch.bytes_done
        report.accounts_created = self._accounts.opened
        report.tick()

    def _rows(self, rows: list[ImportRow]) -> None:
        refs = self._accounts.find(rows)
        rows = [row for row in rows if self._allowed(row, refs.get(row.account_number))]
        rows = self._undecided(rows)
        if not rows:
            return
        ids = [refs[row.account_number].ledger_id for row in rows]
        if not self.options.dry_run:
            self._states = {}
        self._states_read(set(ids))
        accepted: list[tuple[ImportRow, int, int]] = []
        for row, ledger_id in zip(rows, ids, strict=True):
            state = self._states[ledger_id]
            code = self._foresee(row, state)
            if code is not None:
                self.report.refuse(refusal_of_row(row, refusal_of(code)))
                continue
            state.balance += row.minor
            accepted.append((row, ledger_id, state.balance))
            if row.channel and row.channel not in CHANNELS:
                self.report.unknown_channels[row.channel] += 1
        if self.options.dry_run:
            self._pretend(accepted)
        elif accepted:
            self._post(accepted, refs)

    def _allowed(self, row: ImportRow, ref: AccountRef | None) -> bool:
        """Is there such an account, and may the row's date be posted to? Counts the refusal when not."""
        refusal: tuple[str, str] | None = None
        if ref is None:
            fault = self._accounts.faults.get(row.account_number)
            if fault is not None:
                refusal = (fault.code, fault.detail)
            elif row.account_number in self._accounts.faults:
                refusal = ("no-product", f"No product is open for new accounts in {row.currency}.")
            else:
                refusal = ("payment-account-not-found", "No such account.")
        elif ref.currency != row.currency:
            refusal = ("currency-mismatch", f"The account is in {ref.currency}.")
        elif row.booking_date > self._today:
            refusal = (BusinessDateInFuture.code, f"The open business day is {self._today}.")
        elif any(first <= row.booking_date <= last for first, last in self._closed):
            refusal = (PeriodClosed.code, PeriodClosed.title + ".")
        if refusal is not None:
            self.report.refuse(Refusal(row.number, row.external_id, *refusal))
        return refusal is None

    def _undecided(self, rows: list[ImportRow]) -> list[ImportRow]:
        """The rows that are still to be posted; those posted before are skipped, or refused for another content."""
        decided = transactions_decided(transaction_ids=[row.transaction_id for row in rows])
        left: list[ImportRow] = []
        seen: dict[UUID, bytes] = {}
        for row in rows:
            first_id = row.transaction_id
            content = seen.get(first_id) or self._dry_keys.get(first_id)
            found = decided.get(first_id)
            if found is not None and found.outcome != "OK" and found.fingerprint == row.fingerprint:
                found = self._next_attempt(row)
            if content is None and found is not None:
                content = found.fingerprint
            if content is None:
                seen[first_id] = row.fingerprint
                left.append(row)
            elif content != row.fingerprint:
                error = IdempotencyKeyReused("The external id was used before for another transaction.")
                self.report.refuse(Refusal(row.number, row.external_id, "external-id-reused", error.detail))
            else:
                self.report.skipped += 1
                if found is not None and found.balance_after is not None:
                    self.report.compare(row, found.balance_after)
        return left

    def _next_attempt(self, row: ImportRow) -> Decided | None:
        """A refusal by the books is final for its id: the row gets the next id that is not decided as refused."""
        found: Decided | None = None
        for attempt in range(1, ATTEMPTS_MAX):
            row_again(row, source=self.options.source, attempt=attempt)
            found = transactions_decided(transaction_ids=[row.transaction_id]).get(row.transaction_id)
            if found is None or found.outcome == "OK":
                break
        return found

    def _states_read(self, ids: set[int]) -> None:
        unknown = ids - self._states.keys()
        for ledger_id, view in balances_read(account_ids=[one for one in unknown if one > 0]).items():
            self._states[ledger_id] = _State(view.booked, view.held, view.overdraft_limit, view.status, view.currency)
        for ledger_id in unknown - self._states.keys():
            self._states[ledger_id] = _State(0, 0, 0, "O", "")

    def _foresee(self, row: ImportRow, state: _State) -> str | None:
        """The outcome by which the posting function would refuse the row, or None.

        Foreseen refusals are not posted, so that they are not final: the row may come again when there is money.
        """
        amount, after = row.minor, state.balance + row.minor
        if state.status == "X":
            return "CLOSED"
        if state.status == "F" or (state.status == "D" and amount < 0) or (state.status == "C" and amount > 0):
            return "FROZEN"
        if abs(amount) > MINOR_MAX or abs(after) > BALANCE_MAX:
            return "LIMIT"
        if amount < 0 and not self.options.allow_overdraft and after - state.held + state.limit < 0:
            return "NSF"
        return None

    def _pretend(self, accepted: list[tuple[ImportRow, int, int]]) -> None:
        for row, _, after in accepted:
            self._dry_keys[row.transaction_id] = row.fingerprint
            self.report.posted += 1
            self.report.compare(row, after)

    def _post(self, accepted: list[tuple[ImportRow, int, int]], refs: dict[str, AccountRef]) -> None:
        client, counter = self._client, self._accounts.counter
        postings = [
            Posting(
                row.transaction_id,
                client,
                row.key,
                row.fingerprint,
                KIND_IMPORT,
                # The member's side first: its line is the one that a later run compares with.
                (
                    Leg(ledger_id, row.minor, row.currency),
                    Leg(counter(refs[row.account_number], row), -row.minor, row.currency),
                ),
                row.booking_date,
                row.value_date,
                row.channel,
                row.description,
                row.counterparty,
                row.external_id[:64],
            )
            for row, ledger_id, _ in accepted
        ]
        outcomes, balances = self._post_or_split(postings)
        rows = [row for row, _, _ in accepted]
        afters = [after for _, _, after in accepted]
        if any(self._states[one].balance != balances.get(one, 0) for one in {one for _, one, _ in accepted}):
            # Somebody else posted in between, or something was refused: what the books say is what is compared.
            decided = transactions_decided(transaction_ids=[row.transaction_id for row in rows])
            known = [decided.get(row.transaction_id) for row in rows]
            afters = [
                one.balance_after if one is not None and one.balance_after is not None else after
                for one, after in zip(known, afters, strict=True)
            ]
        for row, after, outcome in zip(rows, afters, outcomes, strict=True):
            if isinstance(outcome, DomainError):
                self.report.refuse(refusal_of_row(row, outcome))
            elif not outcome.ok:
                self.report.refuse(refusal_of_row(row, refusal_of(outcome.code)))
            else:
                self.report.posted += 1
                self.report.compare(row, after)

    def _post_or_split(self, postings: list[Posting]) -> tuple[list[Outcome | DomainError], dict[int, int]]:
        """Outcomes in order, and balances after. A call that fails for good is halved until the guilty row is found."""
        try:
            result = self._post_patiently(postings)
        except Unavailable:
            raise
        except (DomainError, DatabaseError) as error:
            if len(postings) == 1:
                logger.warning("import row %s refused: %s", postings[0].key, error)
                return [error if isinstance(error, DomainError) else ServerError("The books refused the row.")], {}
            middle = len(postings) // 2
            first, balances = self._post_or_split(postings[:middle])
            second, later = self._post_or_split(postings[middle:])
            return first + second, {**balances, **later}
        return list(result.outcomes), result.balances

    def _post_patiently(self, postings: list[Posting]) -> PostingResult:
        """Post; wait and try again while the database is away or busy. Postings happen once, however often tried."""
        for attempt in range(1, POST_TRIES + 1):
            try:
                return postings_post(
                    postings,
                    actor_id=self._actor_id,
                    correlation_id=trace_id(),
                    overdraw=self.options.allow_overdraft,
                )
            except (Unavailable, OperationalError, InterfaceError) as error:
                if attempt == POST_TRIES or connection.in_atomic_block:
                    raise Unavailable("The database is not available. Run the import again: it goes on.") from error
                logger.warning("import waits for the database, try %d: %s", attempt, error)
                connection.close()
                time.sleep(0.2 * 2**attempt)
        raise AssertionError("unreachable")


def _closed_periods() -> list[tuple[dt.date, dt.date]]:
    return list(periods().filter(status="closed").values_list("starts_on", "ends_on"))
