"""Credit lines: requested, decided by somebody else, drawn on, paid back, reviewed, closed; interest at the close."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction

from apps.accounts.models import Account
from apps.audit.services import record
from apps.balances import services as balances
from apps.balances.services import Leg, Posting, in_database
from apps.calculations.rounding import whole_round
from apps.core.display import money_text
from apps.core.errors import IdempotencyKeyReused, InvalidAmount, NotFound
from apps.core.money import MAX_MINOR
from apps.core.retry import retry_transient
from apps.core.text import text_clean
from apps.ledger.selectors import business_date_current
from apps.lending import locks
from apps.lending.closing_accrual import bank_posting
from apps.lending.closing_parts import horizon_of
from apps.lending.errors import (
    CreditLineExceeded,
    CreditLineStateWrong,
    LoanProductNotUsable,
    OwnApplication,
)
from apps.lending.mapping import mapping_of
from apps.lending.models import CreditLine, CreditLineDay, CreditLineEvent, LoanProduct, LoanProductTerms
from apps.lending.numbers import loan_number
from apps.lending.selectors import terms_on
from apps.lending.services import Asked
from apps.members.services import member_require_active

if TYPE_CHECKING:
    from apps.identity.models import User

KIND = "credit_line_interest"
YEAR = 365
EXACT = Decimal("0.0000000001")
Status, Kind = CreditLine.Status, CreditLineEvent.Kind


@transaction.atomic
def credit_line_request(
    *, acting_user: User, product_id: UUID, member_id: UUID, account_id: UUID, limit: int, purpose: str = "",
    business_date: dt.date, at: dt.datetime,
) -> CreditLine:  # fmt: skip
    """Ask for a credit line on an account of the member, within the amounts of the product's terms.

    Raises LoanProductNotUsable, MemberNotActive, InvalidAmount, InvalidText.
    """
    product = LoanProduct.objects.filter(pk=product_id, kind=LoanProduct.Kind.CREDIT_LINE, is_active=True).first()
    terms = terms_on(product_id=product_id, day=business_date) if product else None
    if product is None or terms is None:
        raise LoanProductNotUsable("No credit line is offered under this product.", pointer="/loan_product_id")
    member = member_require_active(member_id=member_id)
    account = Account.objects.filter(pk=account_id, member=member).exclude(status="closed").first()
    if account is None or account.currency != product.currency_id:
        raise LoanProductNotUsable("An open account of the member in the product's currency.", pointer="/account_id")
    if not terms.principal_min <= limit <= terms.principal_max:
        raise _outside(terms)
    line = CreditLine.objects.create(
        number=loan_number(prefix=product.number_prefix), product=product, member=member, branch_id=member.branch_id,
        account=account, currency=product.currency_id, limit=limit, rate=terms.rate, requested_by=acting_user,
        purpose=text_clean(purpose, max_length=400, pointer="/purpose"),
    )  # fmt: skip
    _note(line, acting_user, "requested", {"limit": limit}, at)
    return line


@transaction.atomic
def credit_line_decide(
    *, acting_user: User, line_id: UUID, approve: bool, limit: int | None = None, rate: Decimal | None = None,
    review_on: dt.date | None = None, note: str = "", business_date: dt.date, at: dt.datetime,
) -> CreditLine:  # fmt: skip
    """Open a requested line, as asked or with another limit and rate, or reject it with a reason.

    Raises NotFound, CreditLineStateWrong, OwnApplication, InvalidAmount, InvalidText.
    """
    line = _locked(line_id, Status.REQUESTED)
    if acting_user.pk in (line.requested_by_id, line.member.user_id):
        raise OwnApplication
    line.note = text_clean(note, max_length=400, min_length=0 if approve else 3, pointer="/note")
    line.decided_by = acting_user
    if not approve:
        return _saved(line, Status.REJECTED, acting_user, "rejected", at)
    terms = terms_on(product_id=line.product_id, day=business_date)
    line.limit = limit or line.limit
    line.rate = line.rate if rate is None else rate
    if terms is None or not terms.principal_min <= line.limit <= terms.principal_max:
        raise _outside(terms)
    if not terms.rate_min <= line.rate <= terms.rate_max:
        least, most = ((one * 100).normalize() for one in (terms.rate_min, terms.rate_max))
        raise InvalidAmount(f"A rate from {least:f} to {most:f} %.", pointer="/rate_percent")
    mapping = mapping_of(line.product.mapping)
    for role, suffix in (("principal", "P"), ("interest", "I")):
        account = balances.account_open(
            gl_code=mapping[role], branch_id=line.branch_id, currency=line.currency, kind="customer",
            number=f"{line.number}-{suffix}", overdraft_limit=MAX_MINOR,
            name=f"Credit line {line.number} {role}, {line.member.display_name}"[:160],
        )  # fmt: skip
        setattr(line, f"{role}_account_id", account)
    line.opened_on, line.booked_through, line.review_on = business_date, business_date, review_on
    return _saved(line, Status.ACTIVE, acting_user, "opened", at)


@transaction.atomic
def credit_line_change(
    *, acting_user: User, line_id: UUID, action: str, limit: int | None = None, review_on: dt.date | None = None,
    note: str, at: dt.datetime,
) -> CreditLine:  # fmt: skip
    """Review a line (`review`: limit and next review date), `block`, `unblock` or `close` it, with a reason.

    Raises NotFound, CreditLineStateWrong also for closing what is still owed, InvalidText, InvalidAmount.
    """
    line = _locked(line_id, Status.ACTIVE, Status.BLOCKED)
    line.note = text_clean(note, max_length=400, min_length=3, pointer="/note")
    if action == "review":
        terms = terms_on(product_id=line.product_id, day=business_date_current())
        if limit is not None and (terms is None or not 0 < limit <= max(terms.principal_max, line.limit)):
            raise _outside(terms)
        line.limit, line.review_on = limit or line.limit, review_on
        return _saved(line, line.status, acting_user, "reviewed", at)
    if action in ("block", "unblock"):
        status = Status.BLOCKED if action == "block" else Status.ACTIVE
        return _saved(line, status, acting_user, f"{action}ed", at)
    if any(credit_line_owed(line)):
        raise CreditLineStateWrong("Something is still owed.")
    line.closed_on = business_date_current()
    return _saved(line, Status.CLOSED, acting_user, "closed", at)


def _outside(terms: LoanProductTerms | None) -> InvalidAmount:
    """The refusal of a limit that the product does not offer, with what it does."""
    if terms is None:
        return InvalidAmount("The product offers no credit lines now.", pointer="/limit")
    ends = (money_text(one, terms.product.currency_id) for one in (terms.principal_min, terms.principal_max))
    return InvalidAmount(f"{terms.product.currency_id} {' to '.join(ends)}.", pointer="/limit")


def credit_line_owed(line: CreditLine) -> tuple[int, int]:
    """Principal and interest owed by the books, minor units."""
    from apps.balances.selectors import balances_read

    ids = [one for one in (line.principal_account_id, line.interest_account_id) if one is not None]
    found = balances_read(account_ids=ids) if ids else {}
    owed = [-found[one].booked for one in ids]
    return (owed[0], owed[1]) if owed else (0, 0)


# -- money


@retry_transient
def credit_line_draw(*, asked: Asked, line_id: UUID, amount: int, at: dt.datetime) -> CreditLineEvent:
    """Pay money out to the line's account, up to the limit.

    Raises NotFound, CreditLineStateWrong (also when the review is due), CreditLineExceeded, refusals of the books.
    """
    return _move(asked, line_id, Kind.DRAW, amount, at=at)


@retry_transient
def credit_line_repay(*, asked: Asked, line_id: UUID, amount: int, at: dt.datetime) -> CreditLineEvent:
    """Take money from the line's account: interest first, then principal.

    Raises NotFound, CreditLineStateWrong, CreditLineExceeded for more than is owed, InsufficientFunds and the like.
    """
    return _move(asked, line_id, Kind.REPAYMENT, amount, at=at)


def _move(asked: Asked, line_id: UUID, kind: str, amount: int, *, at: dt.datetime) -> CreditLineEvent:
    line = CreditLine.objects.select_related("account", "product", "branch").filter(pk=line_id).first()
    if line is None:
        raise NotFound("No such credit line.")
    if line.principal_account_id is None or line.interest_account_id is None:
        raise CreditLineStateWrong(f"The line is {line.get_status_display().lower()}.")
    is_suspended = kind == Kind.REPAYMENT and line.suspended > 0
    roles = {
        "money": line.account.ledger_account_id,
        "principal": line.principal_account_id,
        "interest": line.interest_account_id,
        **(_income_accounts(line) if is_suspended else {}),
    }
    with in_database(roles.values(), actor_id=asked.actor_id) as book:
        known = CreditLineEvent.objects.filter(transaction_id=asked.transaction_id).first()
        if known is not None:
            if bytes(known.fingerprint) != asked.fingerprint:
                raise IdempotencyKeyReused
            return known
        line = _locked(line_id, Status.ACTIVE, Status.BLOCKED)
        owed = -book.balance(line.interest_account_id or 0).balance
        principal, interest = credit_line_parts(
            line=line, kind=kind, amount=amount,
            principal=-book.balance(line.principal_account_id or 0).balance, interest=owed,
        )  # fmt: skip
        # A close that has put interest into suspense since then: the next close puts it right.
        moves = credit_line_entry(
            line=line, kind=kind, parts=(principal, interest), owed=owed, in_suspense=is_suspended
        )
        legs = tuple(Leg(roles[role], amount, line.currency) for role, amount in moves)
        if earned := dict(moves).get("interest_income", 0):
            CreditLine.objects.filter(pk=line.pk).update(suspended=line.suspended - earned)
        (outcome,) = book.post(
            Posting(
                transaction_id=asked.transaction_id, client_id=asked.client_id, key=asked.key,
                fingerprint=asked.fingerprint, kind=f"credit_line_{kind}", legs=legs, reference=line.number,
                description=f"Credit line {line.number}",
            )
        )  # fmt: skip
        event = CreditLineEvent.objects.create(
            line=line, kind=kind, business_date=business_date_current(), amount=amount, principal=principal,
            interest=interest, transaction_id=asked.transaction_id, fingerprint=asked.fingerprint,
            journal_id=outcome.journal_id, entered_by=asked.user,
        )  # fmt: skip
        _note(line, asked.user, kind, {"amount": amount, "event": str(event.pk)}, at)
        return event


def credit_line_parts(*, line: CreditLine, kind: str, amount: int, principal: int, interest: int) -> tuple[int, int]:
    """What of an amount drawn or paid back is principal and interest, where so much of each is owed; minor units.

    Raises InvalidAmount, CreditLineStateWrong, CreditLineExceeded.
    """
    if amount <= 0:
        raise InvalidAmount("The amount must be above zero.", pointer="/amount")
    if kind == Kind.DRAW:
        if line.status != Status.ACTIVE:
            raise CreditLineStateWrong(f"The line is {line.get_status_display().lower()}.")
        if line.review_on is not None and line.review_on <= business_date_current():
            raise CreditLineStateWrong(f"The line was to be reviewed on {line.review_on}.")
        if principal + amount > line.limit:
            left = max(line.limit - principal, 0)
            text = money_text(left, line.currency, with_currency=True)
            raise CreditLineExceeded(f"{text} is left of the limit.", pointer="/amount", left_minor=left)
        return amount, 0
    paid = min(amount, max(interest, 0))
    if amount - paid > principal:
        owed = principal + max(interest, 0)
        text = money_text(owed, line.currency, with_currency=True)
        raise CreditLineExceeded(f"{text} is owed.", pointer="/amount", owed_minor=owed)
    return amount - paid, paid


def credit_line_earned(*, line: CreditLine, owed: int, interest: int) -> int:
    """What becomes income when so much interest of what is owed is paid: suspense is never more than what is left."""
    return max(line.suspended - max(owed - interest, 0), 0)


def _income_accounts(line: CreditLine) -> dict[str, int]:
    """Suspense and interest income of the line's branch."""
    mapping = mapping_of(line.product.mapping)
    return {
        role: balances.internal_account_id(
            gl_code=mapping[role], branch_id=line.branch_id, branch_code=line.branch.code, currency=line.currency
        )
        for role in ("suspense", "interest_income")
    }


def credit_line_entry(
    *, line: CreditLine, kind: str, parts: tuple[int, int], owed: int, in_suspense: bool = True
) -> list[tuple[str, int]]:
    """The entry of a draw or a payment with these parts, by role, debits first; credit-positive minor units.

    `owed` is the interest that was owed before; `in_suspense` False leaves what is in suspense to the next close.
    """
    principal, interest = parts
    sign = 1 if kind == Kind.DRAW else -1
    earned = credit_line_earned(line=line, owed=owed, interest=interest) if in_suspense and sign < 0 else 0
    moves = {
        "money": sign * (principal + interest), "principal": -sign * principal, "interest": -sign * interest,
        "suspense": -earned, "interest_income": earned,
    }  # fmt: skip
    return sorted(((role, amount) for role, amount in moves.items() if amount), key=lambda move: move[1])


# -- the close


def credit_lines_accrue(*, business_date: dt.date) -> dict[str, int]:
    """Book the interest of the nights up to the next morning that is closed: balance x rate x nights / 365.

    The exact sum is rounded half up once; each close books the difference. A line that is done is left alone.
    Facts: lines, interest in minor units of all currencies.
    """
    horizon = horizon_of(business_date)
    lines = interest = 0
    for line in CreditLine.objects.filter(
        status__in=(Status.ACTIVE, Status.BLOCKED), booked_through__lt=horizon
    ).select_related("product", "branch"):
        amount = _line_accrue(line, business_date, horizon)
        lines, interest = lines + 1, interest + amount
    return {"lines": lines, "interest": interest}


@retry_transient
def _line_accrue(line: CreditLine, day: dt.date, horizon: dt.date) -> int:
    income = balances.internal_account_id(
        gl_code=mapping_of(line.product.mapping)["interest_income"], branch_id=line.branch_id,
        branch_code=line.branch.code, currency=line.currency,
    )  # fmt: skip
    principal_id, interest_id = line.principal_account_id or 0, line.interest_account_id or 0
    with in_database([principal_id, interest_id, income], actor_id=None) as book:
        fresh = _locked(line.pk, Status.ACTIVE, Status.BLOCKED)
        nights = (horizon - (fresh.booked_through or horizon)).days
        if nights <= 0:
            return 0
        balance = -book.balance(principal_id).balance
        exact = (Decimal(max(balance, 0)) * fresh.rate * nights / YEAR).quantize(EXACT)
        booked = whole_round(fresh.exact + exact, "half_up") - fresh.interest_booked
        if booked:
            legs = (Leg(interest_id, -booked, fresh.currency), Leg(income, booked, fresh.currency))
            book.post(bank_posting(kind=KIND, legs=legs, day=day, description="Interest of credit lines"))
        CreditLine.objects.filter(pk=fresh.pk).update(
            booked_through=horizon, exact=fresh.exact + exact, interest_booked=fresh.interest_booked + booked
        )
        CreditLineDay.objects.create(
            line=fresh, business_date=day, nights=nights, balance=balance, rate=fresh.rate, exact=exact, booked=booked
        )
        return booked


def _locked(line_id: UUID, *states: str) -> CreditLine:
    line = locks.credit_line_lock(pk=line_id)
    if line is None:
        raise NotFound("No such credit line.")
    if line.status not in states:
        raise CreditLineStateWrong(f"The line is {line.get_status_display().lower()}.")
    return line


def _saved(line: CreditLine, status: str, user: User, verb: str, at: dt.datetime) -> CreditLine:
    line.status = status
    line.version += 1
    line.save()
    _note(line, user, verb, {"status": status, "limit": line.limit, "note": line.note}, at)
    return line


def _note(line: CreditLine, user: User | None, verb: str, after: dict[str, Any], at: dt.datetime) -> None:
    record(action=f"lending.credit_line.{verb}", acting_user=user, target=line, after=after, at=at)
