"""Standing instructions: dates, amounts, retries, ends, and once a date whoever runs them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import Account
from apps.accounts.services import account_status_set
from apps.core import clock
from apps.jobs.registry import CloseContext, kind_of, steps_all
from apps.ledger.selectors import business_date_current
from apps.notifications.models import Notification
from apps.payments.models import StandingExecution, StandingInstruction
from apps.payments.services import Terms, instruction_create, standing_run
from tests.concurrency.threads import together
from tests.conftest import ApiClient
from tests.factories.accounts import AccountFactory, cash_move
from tests.factories.identity import BranchFactory, user_make
from tests.factories.members import MemberFactory
from tests.payments.conftest import booked

TODAY = dt.date(2026, 11, 21)  # a Saturday; the open business date of tests
MONDAY = dt.date(2026, 11, 23)
AT = dt.datetime(2026, 11, 21, 6, 0, tzinfo=dt.UTC)


@pytest.fixture
def saturday(db: None) -> None:
    """The open business date is TODAY."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_businessdate SET current = %s", [TODAY])


@pytest.fixture
def owner(saturday: None) -> ApiClient:
    return ApiClient(user_make("accounts.view", "payments.instruct", scope="own", is_staff=False))


@pytest.fixture
def source(owner: ApiClient) -> Account:
    return AccountFactory(member=MemberFactory(user=owner.user), balance="1000.00")


@pytest.fixture
def landlord(saturday: None) -> Account:
    return AccountFactory()


def kes(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "KES"}


def instruct(owner: ApiClient, source: Account, landlord: Account, **body: Any) -> Any:
    terms = {"kind": "fixed", "amount": kes("100.00"), "rule": "FREQ=DAILY", "starts_on": str(TODAY), **body}
    terms = {name: value for name, value in terms.items() if value is not None}
    return owner.post(
        "standing-instructions", {"source_account": source.number, "destination_account": landlord.number, **terms}
    )


def run(day: dt.date) -> dict[str, int]:
    return standing_run(business_date=day, at=AT)


def rows(instruction: Any, *names: str) -> list[tuple[Any, ...]]:
    found = StandingExecution.objects.filter(instruction=instruction["id"]).order_by("nominal")
    return list(found.values_list(*names))


def test_the_life_of_an_instruction_of_a_member(owner: ApiClient, source: Account, landlord: Account) -> None:
    made = instruct(owner, source, landlord, rule="FREQ=WEEKLY;BYDAY=SA", convention="following", description="Rent")
    assert made.status_code == 201, made.content
    body, path = made.json(), f"standing-instructions/{made.json()['id']}"
    assert (body["next_on"], body["status"], made["ETag"]) == (str(MONDAY), "active", '"1"')
    assert owner.post(f"{path}/run").json()["code"] == "instruction-not-due"
    assert run(MONDAY) == {"paid": 1, "waiting": 0, "failed": 0, "skipped": 0}
    assert run(MONDAY) == {"paid": 0, "waiting": 0, "failed": 0, "skipped": 0}
    assert (booked(source), booked(landlord)) == (900_00, 100_00)
    (execution,) = owner.get(f"{path}/executions").json()["data"]
    assert (execution["nominal"], execution["due_on"], execution["status"]) == (str(TODAY), str(MONDAY), "paid")
    paid = owner.get(f"transactions/{execution['transaction_id']}").json()
    assert (paid["description"], paid["channel"], paid["amount"]) == ("Rent", "standing", kes("100.00"))

    def act(verb: str, body: Any = None) -> Any:
        return owner.post(f"{path}/{verb}", body, headers={"If-Match": owner.get(path)["ETag"]})

    changed = owner.patch(path, {"amount": kes("50.00"), "retries": 2}, headers={"If-Match": owner.get(path)["ETag"]})
    assert (changed.json()["amount"], changed.json()["retries"]) == (kes("50.00"), 2)
    assert act("pause", {"reason": "Away"}).json()["status"] == "paused"
    assert run(MONDAY + dt.timedelta(days=14))["paid"] == 0
    assert act("pause", {"reason": "Again"}).json()["code"] == "instruction-ended"
    assert act("resume").json()["status"] == "active"
    assert owner.patch(path, {"retries": 1}, headers={"If-Match": '"1"'}).status_code == 412
    assert act("cancellation", {"reason": "Moved out"}).json()["next_on"] is None
    assert act("resume").json()["code"] == "instruction-ended"
    assert owner.get("standing-instructions?status=cancelled").json()["data"][0]["id"] == body["id"]


@pytest.mark.parametrize(
    ("body", "moved"),
    [
        ({"kind": "percentage", "amount": None, "percentage": "12.5"}, 125_00),
        ({"kind": "percentage", "amount": None, "percentage": "33.3333", "amount_max": kes("200.00")}, 200_00),
        ({"kind": "sweep", "amount": None, "keep": kes("300.00")}, 700_00),
        ({"kind": "sweep", "amount": None, "keep": kes("5000.00")}, 0),
        ({"kind": "fixed", "total_max": kes("60.00")}, 60_00),
    ],
    ids=["percentage", "capped", "sweep", "nothing to sweep", "the rest of a total"],
)
def test_amounts(owner: ApiClient, source: Account, landlord: Account, body: dict[str, Any], moved: int) -> None:
    made = instruct(owner, source, landlord, **body).json()
    counts = run(TODAY + dt.timedelta(days=2))
    assert booked(landlord) >= moved
    first = rows(made, "status", "amount")[0]
    assert first == (("paid", moved) if moved else ("skipped", None))
    if "total_max" in body:
        assert (counts["paid"], StandingInstruction.objects.get(pk=made["id"]).status) == (1, "ended")


def test_funds_are_looked_for_again_and_then_given_up(owner: ApiClient, source: Account, landlord: Account) -> None:
    made = instruct(
        owner, source, landlord, amount=kes("1500.00"), rule="FREQ=MONTHLY", starts_on=str(MONDAY), retries=2
    ).json()
    assert run(MONDAY)["waiting"] == 1
    assert rows(made, "status", "code", "next_try_on") == [
        ("waiting", "insufficient-funds", MONDAY + dt.timedelta(days=1))
    ]
    assert run(MONDAY) == {"paid": 0, "waiting": 0, "failed": 0, "skipped": 0}, "not before its day"
    assert run(MONDAY + dt.timedelta(days=1))["waiting"] == 1
    cash_move(source, "600.00")
    assert run(MONDAY + dt.timedelta(days=2))["paid"] == 1
    assert rows(made, "status", "attempts", "amount") == [("paid", 3, 1_500_00)]
    told = Notification.objects.filter(recipient=owner.user, kind="payments.instruction_failed")
    assert told.count() == 1, "told once that it waits"

    december = dt.date(2026, 12, 23)
    for day in range(6):
        run(december + dt.timedelta(days=day))
    assert rows(made, "status", "attempts")[-1] == ("failed", 3)
    assert told.count() == 3


def test_failures_in_a_row_pause_it_and_a_blocked_account_fails(
    owner: ApiClient, source: Account, landlord: Account
) -> None:
    made = instruct(owner, source, landlord, failures_max=2).json()
    account_status_set(
        acting_user=None, account_id=landlord.pk, expected_version=1, status="frozen", reason="Court order"
    )
    assert run(TODAY + dt.timedelta(days=9))["failed"] == 2
    instruction = StandingInstruction.objects.get(pk=made["id"])
    assert (instruction.status, instruction.dates_passed) == ("paused", 2)
    assert {code for (code,) in rows(made, "code")} == {"account-blocked"}
    assert booked(source) == 1000_00


def test_resumed_on_the_day_that_was_paid_it_goes_on_with_the_next(
    owner: ApiClient, source: Account, landlord: Account
) -> None:
    path = f"standing-instructions/{instruct(owner, source, landlord, convention='none').json()['id']}"
    assert run(TODAY)["paid"] == 1
    for verb, body in (("pause", {"reason": "Away"}), ("resume", None)):
        shown = owner.post(f"{path}/{verb}", body, headers={"If-Match": owner.get(path)["ETag"]}).json()
    assert shown["next_on"] == str(TODAY + dt.timedelta(days=1))
    assert run(MONDAY)["paid"] == 2


def test_missed_dates_are_caught_up_once(owner: ApiClient, source: Account, landlord: Account) -> None:
    each = instruct(owner, source, landlord, rule="FREQ=DAILY;BYDAY=MO,TU,WE", amount=kes("10.00")).json()
    latest = instruct(owner, source, landlord, rule="FREQ=DAILY;BYDAY=MO,TU,WE", amount=kes("1.00"), catch_up="latest")
    run(MONDAY + dt.timedelta(days=2))
    run(MONDAY + dt.timedelta(days=2))
    assert rows(each, "status") == [("paid",)] * 3
    assert rows(latest.json(), "status", "code") == [("skipped", "caught-up"), ("skipped", "caught-up"), ("paid", "")]
    assert booked(landlord) == 31_00


@pytest.mark.parametrize(
    ("body", "dates"),
    [
        ({"count_max": 2}, 2),
        ({"ends_on": str(MONDAY)}, 3),
        ({"rule": "FREQ=DAILY;COUNT=4"}, 4),
        ({"total_max": kes("250.00")}, 3),
    ],
    ids=["count", "date", "rule", "total"],
)
def test_it_ends_by_count_date_rule_or_total(
    owner: ApiClient, source: Account, landlord: Account, body: dict[str, Any], dates: int
) -> None:
    made = instruct(owner, source, landlord, convention="none", **body).json()
    run(TODAY + dt.timedelta(days=8))
    assert [status for (status,) in rows(made, "status")] == ["paid"] * dates
    assert StandingInstruction.objects.get(pk=made["id"]).status == "ended"


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({"rule": "FREQ=HOURLY"}, 422, "recurrence-not-valid", "/rule"),
        ({"amount": None}, 422, "instruction-not-valid", "/amount"),
        ({"percentage": "5"}, 422, "instruction-not-valid", "/percentage"),
        ({"keep": kes("5.00")}, 422, "instruction-not-valid", "/keep"),
        ({"starts_on": "2026-11-20"}, 422, "instruction-not-valid", "/starts_on"),
        ({"ends_on": "2026-11-20"}, 422, "instruction-not-valid", "/ends_on"),
        ({"amount": {"amount": "1.00", "currency": "USD"}}, 422, "currency-mismatch", "/amount/currency"),
        ({"kind": "percentage", "amount": None, "percentage": "100.01"}, 422, "instruction-not-valid", "/percentage"),
        ({"convention": "sideways"}, 400, "validation-failed", None),
        ({"rule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "month_end": "skip"}, 422, "recurrence-not-valid", "/rule"),
    ],
)
def test_what_cannot_be_is_refused(
    owner: ApiClient, source: Account, landlord: Account, body: Any, status: int, code: str, pointer: str | None
) -> None:
    response = instruct(owner, source, landlord, **body)
    found = response.json()
    assert (response.status_code, found["code"]) == (status, code), found
    if pointer:
        assert found["errors"][0]["pointer"] == pointer
    assert not StandingInstruction.objects.filter(source=source).exists()


def test_one_sees_and_changes_what_is_in_reach(owner: ApiClient, source: Account, landlord: Account) -> None:
    made = instruct(owner, source, landlord).json()
    path = f"standing-instructions/{made['id']}"
    staff = ApiClient(user_make("accounts.view", "payments.instruct", scope="branch", branch=source.branch))
    assert staff.get(path).status_code == 200
    for client in (
        ApiClient(user_make("accounts.view", "payments.instruct", scope="own", is_staff=False)),
        ApiClient(user_make("accounts.view", "payments.instruct", scope="branch", branch=BranchFactory())),
    ):
        assert client.get("standing-instructions").json()["data"] == []
        assert client.get(path).status_code == 404
        assert client.post(f"{path}/run").status_code == 404
        assert instruct(client, source, landlord).json()["code"] == "payment-account-not-found"


def test_the_close_and_the_job_carry_them_out(owner: ApiClient, source: Account, landlord: Account) -> None:
    instruct(owner, source, landlord, convention="none")
    step = next(step for step in steps_all() if step.name == "payments.standing_run")
    context = CloseContext(TODAY, AT)
    assert step.preview is not None
    assert step.preview(context, "") == {"instructions": 1}
    assert (step.run(context, "") or {})["paid"] == 1
    assert step.preview(context, "") == {"instructions": 0}
    assert kind_of("payments.standing_run").permission == "payments.run_instructions"


def test_lists_ask_the_same_few_questions(
    owner: ApiClient, source: Account, landlord: Account, django_assert_max_num_queries: Any
) -> None:
    ids = [instruct(owner, source, landlord).json()["id"] for _ in range(3)]
    run(TODAY + dt.timedelta(days=3))
    for path in ("standing-instructions", f"standing-instructions/{ids[0]}/executions"):
        owner.get(path)
        with django_assert_max_num_queries(4):
            assert len(owner.get(path).json()["data"]) >= 1


@given(days=st.integers(1, 9), amount=st.integers(1, 400_00))
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_two_runners_never_pay_a_date_twice(committed_db: None, days: int, amount: int) -> None:
    branch = BranchFactory(code=f"S{clock.now():%H%M%S%f}")
    source, target = AccountFactory(branch=branch, balance="1000.00"), AccountFactory(branch=branch)
    user = user_make("payments.instruct", email=f"{source.number}@standing.example")
    first = business_date_current()
    until = first + dt.timedelta(days=days - 1)
    terms = Terms("fixed", "FREQ=DAILY", first, amount=amount, convention="none", ends_on=until)
    instruction = instruction_create(
        acting_user=user, source=source.number, destination=target.number, terms=terms, at=clock.now()
    )
    results = together([lambda: standing_run(business_date=until, at=clock.now())] * 2)
    assert not [one for one in results if isinstance(one, Exception)], results
    done = list(StandingExecution.objects.filter(instruction=instruction).order_by("nominal"))
    paid = [one for one in done if one.status == "paid"]
    assert len(paid) == min(days, 1000_00 // amount)
    assert len({one.nominal for one in done}) == len(done)
    assert booked(target) == amount * len(paid)
