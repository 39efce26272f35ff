"""Loans that come into being."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from apps.audit.services import record
from apps.balances import services as balances
from apps.calculations.loans import fee_amount
from apps.core.money import MAX_MINOR
from apps.core.trail import history_stamp
from apps.lending.errors import ApplicationStateWrong
from apps.lending.mapping import LOAN_ACCOUNTS, mapping_of
from apps.lending.models import Loan, LoanApplication, LoanStanding
from apps.lending.numbers import loan_number
from apps.lending.selectors import loan_facts, terms_conventions

if TYPE_CHECKING:
    from apps.identity.models import User

SUFFIXES = {"principal": "P", "interest": "I", "charges": "C"}


@transaction.atomic
def loan_open(*, acting_user: User | None, application: LoanApplication) -> Loan:
    """The loan of an accepted application, to be paid out, with its three ledger accounts. Financed fees are principal.

    Raises `ApplicationStateWrong` for an application without a whole offer.
    """
    terms = application.terms
    amount, rate, instalments = application.offered_amount, application.offered_rate, application.offered_instalments
    if terms is None or amount is None or rate is None or instalments is None:
        raise ApplicationStateWrong("There is no offer.")
    financed = sum(fee_amount(fee, amount, 0, amount) for fee in terms_conventions(terms).financed)
    product = application.product
    number = loan_number(prefix=product.number_prefix)
    mapping = mapping_of(product.mapping)
    accounts = {
        f"{role}_account_id": balances.account_open(
            gl_code=mapping[role],
            branch_id=application.branch_id,
            currency=product.currency_id,
            kind="customer",
            number=f"{number}-{SUFFIXES[role]}",
            name=f"Loan {number} {role}, {application.member.display_name}"[:160],
            overdraft_limit=MAX_MINOR,
        )
        for role in LOAN_ACCOUNTS
    }
    loan = Loan(
        number=number,
        product=product,
        terms=terms,
        application=application,
        member_id=application.member_id,
        branch_id=application.branch_id,
        currency=product.currency_id,
        principal=amount + financed,
        rate=rate,
        instalments=instalments,
        first_due=application.first_due,
        account_id=application.account_id,
        **accounts,
    )
    history_stamp(loan, acting_user=acting_user, reason="opened")
    loan.save(force_insert=True)
    LoanStanding.objects.create(loan=loan)
    record(action="lending.loan.opened", acting_user=acting_user, target=loan, after=loan_facts(loan))
    return loan
