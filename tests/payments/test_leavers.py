"""Standing instructions of a user who is locked out."""

from __future__ import annotations

import pytest

from apps.accounts.models import Account
from apps.core import clock
from apps.identity.models import User
from apps.identity.services import user_deactivate, user_reactivate
from apps.ledger.selectors import business_date_current
from apps.notifications.models import Notification
from apps.payments.models import StandingInstruction
from apps.payments.services import Terms, instruction_create
from tests.factories.accounts import AccountFactory
from tests.factories.identity import BranchFactory, user_make
from tests.factories.members import MemberFactory

pytestmark = pytest.mark.django_db


def instruction(user: User, source: Account, target: Account) -> StandingInstruction:
    today = business_date_current()
    return instruction_create(
        acting_user=user, source=source.number, destination=target.number, at=clock.now(),
        terms=Terms(kind="fixed", amount=100, rule="FREQ=MONTHLY", starts_on=today),
    )  # fmt: skip


def test_what_a_customers_user_set_up_is_paused_and_what_staff_set_up_goes_on() -> None:
    customer = user_make("accounts.view", "payments.instruct", scope="own", is_staff=False)
    clerk = user_make("accounts.view", "payments.instruct", branch=BranchFactory())
    source = AccountFactory(member=MemberFactory(user=customer))
    spouse = user_make("accounts.view", scope="own", is_staff=False)
    own, other = instruction(customer, source, AccountFactory()), instruction(clerk, source, AccountFactory())
    joint = AccountFactory(member=MemberFactory(user=spouse))
    theirs = instruction(clerk, joint, AccountFactory())
    for user in (customer, clerk):
        user_deactivate(acting_user=None, user_id=user.pk, reason="Lost the phone", at=clock.now())
    states = {one.pk: one.status for one in StandingInstruction.objects.all()}
    assert (states[own.pk], states[other.pk], states[theirs.pk]) == ("paused", "active", "active")
    assert StandingInstruction.objects.get(pk=own.pk).status_reason == "The user who set it up was locked out"
    assert not Notification.objects.filter(recipient=customer).exists(), "nobody reads it any more"
    user_reactivate(acting_user=None, user_id=customer.pk, reason="Found it", at=clock.now())
    assert StandingInstruction.objects.get(pk=own.pk).status == "paused", "resumed by a person, not by itself"
