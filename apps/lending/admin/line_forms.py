"""Forms of credit lines: ask, decide, draw, pay back, review, block, close. What moves money has a preview."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from apps.core import clock
from apps.core.display import money_text
from apps.core.errors import InvalidRequest
from apps.core.snapshots import one_moment
from apps.identity.guards import amount_check
from apps.ledger.selectors import business_date_current
from apps.lending import credit_lines
from apps.lending.admin.forms import Change, Field, Form, Sent, forms_add
from apps.lending.models import CreditLine, LoanProduct
from apps.lending.selectors import line_get_for, product_get_for

DECIDE = "lending.decide"
ENTRY = {
    "money": "The member's account", "principal": "Principal of the line", "interest": "Interest of the line",
    "suspense": "Interest in suspense", "interest_income": "Interest income",
}  # fmt: skip
REQUESTED, ACTIVE, BLOCKED = CreditLine.Status.REQUESTED, CreditLine.Status.ACTIVE, CreditLine.Status.BLOCKED


def _new_fields(user: Any, record: Any) -> list[Field]:
    products = LoanProduct.objects.filter(kind=LoanProduct.Kind.CREDIT_LINE, is_active=True).order_by("name")
    return [
        Field("member", "Member number"),
        Field(
            "product",
            "Product",
            "choice",
            options=[(str(one.pk), f"{one.name} ({one.currency_id})") for one in products],
        ),
        Field("account", "Account number", hint="Where draws go to and payments come from."),
        Field("limit", "Limit", "money"),
        Field("purpose", "Purpose", is_needed=False),
    ]


def _new(user: Any, record: Any, sent: Sent) -> CreditLine:
    member, product_id = sent.member(user), sent.key("product")
    if product_id is None:
        raise InvalidRequest("Choose a product.", pointer="/product")
    product, account = product_get_for(user=user, pk=product_id), sent.account(member)
    if account is None:
        raise InvalidRequest("Which account?", pointer="/account")
    return credit_lines.credit_line_request(
        acting_user=user, product_id=product.pk, member_id=member.pk, account_id=account.pk,
        limit=sent.amount("limit", product.currency_id) or 0, purpose=sent.text("purpose"),
        business_date=business_date_current(), at=clock.now(),
    )  # fmt: skip


def _decide_fields(user: Any, line: CreditLine) -> list[Field]:
    return [
        Field("decision", "Decision", "choice", options=(("open", "Open the line"), ("reject", "Reject"))),
        Field("limit", f"Limit, {line.currency}", "money", money_text(line.limit, line.currency)),
        Field("rate", "Rate a year, %", "percent", f"{line.rate * 100:f}".rstrip("0").rstrip(".")),
        Field(
            "review_on",
            "Review on",
            "date",
            is_needed=False,
            hint="From then on nothing is drawn until it is reviewed.",
        ),
        Field("note", "Reason", is_needed=False, hint="Needed to reject."),
    ]


def _decide(user: Any, line: CreditLine, sent: Sent) -> CreditLine:
    return credit_lines.credit_line_decide(
        acting_user=user, line_id=line.pk, approve=sent.text("decision") == "open",
        limit=sent.amount("limit", line.currency), rate=sent.percent("rate"), review_on=sent.day("review_on"),
        note=sent.text("note"), business_date=business_date_current(), at=clock.now(),
    )  # fmt: skip


def _amount(line: CreditLine, sent: Sent) -> int:
    return sent.amount("amount", line.currency) or 0


def _now(user: Any, line: CreditLine) -> tuple[CreditLine, int, int]:
    """The line with principal and interest owed, of one state."""
    with one_moment():
        fresh = line_get_for(user=user, pk=line.pk)
        return fresh, *credit_lines.credit_line_owed(fresh)


def _money_preview(kind: str, user: Any, line: CreditLine, sent: Sent) -> list[Change]:
    """What is owed and left before and after; what cannot be is refused here already."""
    line, principal, interest = _now(user, line)
    to_principal, to_interest = credit_lines.credit_line_parts(
        line=line, kind=kind, amount=_amount(line, sent), principal=principal, interest=interest
    )
    sign = 1 if kind == "draw" else -1
    then = principal + sign * to_principal

    def change(name: str, before: int, after: int) -> Change:
        return name, money_text(before, line.currency), money_text(after, line.currency)

    return [
        change("Principal owed", principal, then),
        change("Interest owed", interest, interest + sign * to_interest),
        change("Left of the limit", max(line.limit - principal, 0), max(line.limit - then, 0)),
    ]


def _money_entry(kind: str, user: Any, line: CreditLine, sent: Sent) -> list[Change]:
    """What will be posted: the account, debit, credit."""
    line, principal, interest = _now(user, line)
    parts = credit_lines.credit_line_parts(
        line=line, kind=kind, amount=_amount(line, sent), principal=principal, interest=interest
    )
    return [
        (
            ENTRY[role],
            *((money_text(-minor, line.currency), "") if minor < 0 else ("", money_text(minor, line.currency))),
        )
        for role, minor in credit_lines.credit_line_entry(line=line, kind=kind, parts=parts, owed=interest)
    ]


def _money(permission: str, act: Callable[..., Any], user: Any, line: CreditLine, sent: Sent) -> CreditLine:
    amount, at = _amount(line, sent), clock.now()
    amount_check(user, permission, amount, line.currency, at=at)
    act(asked=sent.asked(user), line_id=line.pk, amount=amount, at=at)
    return line


def _change_fields(user: Any, line: CreditLine, *, reviewed: bool = False) -> list[Field]:
    note = Field("note", "Reason")
    if not reviewed:
        return [note]
    return [
        Field("limit", f"Limit, {line.currency}", "money", money_text(line.limit, line.currency)),
        Field("review_on", "Next review on", "date"),
        note,
    ]


def _change(action: str, user: Any, line: CreditLine, sent: Sent) -> CreditLine:
    return credit_lines.credit_line_change(
        acting_user=user, line_id=line.pk, action=action, note=sent.text("note"),
        limit=sent.amount("limit", line.currency), review_on=sent.day("review_on"), at=clock.now(),
    )  # fmt: skip


def _moves(title: str, icon: str, permission: str, kind: str, act: Callable[..., Any], *states: str) -> Form:
    return Form(
        title, icon, permission, lambda _, line: [Field("amount", f"Amount, {line.currency}", "money")],
        partial(_money, permission, act), find=line_get_for, preview=partial(_money_preview, kind),
        entry=partial(_money_entry, kind), states=states,
    )  # fmt: skip


def _changes(title: str, icon: str, action: str, *states: str) -> Form:
    fields = partial(_change_fields, reviewed=action == "review")
    return Form(title, icon, DECIDE, fields, partial(_change, action), find=line_get_for, states=states)


LINE_FORMS = ("decide-line", "draw", "pay-back", "review-line", "block-line", "unblock-line", "close-line")
forms_add(
    new_line=Form("New credit line", "add_card", "lending.apply", _new_fields, _new),
    decide_line=Form("Decide", "gavel", DECIDE, _decide_fields, _decide, find=line_get_for, states=(REQUESTED,)),
    draw=_moves("Draw", "send_money", "lending.disburse", "draw", credit_lines.credit_line_draw, ACTIVE),
    pay_back=_moves(
        "Pay back", "payments", "lending.repay", "repayment", credit_lines.credit_line_repay, ACTIVE, BLOCKED
    ),
    review_line=_changes("Review", "event_available", "review", ACTIVE, BLOCKED),
    block_line=_changes("Block", "block", "block", ACTIVE),
    unblock_line=_changes("Unblock", "lock_open", "unblock", BLOCKED),
    close_line=_changes("Close", "task_alt", "close", ACTIVE, BLOCKED),
)
