"""Forms about a loan: what stands behind it, what was promised, who looks after it, and taking an event back."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from apps.core import clock
from apps.core.display import money_text
from apps.core.errors import InvalidRequest, NotFound
from apps.identity.guards import amount_check
from apps.identity.models import User
from apps.ledger.selectors import business_date_current
from apps.lending import services
from apps.lending.admin.forms import Change, Field, Form, Sent, forms_add
from apps.lending.arrears_promises import officer_set, pause_add, promise_make
from apps.lending.collateral import collateral_add, collateral_release, valuation_add
from apps.lending.guarantors import guarantor_add, guarantor_release
from apps.lending.models import Collateral, Guarantor, Loan, LoanEvent
from apps.lending.selectors import event_get_for, loan_get_for, loans_visible_to, servicing_of
from apps.lending.services import REVERSAL, Act

SECURE = "lending.secure"
ACTIVE, APPROVED = Loan.Status.ACTIVE, Loan.Status.APPROVED


def _day(sent: Sent, name: str) -> dt.date:
    day = sent.day(name)
    if day is None:
        raise InvalidRequest("Which day?", pointer=f"/{name}")
    return day


def _promise(user: Any, loan: Loan, sent: Sent) -> Loan:
    promise_make(
        acting_user=user, loan_id=loan.pk, due_on=_day(sent, "due_on"), note=sent.text("note", 200),
        amount=sent.amount("amount", loan.currency) or 0, today=business_date_current(), at=clock.now(),
    )  # fmt: skip
    return loan


def _promise_fields(user: Any, loan: Loan) -> list[Field]:
    return [
        Field("amount", f"Amount, {loan.currency}", "money", money_text(loan.standing.overdue_total, loan.currency)),
        Field("due_on", "By", "date"),
        Field("note", "Note", is_needed=False),
    ]


def _pause(user: Any, loan: Loan, sent: Sent) -> Loan:
    pause_add(
        acting_user=user, loan_id=loan.pk, starts_on=_day(sent, "starts_on"), ends_on=_day(sent, "ends_on"),
        reason=sent.text("reason", 200), today=business_date_current(), at=clock.now(),
    )  # fmt: skip
    return loan


def _pause_fields(user: Any, loan: Loan) -> list[Field]:
    return [
        Field("starts_on", "From", "date"),
        Field("ends_on", "Until", "date", hint="This day counts again."),
        Field("reason", "Reason"),
    ]


def _officer_fields(user: Any, loan: Loan) -> list[Field]:
    people = User.objects.filter(is_active=True, is_staff=True, branch=loan.branch_id).order_by("full_name", "email")
    return [
        Field("officer", "Officer", "choice", options=[(str(one.pk), one.full_name or one.email) for one in people])
    ]


def _officer(user: Any, loan: Loan, sent: Sent) -> Loan:
    chosen = sent.key("officer")
    officer = User.objects.filter(pk=chosen, is_active=True, is_staff=True).first() if chosen else None
    if officer is None:
        raise InvalidRequest("Choose an officer.", pointer="/officer")
    officer_set(acting_user=user, loan_id=loan.pk, officer=officer, today=business_date_current(), at=clock.now())
    return loan


def _collateral_fields(user: Any, loan: Loan) -> list[Field]:
    return [
        Field("kind", "Kind", "choice", options=Collateral.Kind.choices),
        Field("description", "What it is"),
        Field("reference", "Reference", is_needed=False, hint="Number of the title or logbook."),
        Field("owner", "Owner", is_needed=False),
        Field("share", "Counts as, % of its value", "percent", "70"),
        Field("value", f"Value, {loan.currency}", "money"),
        Field("valued_on", "Valued on", "date", business_date_current().isoformat()),
        Field("valuer", "Valued by"),
    ]


def _collateral(user: Any, loan: Loan, sent: Sent) -> Loan:
    at, share = clock.now(), sent.percent("share")
    thing = collateral_add(
        acting_user=user, loan_id=loan.pk, kind=sent.choice("kind", Collateral.Kind.values),
        description=sent.text("description"), share=Decimal(1) if share is None else share,
        owner=sent.text("owner"), reference=sent.text("reference"), at=at,
    )  # fmt: skip
    _valued(user, thing, sent)
    return loan


def _valued(user: Any, thing: Collateral, sent: Sent) -> Loan:
    valuation_add(
        acting_user=user, collateral_id=thing.pk, valued_on=_day(sent, "valued_on"), valuer=sent.text("valuer"),
        amount=sent.amount("value", thing.loan.currency) or 0, today=business_date_current(), at=clock.now(),
    )  # fmt: skip
    return thing.loan


def _guarantor_fields(user: Any, loan: Loan) -> list[Field]:
    return [
        Field("member", "Member number"),
        Field("amount", f"Amount, {loan.currency}", "money"),
        Field("account", "Account number", is_needed=False, hint="So much is held there until the release."),
    ]


def _guarantor(user: Any, loan: Loan, sent: Sent) -> Loan:
    member = sent.member(user)
    account = sent.account(member)
    guarantor_add(
        acting_user=user, loan_id=loan.pk, member_id=member.pk, amount=sent.amount("amount", loan.currency) or 0,
        account_id=account.pk if account else None, at=clock.now(),
    )  # fmt: skip
    return loan


def thing_get_for(*, user: Any, pk: UUID) -> Collateral:
    """Collateral of a loan that the user may see. Raises NotFound."""
    found = Collateral.objects.select_related("loan__member").filter(pk=pk, loan__in=loans_visible_to(user).order_by())
    thing = found.first()
    if thing is None:
        raise NotFound("No such collateral.")
    return thing


def guarantor_get_for(*, user: Any, pk: UUID) -> Guarantor:
    """A guarantor of a loan that the user may see. Raises NotFound."""
    found = Guarantor.objects.select_related("loan__member").filter(pk=pk, loan__in=loans_visible_to(user).order_by())
    guarantor = found.first()
    if guarantor is None:
        raise NotFound("No such guarantor.")
    return guarantor


def _release_thing(user: Any, thing: Collateral, sent: Sent) -> Loan:
    collateral_release(acting_user=user, collateral_id=thing.pk, today=business_date_current(), at=clock.now())
    return thing.loan


def _release_guarantor(user: Any, one: Guarantor, sent: Sent) -> Loan:
    guarantor_release(acting_user=user, guarantor_id=one.pk, today=business_date_current(), at=clock.now())
    return one.loan


def _reversal_preview(user: Any, event: LoanEvent, sent: Sent) -> list[Change]:
    servicing, currency = servicing_of(event.loan_id), event.loan.currency
    act = Act(REVERSAL, reason=sent.text("reason"), event_id=event.pk)
    plan = services.act_plan(servicing=servicing, today=business_date_current(), user=user, act=act)
    held = services.books_held(servicing=servicing)
    pairs = (
        ("Principal owed", held.principal, plan.books.principal),
        ("Interest owed", held.interest, plan.books.interest),
        ("Fees and penalties owed", held.charges, plan.books.charges),
    )
    return [(name, money_text(now, currency), money_text(then, currency)) for name, now, then in pairs]


def _reverse(user: Any, event: LoanEvent, sent: Sent) -> Loan:
    amount_check(user, "lending.reverse", abs(event.amount), event.loan.currency, at=clock.now())
    services.event_reverse(
        asked=sent.asked(user),
        loan_id=event.loan_id,
        event_id=event.pk,
        reason=sent.text("reason", 200),
        at=clock.now(),
    )
    return event.loan


_VALUE = [
    Field("value", "Value", "money"), Field("valued_on", "Valued on", "date"), Field("valuer", "Valued by")
]  # fmt: skip
LOAN_FORMS = ("promise", "collateral", "guarantor", "pause", "officer")
forms_add(
    promise=Form("Note a promise", "handshake", SECURE, _promise_fields, _promise, find=loan_get_for, states=(ACTIVE,)),
    collateral=Form(
        "Add collateral", "home_work", SECURE, _collateral_fields, _collateral, find=loan_get_for,
        states=(APPROVED, ACTIVE),
    ),
    guarantor=Form(
        "Add a guarantor", "group", SECURE, _guarantor_fields, _guarantor, find=loan_get_for, states=(APPROVED, ACTIVE)
    ),
    pause=Form(
        "Pause the ageing", "pause", "lending.change", _pause_fields, _pause, find=loan_get_for, states=(ACTIVE,)
    ),
    officer=Form("Change the officer", "badge", "lending.decide", _officer_fields, _officer, find=loan_get_for),
    value=Form("Value it anew", "price_check", SECURE, lambda *_: _VALUE, _valued, find=thing_get_for),
    release_collateral=Form("Release", "lock_open", SECURE, lambda *_: [], _release_thing, find=thing_get_for),
    release_guarantor=Form("Release", "lock_open", SECURE, lambda *_: [], _release_guarantor, find=guarantor_get_for),
    reverse=Form(
        "Reverse", "undo", "lending.reverse", lambda *_: [Field("reason", "Reason")], _reverse, find=event_get_for,
        preview=_reversal_preview,
    ),
)  # fmt: skip
