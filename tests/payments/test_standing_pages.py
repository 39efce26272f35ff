"""Standing instructions, cheques and terminals on the staff site."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Account
from apps.core import clock
from apps.core.money import Money
from apps.identity.limits import limits_clear
from apps.identity.models import AmountLimit, User
from apps.ledger.selectors import business_date_current
from apps.payments.admin.standing_form import rhythm_words
from apps.payments.models import StandingInstruction
from apps.payments.services import (
    Asked,
    Drawn,
    Terms,
    authorisation_place,
    cheque_book_issue,
    cheque_deposit,
    instruction_create,
    instruction_run,
    terminal_create,
)
from tests.factories.accounts import AccountFactory
from tests.factories.books import gl_account_ready
from tests.factories.identity import user_make

MAY = (
    "accounts.view", "backoffice.dashboard", "members.view", "payments.instruct", "payments.return_cheques",
    "payments.manage_terminals",
)  # fmt: skip


@pytest.fixture
def staff(db: None) -> User:
    for code in ("1260", "4250"):
        gl_account_ready(code)
    return user_make(*MAY)


@pytest.fixture
def page(staff: User) -> Client:
    client = Client()
    client.force_login(staff)
    return client


@pytest.fixture
def account(staff: User) -> Account:
    return AccountFactory(balance="1000.00")


def said(response: Any) -> str:
    assert response.status_code == 200, response
    return str(response.content.decode())


def test_an_instruction_is_seen_run_paused_and_cancelled(page: Client, staff: User, account: Account) -> None:
    said(page.get(reverse("admin:payments_standinginstruction_changelist")))
    tab = reverse("admin:accounts_account_standing", args=[account.pk])
    assert "No standing instruction" in said(page.get(tab))
    today = business_date_current()
    terms = Terms("fixed", "FREQ=DAILY", today, amount=600_00, convention="none", description="Rent", retries=1)
    made = instruction_create(
        acting_user=staff, source=account.number, destination=AccountFactory().number, terms=terms, at=clock.now()
    )
    assert "Rent" in said(page.get(tab))
    assert "KES 600.00" in said(page.get(reverse("admin:payments_standinginstruction_changelist")))
    record = reverse("admin:payments_standinginstruction_change", args=[made.pk])
    act = reverse("admin:payments_standinginstruction_act", args=[made.pk])
    assert "Carry out now" in said(page.get(record))
    assert "paid" in said(page.post(act, {"action": "run"}, follow=True))
    version = said(page.get(record)).split('name="version" value="')[1].split('"')[0]
    assert "Say why" in said(page.post(act, {"action": "pause", "version": version}, follow=True))
    assert "Changed since" in said(page.post(act, {"action": "pause", "version": "77", "reason": "x"}, follow=True))
    paused = said(page.post(act, {"action": "pause", "version": version, "reason": "Away"}, follow=True))
    assert "Away" in paused
    resumed = said(page.post(act, {"action": "resume", "version": int(version) + 1}, follow=True))
    assert "Next dates" in resumed
    done = page.post(act, {"action": "cancel", "version": int(version) + 2, "reason": "Moved out"}, follow=True)
    assert "Cancelled" in said(done)
    assert page.get(act).status_code == 403
    assert instruction_run(instruction_id=made.pk, business_date=today, at=clock.now()) == []


def test_cheques_books_and_terminals_are_seen(page: Client, staff: User, account: Account) -> None:
    tab = reverse("admin:accounts_account_cheques", args=[account.pk])
    assert "No cheques" in said(page.get(tab))
    at = clock.now()
    asked = Asked(user=staff, key="page", fingerprint=b"\0" * 32)
    cheque, _ = cheque_deposit(
        asked=asked, account=account.number, amount=Money(700_00, "KES"), drawn=Drawn("KCBLKENX", "11", "17"), at=at
    )
    book = cheque_book_issue(acting_user=staff, account=account.number, leaves=3, issued_on=at.date())
    terminal = terminal_create(
        acting_user=None, code="ATM-9", name="Hall", channel="atm", currency="KES", amount_max=100_00, hold_minutes=9
    )
    asked = Asked(user=staff, key="atm", fingerprint=b"\0" * 32)
    found, _ = authorisation_place(
        asked=asked, terminal_code="ATM-9", account=account.number, amount=Money(50_00, "KES"), reference="R1", at=at
    )
    assert "000001 to 000003" in said(page.get(tab))
    assert "Unused" in said(page.get(reverse("admin:payments_chequebook_change", args=[book.pk])))
    assert "Hall" in said(page.get(reverse("admin:payments_terminal_change", args=[terminal.pk])))
    assert "R1" in said(page.get(reverse("admin:payments_authorisation_change", args=[found.pk])))
    for name in ("chequedeposit", "chequebook", "terminal", "authorisation"):
        said(page.get(reverse(f"admin:payments_{name}_changelist")))
    record = reverse("admin:payments_chequedeposit_change", args=[cheque.pk])
    assert "Return the cheque" in said(page.get(record))
    back = reverse("admin:payments_chequedeposit_return", args=[cheque.pk])
    assert "Say why" in said(page.post(back, {"version": 1}, follow=True))
    assert "the deposit is taken back" in said(page.post(back, {"version": 1, "reason": "No funds"}, follow=True))
    assert "Return the cheque" not in said(page.get(record))


def test_an_instruction_is_set_up_by_form_once(page: Client, account: Account) -> None:
    assert "New standing instruction" in said(page.get(reverse("admin:payments_standinginstruction_changelist")))
    assert f"?account={account.number}" in said(page.get(reverse("admin:accounts_account_standing", args=[account.pk])))
    url = reverse("admin:payments_standinginstruction_new")
    form = said(page.get(url, {"account": account.number}))
    sent = {
        "key": form.split('name="key" value="')[1].split('"')[0], "source": account.number,
        "destination": AccountFactory().number, "kind": "fixed", "amount": "1,250.00", "rule": "FREQ=MONTHLY",
        "convention": "preceding", "starts_on": business_date_current().isoformat(), "description": "Rent",
    }  # fmt: skip
    for wrong, words in (
        ({"amount": ""}, "needs amount"), ({"kind": "percentage"}, "needs percentage"),
        ({"destination": "1"}, "No such account"),
        ({"kind": "percentage", "percentage": "x"}, "such as 12.5"), ({"starts_on": "2020-01-01"}, "or later"),
        ({"source": "7"}, "no such account"),
    ):  # fmt: skip
        refused = page.post(url, {**sent, **wrong})
        assert refused.status_code == 422
        assert words in refused.content.decode(), words
        assert 'value="Rent"' in refused.content.decode()  # what was typed stays
    record = said(page.post(url, sent, follow=True))
    assert "Every month" in record
    assert "The business day before" in record
    made = StandingInstruction.objects.get(source=account.pk)
    assert (made.amount, made.rule, made.retries, str(made.pk)) == (1250_00, "FREQ=MONTHLY", 0, sent["key"])
    page.post(url, {**sent, "amount": "9.00"})  # pressed twice
    assert StandingInstruction.objects.filter(source=account.pk).count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():  # two at the same moment: the primary key decides
        instruction_create(
            acting_user=made.created_by, source=account.number, destination=sent["destination"], at=clock.now(),
            terms=Terms("fixed", "FREQ=DAILY", business_date_current(), amount=1), instruction_id=made.pk,
        )  # fmt: skip


def test_the_form_asks_who_may_and_how_much(
    staff: User, page: Client, account: Account, settings: Any, request: Any
) -> None:
    url = reverse("admin:payments_standinginstruction_new")
    stranger = Client()
    stranger.force_login(user_make("accounts.view"))
    assert stranger.get(url).status_code == 403
    settings.NUMINA = {**settings.NUMINA, "LIMITS": True}
    AmountLimit.objects.create(
        role=staff.roles.get(), permission="payments.instruct", currency="KES", amount_max=900_00, step_up_above=100_00
    )
    limits_clear()
    request.addfinalizer(limits_clear)
    sent = {
        "key": str(uuid.uuid4()), "source": account.number, "destination": AccountFactory().number, "kind": "fixed",
        "amount": "900.01", "rule": "FREQ=WEEKLY", "convention": "following",
        "starts_on": business_date_current().isoformat(),
    }  # fmt: skip
    assert page.post(url, sent).status_code == 422
    sweep = {**sent, "kind": "sweep", "amount": ""}
    assert "say the most" in page.post(url, sweep).content.decode()
    session = page.session
    session["numina_verified"] = 0
    session.save()
    asked = page.post(url, {**sent, "amount": "100.01"})
    assert asked.headers["Location"].startswith(reverse("admin:security_confirm"))
    assert not StandingInstruction.objects.filter(source=account.pk).exists()
    assert page.post(url, {**sent, "amount": "100.00"}).status_code == 302


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=MONTHLY;INTERVAL=3", "Every quarter"),
        ("FREQ=WEEKLY;BYDAY=MO,FR", "Every week, on Monday and Friday"),
        ("FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=1,-1", "Every 2 months, on day 1 and the last day"),
        ("FREQ=MONTHLY;BYDAY=2FR", "FREQ=MONTHLY;BYDAY=2FR"),
        ("FREQ=DAILY;COUNT=3", "FREQ=DAILY;COUNT=3"),
    ],
)
def test_a_rule_is_read_in_words(rule: str, words: str) -> None:
    assert rhythm_words(rule) == words
