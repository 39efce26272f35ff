"""Term deposits, at once or by instalments: placed, renewed or paid out when due, broken early at the agreed rate."""

from __future__ import annotations

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from apps.accounts import locks
from apps.accounts.errors import AccountNotSettled, TermDepositInvalid, TermDepositNotRunning
from apps.accounts.interest_terms import day_fraction
from apps.accounts.models import (
    Account,
    Accrual,
    InterestPosting,
    InterestTotal,
    ProductTerms,
    TermDeposit,
    TermInstalment,
)
from apps.accounts.partitions import range_of
from apps.accounts.product_books import books_of
from apps.accounts.selectors import account_facts, terms_on
from apps.accounts.services._accounts import account_changed, account_locked
from apps.accounts.services._accrual import Totals, interest_waits, totals_add
from apps.accounts.services._bank_postings import bank_posting
from apps.accounts.services._closing import account_with_books, closure_ledger_ids, fees_settle
from apps.accounts.services._instalments import WAITS, instalment_dates, instalments_end, instalments_plan
from apps.accounts.services._interest_posting import (
    dues_record,
    interest_due,
    interest_legs,
    interest_text,
    posting_key,
)
from apps.audit.services import record
from apps.balances import services as balances
from apps.balances.errors import AccountBlocked
from apps.balances.services import Book, Leg
from apps.calculations.business_days import months_add
from apps.calculations.rounding import decimals_round
from apps.core.api.etag import version_check
from apps.core.errors import DomainError, Unavailable
from apps.core.ids import uuid7
from apps.core.retry import retry_transient

if TYPE_CHECKING:
    from apps.identity.models import User

logger = logging.getLogger(__name__)

MONTHS_MAX = 600
TERM_KINDS = ("fixed_term", "recurring")
KIND = "term_deposit"


def term_deposit_place(
    *,
    acting_user: User | None,
    account_id: UUID,
    source_id: UUID,
    amount: int,
    months: int,
    instruction: str,
    today: dt.date,
    frequency: str = "",
) -> TermDeposit:
    """Move `amount` (minor units) from the source onto an empty account of a term product, for some months from today.

    On an account of a recurring product it is the first instalment, and the same is taken from the source with each
    `frequency` until the end. The product's terms of today hold until the end; what is due later is paid to the
    source. Nothing can be taken out before. Raises `TermDepositInvalid` with a pointer, `NotFound`,
    `PreconditionFailed` when the account changed meanwhile, `AccountIsClosed`, and what the posting refuses
    (`InsufficientFunds`, `AccountBlocked`).
    """
    account, source = _checked(account_id, source_id, amount, months)
    dates = instalment_dates(account.product, today, months, frequency)
    terms = terms_on(product_id=account.product_id, day=today)
    if terms is None or not terms.rates:
        raise TermDepositInvalid("The product has no terms with a rate today.")
    ids = [account.ledger_account_id, source.ledger_account_id]
    with balances.in_database(ids, actor_id=acting_user.pk if acting_user else None) as book:
        locked = account_locked(account_id, account.version)
        if book.balance(account.ledger_account_id).balance or locked.status != Account.Status.ACTIVE:
            raise TermDepositInvalid("The account is not active and empty.")
        _move(book, source, account, amount, today, f"Term deposit of {months} months")
        term = TermDeposit.objects.create(
            account=account,
            terms=terms,
            principal=amount,
            months=months,
            starts_on=today,
            matures_on=months_add(today, months),
            instruction=TermDeposit.Instruction(instruction).value,
            payout_account=source,
            instalment=amount if dates else None,
            frequency=frequency,
        )
        instalments_plan(term, dates, first_paid=True)
        book.change(account.ledger_account_id, status="D")
        _account_set(locked, terms, f"Term deposit until {term.matures_on}.", acting_user=acting_user)
        record(action="accounts.term.placed", acting_user=acting_user, target=locked, after=_facts(term))
    return term


@transaction.atomic
def term_deposit_instruct(
    *, acting_user: User | None, term_id: UUID, expected_version: int, instruction: str
) -> TermDeposit:
    """Change what is done when a running term is due. Raises `TermDepositNotRunning`, `PreconditionFailed`."""
    term = _running(term_id, expected_version)
    before = term.instruction
    changed = TermDeposit.objects.filter(pk=term.pk, status=TermDeposit.Status.ACTIVE, version=term.version).update(
        instruction=TermDeposit.Instruction(instruction).value, version=term.version + 1
    )
    if not changed:
        raise TermDepositNotRunning
    term.refresh_from_db()
    record(
        action="accounts.term.instructed",
        acting_user=acting_user,
        target=term.account,
        before={"instruction": before},
        after={"instruction": term.instruction},
    )
    return term


def term_deposit_break(
    *, acting_user: User | None, term_id: UUID, expected_version: int, today: dt.date
) -> TermDeposit:
    """End a running term before it is due: interest at the terms' rate for that, the rest goes back; paid out today.

    Interest that was paid before stays paid; instalments to come are not called for any more. Raises
    `TermDepositNotRunning`, `PreconditionFailed`, `AccountBlocked` while the account is frozen, `AccountNotSettled`
    while a back-dated movement waits for its interest.
    """
    term = _running(term_id, expected_version)
    ids = closure_ledger_ids(account_id=term.account_id, payout_to=term.payout_account_id)
    with balances.in_database(ids, actor_id=acting_user.pk if acting_user else None) as book:
        _break(book, term, today, acting_user=acting_user)
    return term


@dataclass(frozen=True, slots=True)
class BreakPreview:
    """What breaking a term would do today; minor units. `accrued` is what its own rate had earned until now."""

    accrued: Decimal
    interest: int
    tax: int
    fees: int
    paid_out: int


class _Undo(Exception):
    """Takes back what a preview did."""


def term_deposit_break_preview(*, term_id: UUID, expected_version: int, today: dt.date) -> BreakPreview:
    """What `term_deposit_break` would do: it is done and taken back. Raises as that."""
    term = _running(term_id, expected_version)
    account = account_with_books(term.account_id)
    ids = closure_ledger_ids(account_id=term.account_id, payout_to=term.payout_account_id)
    rows = Accrual.objects.filter(account_id=account.ledger_account_id, day__gte=term.starts_on)
    accrued = rows.aggregate(sum=Sum("earned"))["sum"] or Decimal(0)
    shown = BreakPreview(accrued, 0, 0, 0, 0)
    try:
        with balances.in_database(ids, actor_id=None) as book:
            source = term.payout_account.ledger_account_id
            held, had = book.balance(account.ledger_account_id).balance, book.balance(source).balance
            before = set(InterestPosting.objects.filter(account=account).values_list("pk", flat=True))
            _break(book, term, today, acting_user=None)
            paid = book.balance(source).balance - had
            new = InterestPosting.objects.filter(account=account).exclude(pk__in=before)
            sums = new.aggregate(credit=Sum("credit"), tax=Sum("tax"))
            interest, tax = sums["credit"] or 0, sums["tax"] or 0
            shown = BreakPreview(accrued, interest, tax, held + interest - tax - paid, paid)
            raise _Undo
    except _Undo:
        return shown


def _break(book: Book, term: TermDeposit, today: dt.date, *, acting_user: User | None) -> None:
    account = account_with_books(term.account_id)
    locked = account_locked(term.account_id, account.version)
    if locked.status in WAITS:
        raise AccountBlocked
    if interest_waits(ledger_id=account.ledger_account_id, before=today, missing=term.starts_on < today):
        raise AccountNotSettled("Its interest up to today is not there: break it after the next close of business.")
    fresh = _running(term.pk, term.version)
    _reduce(account, fresh, today)
    _end(book, locked, account, fresh, today, today, TermDeposit.Status.BROKEN)
    record(action="accounts.term.broken", acting_user=acting_user, target=locked, after=_facts(fresh))
    term.refresh_from_db()


def term_deposits_mature(*, partition: str, business_date: dt.date, through: dt.date) -> dict[str, int]:
    """Pay out or renew the terms of a range that are due once the days up to `through` have accrued.

    Each in its own transaction, which a repetition finds done. One that the books refuse, such as a payment to an
    account that is blocked, waits for the next close and stops nobody else's. Facts: paid_out, renewed, waiting.
    """
    low, high = range_of(partition)
    due = TermDeposit.objects.filter(
        status=TermDeposit.Status.ACTIVE,
        matures_on__lte=through + dt.timedelta(days=1),
        account__ledger_account__gte=low,
        account__ledger_account__lte=high,
    ).exclude(account__status__in=WAITS)
    facts = {"paid_out": 0, "renewed": 0, "waiting": 0}
    for term in due.order_by("matures_on", "pk"):
        try:
            renewed = _mature(term, business_date)
        except Unavailable:
            raise  # it is not refused: the step is run again
        except DomainError as error:
            logger.warning(
                "the term of account %s that is due on %s waits: %s", term.account_id, term.matures_on, error
            )
            facts["waiting"] += 1
            continue
        if renewed is not None:
            facts["renewed" if renewed else "paid_out"] += 1
    return facts


@retry_transient
def _mature(due: TermDeposit, day: dt.date) -> bool | None:
    """End one term that is due: was it renewed? None when it ended meanwhile. Raises what the books refuse."""
    ids = closure_ledger_ids(account_id=due.account_id, payout_to=due.payout_account_id)
    with balances.in_database(ids, actor_id=None) as book:
        locked = locks.account_lock(pk=due.account_id)
        running = TermDeposit.objects.select_related("payout_account", "terms").filter(status=TermDeposit.Status.ACTIVE)
        term = running.filter(pk=due.pk).first()
        if locked is None or term is None:
            return None
        account = account_with_books(due.account_id)
        return _end(book, locked, account, term, term.matures_on, day, TermDeposit.Status.MATURED)


def _checked(account_id: UUID, source_id: UUID, amount: int, months: int) -> tuple[Account, Account]:
    account = account_with_books(account_id)
    source = Account.objects.filter(pk=source_id).exclude(pk=account_id).first()
    if account.product.kind not in TERM_KINDS:
        raise TermDepositInvalid("Not an account of a fixed-term or recurring product.")
    if source is None or source.currency != account.currency or source.member_id != account.member_id:
        raise TermDepositInvalid("An account of the same owner and currency.", pointer="/source_account_id")
    if amount <= 0:
        raise TermDepositInvalid("Above zero.", pointer="/amount")
    if not 1 <= months <= MONTHS_MAX:
        raise TermDepositInvalid(f"From 1 to {MONTHS_MAX} months.", pointer="/months")
    return account, source


def _running(term_id: UUID, expected_version: int) -> TermDeposit:
    found = TermDeposit.objects.select_related("account", "terms", "payout_account")
    term = found.filter(pk=term_id, status=TermDeposit.Status.ACTIVE).first()
    if term is None:
        raise TermDepositNotRunning
    version_check(current=term.version, expected=expected_version)
    return term


def _end(
    book: Book, locked: Account, account: Account, term: TermDeposit, until: dt.date, day: dt.date, how: str
) -> bool:
    """Pay the interest, then pay out or begin the next term; True when it was renewed."""
    ledger_id = account.ledger_account_id
    _interest_pay(book, account, term.terms, until, day)
    book.change(ledger_id, status="O")
    instalments_end(term, account, until, missed=how == TermDeposit.Status.MATURED)
    fees_settle(book, account, day, all_of_them=False)
    instruction, total = TermDeposit.Instruction(term.instruction), book.balance(ledger_id).balance
    terms = terms_on(product_id=account.product_id, day=until)
    renew = how == TermDeposit.Status.MATURED and instruction != TermDeposit.Instruction.PAYOUT and terms is not None
    renew = renew and total > 0  # fees may have taken all of it
    rest = (total if instruction == TermDeposit.Instruction.RENEW_ALL else min(term.principal, total)) if renew else 0
    if total > rest:
        _move(book, account, term.payout_account, total - rest, day, f"Term deposit due {until}", value=until)
    status = TermDeposit.Status.RENEWED if renew else TermDeposit.Status(how)
    TermDeposit.objects.filter(pk=term.pk).update(status=status, ended_on=until, version=term.version + 1)
    term.refresh_from_db()
    if not renew or terms is None:
        _account_set(locked, None, "", acting_user=None)
        return False
    following = TermDeposit.objects.create(
        account=account,
        terms=terms,
        principal=rest,
        months=term.months,
        starts_on=until,
        matures_on=months_add(until, term.months),
        instruction=term.instruction,
        payout_account=term.payout_account,
        instalment=term.instalment,
        frequency=term.frequency,
    )
    instalments_plan(following, instalment_dates(account.product, until, term.months, term.frequency), first_paid=False)
    book.change(ledger_id, status="D")
    _account_set(locked, terms, f"Term deposit until {following.matures_on}.", acting_user=None)
    return True


def _interest_pay(book: Book, account: Account, terms: ProductTerms, until: dt.date, day: dt.date) -> None:
    dues = interest_due(terms=terms, until=until, account_id=account.pk)
    for due in dues:
        legs = interest_legs(due, books_of(account.product), account.currency)
        if legs:
            book.post(
                bank_posting(
                    key=posting_key(due, until, day),
                    kind="interest",
                    legs=legs,
                    business_date=day,
                    value_date=until,
                    description=interest_text(due, until, account.currency),
                )
            )
    dues_record(terms, dues, {}, until=until, business_date=day)


def _reduce(account: Account, term: TermDeposit, today: dt.date) -> None:
    """Take back what accrued above the early rate, as a correction of the last day that accrued."""
    rows = Accrual.objects.filter(account_id=account.ledger_account_id, day__gte=term.starts_on, day__lt=today)
    days = sorted(set(rows.filter(account_id=account.ledger_account_id).values_list("day", flat=True)))
    if not days:
        return
    terms, wanted = term.terms, _early_interest(term, days)
    accrued = rows.aggregate(sum=Sum("earned"))["sum"] or Decimal(0)
    paid = InterestPosting.objects.filter(account=account, status="posted", until__gt=term.starts_on)
    taken = paid.aggregate(sum=Sum("credit"))["sum"] or 0
    change = max(wanted, Decimal(taken)) - accrued
    Accrual.objects.create(
        day=days[-1],
        account_id=account.ledger_account_id,
        accrued_on=today,
        terms_id=terms.pk,
        base=term.principal,
        earned=change,
        owed=0,
        is_correction=True,
    )
    totals: Totals = defaultdict(Decimal)
    totals[account.product_id, account.branch_id, InterestTotal.Side.EARNED.value] = change
    totals_add(totals)


def _early_interest(term: TermDeposit, days: Sequence[dt.date]) -> Decimal:
    """Interest of these days at the early rate: each instalment from its day on, the rest from the first."""
    terms, rate = term.terms, Fraction(term.terms.early_rate or 0)
    rows = term.instalments.filter(status=TermInstalment.Status.PAID)
    paid = [(row.amount, row.paid_on or row.due_on) for row in rows]
    parts = [(term.principal - sum(amount for amount, _ in paid), term.starts_on), *paid]
    exact = sum(
        (day_fraction(terms.day_count, day) * amount for amount, since in parts for day in days if day >= since),
        start=Fraction(0),
    )
    return decimals_round(exact * rate, terms.accrual_decimals, "half_up")


def _move(
    book: Book, source: Account, target: Account, amount: int, day: dt.date, text: str, *, value: dt.date | None = None
) -> None:
    legs = (
        Leg(source.ledger_account_id, -amount, source.currency),
        Leg(target.ledger_account_id, amount, target.currency),
    )
    key = f"{KIND}:{uuid7()}"
    book.post(bank_posting(key=key, kind=KIND, legs=legs, business_date=day, value_date=value or day, description=text))


def _account_set(locked: Account, terms: ProductTerms | None, reason: str, *, acting_user: User | None) -> None:
    """The account keeps its terms, and its debits are blocked, while a term runs."""
    before = account_facts(locked)
    locked.fixed_terms = terms
    locked.status = Account.Status.DEBIT_BLOCKED if terms is not None else Account.Status.ACTIVE
    locked.status_reason = reason
    account_changed(
        locked, before, acting_user=acting_user, action="status_set", reason=reason or "The term has ended."
    )


def _facts(term: TermDeposit) -> dict[str, object]:
    names = ("principal", "months", "starts_on", "matures_on", "instruction", "instalment", "frequency", "status")
    return {name: getattr(term, name) for name in names}
