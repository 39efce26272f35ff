"""How much a role may move at once, and above what it takes a second factor."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.audit.models import AuditEvent
from apps.core import clock
from apps.core.errors import ValidationFailed
from apps.identity.errors import AmountLimitExceeded, MfaStepUpRequired
from apps.identity.guards import amount_check
from apps.identity.limits import amount_plain, amount_read, limits_clear
from apps.identity.models import AmountLimit, Session
from apps.identity.principals import principal_get
from apps.identity.services import token_pair_issue
from apps.ledger.selectors import business_date_current
from tests.factories.accounts import AccountFactory, cash_move
from tests.factories.books import gl_account_ready
from tests.factories.identity import RoleFactory, UserFactory, user_make

pytestmark = pytest.mark.django_db
TRANSFER = "payments.transfer"


@pytest.fixture(autouse=True)
def _limits_on(settings):
    settings.NUMINA = {**settings.NUMINA, "LIMITS": True}


def limit(role, amount_max=None, step_up_above=None, **extra):
    extra = {"permission": TRANSFER, "currency": "KES", **extra}
    made = AmountLimit.objects.create(role=role, amount_max=amount_max, step_up_above=step_up_above, **extra)
    limits_clear()
    return made


@pytest.fixture
def role(db):
    return RoleFactory(permissions=[TRANSFER])


def check(user, minor, currency="KES"):
    amount_check(user, TRANSFER, minor, currency, at=clock.now())


def may(user, minor, currency="KES"):
    """Whether the amount passes without a second factor."""
    try:
        check(user, minor, currency)
    except (AmountLimitExceeded, MfaStepUpRequired):
        return False
    return True


def test_more_than_the_role_may_is_refused(role):
    user = UserFactory(roles=[role])
    check(user, 10**9)
    limit(role, 1_000)
    check(user, 1_000)
    with pytest.raises(AmountLimitExceeded):
        check(user, 1_001)
    check(user, 1_001, "USD")


def test_the_widest_role_counts_and_one_without_limit_has_none(role):
    wider, free = RoleFactory(permissions=[TRANSFER]), RoleFactory(permissions=[TRANSFER])
    other = RoleFactory(permissions=["members.view"])
    limit(role, 1_000)
    limit(wider, 5_000)
    check(UserFactory(roles=[role, wider, other]), 5_000)
    with pytest.raises(AmountLimitExceeded):
        check(UserFactory(roles=[role, wider, other]), 5_001)
    check(UserFactory(roles=[role, free]), 10**9)


def test_limits_have_dates(role):
    user, at = UserFactory(roles=[role]), clock.now()
    limit(role, 1_000, starts_at=at - timedelta(days=9), ends_at=at - timedelta(days=1))
    limit(role, 2_000, starts_at=at + timedelta(days=1))
    assert may(user, 10**9)


def test_a_later_limit_takes_the_place_of_an_earlier_one(role):
    at = clock.now()
    limit(role, 1_000, starts_at=at - timedelta(days=9))
    limit(role, 2_000, starts_at=at - timedelta(days=1))
    user = UserFactory(roles=[role])
    assert [may(user, minor) for minor in (1_001, 2_000, 2_001)] == [True, True, False]


def test_above_an_amount_a_second_factor_is_asked_for(role):
    limit(role, step_up_above=1_000)
    user = UserFactory(roles=[role])
    pair = token_pair_issue(user=user)
    caller = principal_get(user_id=user.pk, session_id=pair.session_id)
    check(caller, 1_000)
    with pytest.raises(MfaStepUpRequired):
        check(caller, 1_001)
    # Another process saw it: this one looks before it refuses.
    Session.objects.filter(pk=pair.session_id).update(verified_at=clock.now())
    check(caller, 1_001)


@pytest.mark.parametrize("path", ["transfers", "deposits", "withdrawals"])
def test_the_api_refuses_and_moves_nothing(api, path):
    code = {"withdrawals": "payments.withdraw"}.get(path, f"payments.{path.removesuffix('s')}")
    gl_account_ready("1250")
    role = RoleFactory(permissions=[code])
    source, destination = AccountFactory(), AccountFactory()
    cash_move(source, "1000.00")
    limit(role, 10_000, 5_000, permission=code)
    client = api.as_user(UserFactory(roles=[role]))

    def send(amount, key):
        money = {"amount": amount, "currency": "KES"}
        body = {"account": source.number, "amount": money, "channel": "online"}
        if path == "transfers":
            body = {"source_account": source.number, "destination_account": destination.number, "amount": money}
        return client.post(path, body, headers={"Idempotency-Key": key})

    refused = send("100.01", "a")
    assert (refused.status_code, refused.json()["code"]) == (403, "amount-limit-exceeded")
    assert refused.json()["limit"] == {"amount": "100.00", "currency": "KES"}
    asked = send("50.01", "b")
    assert (asked.status_code, asked.json()["code"]) == (403, "mfa-step-up-required")
    Session.objects.filter(user=client.user).update(verified_at=clock.now())
    assert send("50.01", "b").status_code == 201, "the same request with the same key, after the step-up"
    assert AuditEvent.objects.filter(action="core.access.denied", actor=client.user).exists()


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("100", "KES", 10_000), ("0.5", "KES", 50), ("100000.00", "KES", 10_000_000), ("7", "JPY", 7),
        ("1.234", "BHD", 1_234), ("0", "KES", 0), ("1e3", "KES", None), ("-1", "KES", None), ("1,00", "KES", None),
        ("0.001", "KES", None), ("1.0", "JPY", None), (" 1", "KES", None), ("\u0661", "KES", None),
        ("NaN", "KES", None), ("1" * 14, "KES", None),
    ],
)  # fmt: skip
def test_limits_are_read_strictly_and_shown_as_they_were_written(text, currency, minor):
    if minor is None:
        with pytest.raises(ValidationFailed):
            amount_read(text, currency=currency, pointer="/amount_max")
    else:
        assert amount_read(text, currency=currency, pointer="/amount_max") == minor
        assert amount_read(amount_plain(minor, currency=currency), currency=currency, pointer="") == minor


def test_a_standing_instruction_is_no_way_around_a_limit(api):
    """A part of the balance, or all of it, moves as much as there is: who has a limit says the most."""
    role = RoleFactory(permissions=[TRANSFER, "payments.instruct", "accounts.view"])
    source, destination = AccountFactory(), AccountFactory()
    limit(role, 10_000)
    client = api.as_user(UserFactory(roles=[role]))
    about = {
        "source_account": source.number, "destination_account": destination.number, "kind": "sweep",
        "rule": "FREQ=DAILY", "starts_on": business_date_current().isoformat(),
    }  # fmt: skip

    def most(amount):
        return {"amount_max": {"amount": amount, "currency": "KES"}}

    assert client.post("standing-instructions", about).json()["code"] == "instruction-not-valid"
    assert client.post("standing-instructions", {**about, **most("100.01")}).json()["code"] == "amount-limit-exceeded"
    made = client.post("standing-instructions", {**about, **most("100.00")})
    assert made.status_code == 201, made.content
    one, headers = f"standing-instructions/{made.json()['id']}", {"If-Match": made["ETag"]}
    assert client.patch(one, most("100.01"), headers=headers).json()["code"] == "amount-limit-exceeded"
    assert client.patch(one, {"amount_max": None}, headers=headers).status_code in {400, 422}
    assert client.patch(one, {"description": "Savings"}, headers=headers).status_code == 200


def test_a_batch_is_measured_item_by_item(api):
    role = RoleFactory(permissions=["payments.batch"])
    limit(role, 10_000, permission="payments.batch")
    source, destination = AccountFactory(), AccountFactory()
    cash_move(source, "1000.00")
    client = api.as_user(UserFactory(roles=[role]))

    def item(amount):
        return {
            "source_account": source.number,
            "destination_account": destination.number,
            "amount": {"amount": amount, "currency": "KES"},
        }

    bad, good = {"items": [item("1.00"), item("100.01")]}, {"items": [item("1.00"), item("100.00")]}
    answer = client.post("transfer-batches", bad, headers={"Idempotency-Key": "k"})
    assert answer.json()["code"] == "amount-limit-exceeded"
    fine = client.post("transfer-batches", good, headers={"Idempotency-Key": "l"})
    assert fine.status_code == 200, fine.content


def test_superusers_have_no_limit(role):
    limit(role, 1)
    assert may(user_make(TRANSFER, is_superuser=True), 10**9)
