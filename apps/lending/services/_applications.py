"""Applications: draft, submission, decision, offer, acceptance. A loan comes of an accepted offer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction

from apps.accounts.models import Account
from apps.audit.services import record
from apps.core.api.etag import version_check
from apps.core.errors import NotFound
from apps.core.text import text_clean
from apps.core.trail import history_stamp
from apps.lending import locks
from apps.lending.affordability import FINANCES, affordability_of, formula_of
from apps.lending.errors import (
    ApplicationIncomplete,
    ApplicationOutsideProduct,
    ApplicationStateWrong,
    LoanProductNotUsable,
    NotAffordable,
    OfferLapsed,
    OwnApplication,
)
from apps.lending.models import Loan, LoanApplication, LoanProduct, LoanProductTerms
from apps.lending.notices import decision_tell
from apps.lending.numbers import application_number
from apps.lending.scoring import ScoreFacts, score_of
from apps.lending.selectors import application_facts, product_get_for, terms_conventions, terms_on
from apps.lending.services._limits import limits_check, needs_of
from apps.lending.services._loans import loan_open
from apps.lending.servicing import Happening, Loaned, Position, replay
from apps.members.services import member_require_active

if TYPE_CHECKING:
    from apps.identity.models import User

Status = LoanApplication.Status
_SAVED = (
    "amount", "instalments", "rate", "first_due", "purpose", "pay_out", "account_id", "finances",
)  # fmt: skip


@transaction.atomic
def application_save(
    *,
    acting_user: User,
    business_date: dt.date,
    application_id: UUID | None = None,
    expected_version: int | None = None,
    product_id: UUID | None = None,
    member_id: UUID | None = None,
    **asked: Any,
) -> LoanApplication:
    """Begin a draft (product and member are needed) or change one. `asked` has members of `_SAVED`; None leaves them.

    A draft may be incomplete: only what can never be is refused. Raises `NotFound`, `PreconditionFailed`,
    `ApplicationStateWrong`, `LoanProductNotUsable`, `ApplicationOutsideProduct`, `MemberNotActive`.
    """
    if application_id is None:
        application = _draft(acting_user, product_id, member_id, business_date)
    else:
        application = _locked(application_id, Status.DRAFT)
        version_check(current=application.version, expected=expected_version or 0)
    before = application_facts(application) if application_id is not None else None
    for name, value in asked.items():
        if name not in _SAVED:
            raise TypeError(f"an application has no {name}")
        if value is not None:
            setattr(application, name, value)
    application.purpose = text_clean(application.purpose, max_length=400, pointer="/purpose")
    _account_check(application)
    if application_id is None:
        history_stamp(application, acting_user=acting_user, reason="begun")
        application.save(force_insert=True)
    else:
        _save(application, acting_user, "changed")
    record(
        action="lending.application.saved", acting_user=acting_user, target=application,
        before=before, after=application_facts(application),
    )  # fmt: skip
    return application


def _draft(user: User, product_id: UUID | None, member_id: UUID | None, day: dt.date) -> LoanApplication:
    if product_id is None or member_id is None:
        raise ApplicationIncomplete("A product and a member.", pointer="/product_id")
    product = product_get_for(user=user, pk=product_id)
    member = member_require_active(member_id=member_id)
    if product.kind == LoanProduct.Kind.CREDIT_LINE:
        raise LoanProductNotUsable("A credit line has a request of its own.", pointer="/product_id")
    terms = terms_on(product_id=product.pk, day=day)
    if not product.is_active or terms is None:
        raise LoanProductNotUsable("The product is not open for applications.", pointer="/product_id")
    if member.kind not in product.borrowers:
        raise ApplicationOutsideProduct(f"The product is not for a {member.kind}.", pointer="/member_id")
    papers = needs_of(terms).documents
    return LoanApplication(
        number=application_number(),
        product=product,
        member=member,
        branch_id=member.branch_id,
        amount=terms.principal_min,
        instalments=terms.instalments_min,
        documents=[{**paper, "received_on": None, "note": ""} for paper in papers],
        created_by=user,
    )


def _account_check(application: LoanApplication) -> None:
    """The account must be the member's own, open, and in the product's currency."""
    if application.account_id is None:
        return
    account = Account.objects.filter(pk=application.account_id).first()
    is_usable = (
        account is not None
        and account.member_id == application.member_id
        and account.currency == application.product.currency_id
        and account.status != Account.Status.CLOSED
    )
    if not is_usable:
        raise ApplicationOutsideProduct("An open account of the member in the loan's currency.", pointer="/account_id")


def position_offered(
    *, terms: LoanProductTerms, amount: int, rate: Decimal, instalments: int, start: dt.date, first_due: dt.date | None
) -> Position:
    """The schedule of a loan on these terms, paid out on `start`. Raises CalculationErrors."""
    conventions = terms_conventions(terms)
    loaned = Loaned(conventions, amount, rate, instalments, first_due)
    return replay(loaned, [Happening("offer", "disbursement", start, amount)])


@transaction.atomic
def application_submit(
    *, acting_user: User, application_id: UUID, expected_version: int, business_date: dt.date, at: dt.datetime
) -> LoanApplication:
    """Ask for the bank's decision: the draft is checked against the product's terms of today, which it keeps.

    Raises `NotFound`, `PreconditionFailed`, `ApplicationStateWrong`, `ApplicationOutsideProduct`,
    `ApplicationIncomplete`, `NotAffordable`, CalculationErrors.
    """
    application = _locked(application_id, Status.DRAFT)
    version_check(current=application.version, expected=expected_version)
    terms = terms_on(product_id=application.product_id, day=business_date)
    if terms is None or not application.product.is_active:
        raise LoanProductNotUsable("The product is not open for applications.", pointer="/product_id")
    rate = terms.rate if application.rate is None else application.rate
    limits_check(
        terms=terms, amount=application.amount, rate=rate, instalments=application.instalments,
        borrower=application.member.kind,
    )  # fmt: skip
    needs = needs_of(terms)
    if needs.instalment_share_max is not None and not application.finances.get("income"):
        raise ApplicationIncomplete("The income a month is needed.", pointer="/finances/income")
    position = position_offered(
        terms=terms, amount=application.amount, rate=rate, instalments=application.instalments,
        start=business_date, first_due=application.first_due,
    )  # fmt: skip
    conventions = terms_conventions(terms)
    month = affordability_of(
        finances={name: int(application.finances.get(name, 0)) for name in FINANCES},
        rows=position.rows, period_years=conventions.frequency.years, share_max=needs.instalment_share_max,
    )  # fmt: skip
    if not month.fits:
        shown = month.shown()
        formula = formula_of(shown, application.product.currency_id)
        raise NotAffordable(formula, pointer="/finances", share=shown["share"])
    application.affordability = month.shown()
    application.score = score_of(
        ScoreFacts(
            application.member_id, application.product.code, application.product.currency_id, application.amount,
            application.instalments, application.finances, application.affordability,
        )
    )  # fmt: skip
    application.terms, application.status, application.submitted_at = terms, Status.SUBMITTED, at
    _save(application, acting_user, "submitted")
    _note(application, acting_user, "submitted", at)
    return application


@transaction.atomic
def document_mark(
    *, acting_user: User, application_id: UUID, code: str, received_on: dt.date | None, note: str = ""
) -> LoanApplication:
    """Note that a document of the check list came, or that it did not after all (`received_on` None).

    Raises `NotFound`, `ApplicationStateWrong`.
    """
    application = _locked(application_id, Status.DRAFT, Status.SUBMITTED, Status.APPROVED)
    note = text_clean(note, max_length=200, pointer="/note")
    found = next((one for one in application.documents if one["code"] == code), None)
    if found is None:
        raise NotFound("No such document on the list.")
    found |= {"received_on": received_on.isoformat() if received_on else None, "note": note}
    _save(application, acting_user, f"document {code}")
    record(action="lending.application.document", acting_user=acting_user, target=application, after=dict(found))
    return application


@transaction.atomic
def application_verify(
    *, acting_user: User, application_id: UUID, note: str, expected_version: int, at: dt.datetime
) -> LoanApplication:
    """Confirm that what a submitted application says was checked: income, documents, address; `note` says how.

    By somebody else than who wrote it. Raises `NotFound`, `PreconditionFailed`, `ApplicationStateWrong`,
    `OwnApplication`, `InvalidText` without a note.
    """
    application = _locked(application_id, Status.SUBMITTED)
    version_check(current=application.version, expected=expected_version)
    if acting_user.pk in {application.created_by_id, application.member.user_id}:
        raise OwnApplication
    application.verification_note = text_clean(note, max_length=400, min_length=3, pointer="/note")
    application.verified_at, application.verified_by = at, acting_user
    _save(application, acting_user, "verified")
    _note(application, acting_user, "verified", at)
    return application


@transaction.atomic
def application_decide(
    *,
    acting_user: User,
    application_id: UUID,
    approve: bool,
    business_date: dt.date,
    at: dt.datetime,
    note: str = "",
    amount: int | None = None,
    rate: Decimal | None = None,
    instalments: int | None = None,
    by_approval: bool = False,
) -> LoanApplication:
    """Make an offer, as asked unless other figures are given, or reject; with a reason where it is rejected.

    `by_approval`: the approvals engine has decided; else nobody decides on what he asked for, and not past it.
    Raises `NotFound`, `ApplicationStateWrong`, `OwnApplication`, `ApplicationIncomplete` for missing documents,
    `ApplicationOutsideProduct`, `InvalidText`.
    """
    application = _locked(application_id, Status.SUBMITTED)
    if not by_approval:
        _may_decide(application, acting_user)
    application.decision_note = text_clean(note, max_length=400, min_length=0 if approve else 3, pointer="/note")
    application.decided_at, application.decided_by = at, acting_user
    if not approve:
        application.status = Status.REJECTED
        _save(application, acting_user, "rejected")
        _note(application, acting_user, "rejected", at)
        decision_tell(application)
        return application
    missing = [one["name"] for one in application.documents if one["required"] and not one["received_on"]]
    if missing:
        raise ApplicationIncomplete("Still missing: " + ", ".join(missing) + ".", pointer="/documents")
    terms = _terms(application)
    if needs_of(terms).needs_verification and application.verified_at is None:
        raise ApplicationIncomplete("What it says has not been verified.", pointer="/verification")
    application.offered_amount = amount or application.amount
    application.offered_instalments = instalments or application.instalments
    chosen = rate if rate is not None else application.rate
    application.offered_rate = terms.rate if chosen is None else chosen
    limits_check(
        terms=terms, amount=application.offered_amount, rate=application.offered_rate,
        instalments=application.offered_instalments, borrower=application.member.kind,
    )  # fmt: skip
    application.offer_ends_on = business_date + dt.timedelta(days=needs_of(terms).offer_days)
    application.status = Status.APPROVED
    _save(application, acting_user, "offer made")
    _note(application, acting_user, "approved", at)
    decision_tell(application)
    return application


@transaction.atomic
def application_return(*, application_id: UUID, is_rejected: bool) -> LoanApplication | None:
    """A request for approval ended without being carried out: the application is rejected, or waits for a decision.

    None when it has gone on meanwhile.
    """
    application = locks.application_lock(pk=application_id)
    if application is None or application.status != Status.SUBMITTED:
        return None
    application.approval_request = None
    if is_rejected:
        application.status = Status.REJECTED
    _save(application, None, "rejected" if is_rejected else "approval ended")
    if is_rejected:
        decision_tell(application)
    return application


@transaction.atomic
def application_wait(*, application_id: UUID, request_id: UUID) -> LoanApplication:
    """A request for approval decides on it from now on. Raises `NotFound`, `ApplicationStateWrong`."""
    application = _locked(application_id, Status.SUBMITTED)
    application.approval_request = request_id
    _save(application, None, "approval asked")
    return application


def _may_decide(application: LoanApplication, user: User) -> None:
    if application.approval_request is not None:
        raise ApplicationStateWrong("A request for approval decides on it.")
    submitted_by = application.history.filter(history_change_reason="submitted").order_by("-history_id").first()
    if user.pk in {
        application.created_by_id,
        application.member.user_id,
        getattr(submitted_by, "history_user_id", None),
    }:
        raise OwnApplication


def _terms(application: LoanApplication) -> LoanProductTerms:
    if application.terms is None:
        raise ApplicationStateWrong("It was not submitted.")
    return application.terms


@transaction.atomic
def application_withdraw(*, acting_user: User, application_id: UUID, at: dt.datetime) -> LoanApplication:
    """The borrower wants it no more. Raises `NotFound`, `ApplicationStateWrong`."""
    application = _locked(application_id, Status.DRAFT, Status.SUBMITTED, Status.APPROVED)
    application.status = Status.WITHDRAWN
    _save(application, acting_user, "withdrawn")
    _note(application, acting_user, "withdrawn", at)
    return application


def offer_accept(*, acting_user: User, application_id: UUID, business_date: dt.date, at: dt.datetime) -> Loan:
    """The borrower accepts: the loan comes into being, to be paid out.

    Raises `NotFound`, `ApplicationStateWrong`, `OfferLapsed`: the application is then marked as lapsed.
    """
    with transaction.atomic():
        application = _locked(application_id, Status.APPROVED)
        if application.offer_ends_on is not None and application.offer_ends_on < business_date:
            application.status = Status.EXPIRED
            _save(application, acting_user, "lapsed")
            _note(application, acting_user, "lapsed", at)
            loan = None
        else:
            application.status, application.accepted_at = Status.ACCEPTED, at
            _save(application, acting_user, "accepted")
            _note(application, acting_user, "accepted", at)
            loan = loan_open(acting_user=acting_user, application=application)
    if loan is None:
        raise OfferLapsed(f"The offer was open until {application.offer_ends_on}.")
    return loan


def _locked(application_id: UUID, *states: str) -> LoanApplication:
    application = locks.application_lock(pk=application_id)
    if application is None:
        raise NotFound("No such loan application.")
    if application.status not in states:
        raise ApplicationStateWrong(f"The application is {application.get_status_display().lower()}.")
    return application


def _save(application: LoanApplication, user: User | None, reason: str) -> None:
    application.version += 1
    history_stamp(application, acting_user=user, reason=reason)
    application.save()


def _note(application: LoanApplication, user: User | None, what: str, at: dt.datetime) -> None:
    after: Mapping[str, Any] = application_facts(application)
    record(action=f"lending.application.{what}", acting_user=user, target=application, after=after, at=at)
