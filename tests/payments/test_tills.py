"""Tills: a teller's day, what is refused, and the proof against the ledger."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from apps.audit.models import AuditEvent
from apps.balances.selectors import balance_read, books_verify
from apps.balances.services import internal_account_id
from apps.payments.denominations import pieces_of
from apps.payments.models import TillSession, VaultTransfer
from tests.conftest import ApiClient
from tests.factories.accounts import AccountFactory
from tests.factories.identity import user_make
from tests.factories.members import MemberFactory
from tests.payments.conftest import booked, key_headers
from tests.payments.tills import SUPERVISOR, TELLER, Counter, kes, pieces


@pytest.fixture
def counter(db: None) -> Counter:
    return Counter()


def in_till(counter: Counter) -> int:
    return -balance_read(account_id=counter.till.ledger_account_id).booked


def internal(counter: Counter, code: str) -> int:
    branch = counter.branch
    account = internal_account_id(gl_code=code, branch_id=branch.pk, branch_code=branch.code, currency="KES")
    return balance_read(account_id=account).booked


def test_a_tellers_day_from_the_empty_drawer_to_the_count(counter: Counter) -> None:
    opened = counter.open()
    assert (opened.status_code, opened.json()["status"], opened["ETag"]) == (201, "open", '"1"')
    first = counter.cash("deposits", "9000.00", key="one", count=pieces(n1000=9))
    assert first.status_code == 201, first.content
    again = counter.cash("deposits", "9000.00", key="one", count=pieces(n1000=9))
    assert (again.json(), again["Idempotency-Replayed"]) == (first.json(), "true")
    assert counter.cash("withdrawals", "1500.00", counterparty="Alice").status_code == 201
    assert counter.decide(counter.vault("to_vault", "5000.00", count=pieces(n1000=5))).json()["status"] == "done"
    assert counter.decide(counter.vault("to_till", "2000.00")).status_code == 200
    assert (in_till(counter), booked(counter.account), internal(counter, "1110")) == (4_500_00, 7_500_00, -3_000_00)

    kinds = [row["kind"] for row in counter.teller.get(counter.at("/movements")).json()["data"]]
    assert kinds == ["from_vault", "to_vault", "withdrawal", "deposit"]
    closed = counter.count(pieces(n1000=4, n500=1)).json()
    assert (closed["status"], closed["difference"]) == ("closed", kes("0.00"))
    report = counter.report()
    assert (report["ties"], report["closing"], report["others"]) == (True, kes("4500.00"), [])
    assert {row["kind"]: row["amount"]["amount"] for row in report["totals"]} == {
        "deposit": "9000.00",
        "withdrawal": "-1500.00",
        "from_vault": "2000.00",
        "to_vault": "-5000.00",
    }
    assert counter.cash("deposits", "1.00").json()["code"] == "till-not-open"
    reopened = counter.open(pieces(n1000=4, n500=1)).json()
    assert reopened["opening_books"] == reopened["opening_counted"] == kes("4500.00")
    actions = AuditEvent.objects.filter(object_id=closed["id"]).values_list("action", flat=True)
    assert set(actions) == {"payments.till_session.opened", "payments.till_session.counted"}
    assert books_verify().faults == []


def test_a_larger_difference_waits_for_a_supervisor(db: None) -> None:
    counter = Counter(tolerance=50_00)
    counter.open()
    counter.cash("deposits", "3000.00")
    counted = counter.count(pieces(n1000=2), note="Looked twice").json()
    assert (counted["status"], counted["difference"]) == ("counted", kes("-1000.00"))
    assert counter.open().json()["code"] == "till-in-use"
    assert counter.cash("deposits", "1.00").json()["code"] == "till-not-open"
    teller_too = counter.user(*TELLER, "payments.supervise_tills")
    TillSession.objects.filter(pk=counted["id"]).update(teller=teller_too.user)
    own = counter.post(teller_too, counter.at("/closure"), {"accept": True, "note": "Mine"})
    assert own.json()["code"] == "needs-another-person"
    TillSession.objects.filter(pk=counted["id"]).update(teller=counter.teller.user)

    back = counter.post(counter.supervisor, counter.at("/closure"), {"accept": False, "note": "Count again"})
    assert back.json()["status"] == "open"
    counter.count(pieces(n1000=2, n500=1))
    done = counter.post(counter.supervisor, counter.at("/closure"), {"accept": True, "note": "Will be looked into"})
    assert (done.json()["status"], done.json()["difference"]) == ("closed", kes("-500.00"))
    assert (in_till(counter), internal(counter, "5720")) == (2_500_00, -500_00)
    assert counter.report()["ties"]


def test_a_supervisor_counts_for_a_teller_who_is_away_and_another_one_confirms(counter: Counter) -> None:
    counter.open()
    counter.cash("deposits", "500.00")
    gone = {"accept": True, "note": "Fell ill", "count": pieces(n500=1)}
    path = counter.at("/closure")
    assert counter.post(counter.supervisor, path, {**gone, "accept": False}).json()["code"] == "invalid-request"
    counted = counter.post(counter.supervisor, path, gone).json()
    assert (counted["status"], counted["closed_by"]) == ("counted", str(counter.supervisor.user.pk))
    word = {"accept": True, "note": "Seen"}
    assert counter.post(counter.supervisor, path, word).json()["code"] == "needs-another-person"
    assert counter.post(counter.user(*SUPERVISOR), path, word).json()["status"] == "closed"
    assert counter.open(pieces(n500=1), client=counter.user(*TELLER)).status_code == 201


def test_a_difference_within_tolerance_is_booked_at_once(db: None) -> None:
    counter = Counter(tolerance=50_00)
    counter.open()
    counter.cash("deposits", "960.00")
    closed = counter.count(pieces(n1000=1)).json()
    assert (closed["status"], closed["difference"]) == ("closed", kes("40.00"))
    assert (in_till(counter), internal(counter, "4340")) == (1_000_00, 40_00)


@pytest.mark.parametrize(
    ("kind", "amount", "body", "status", "code"),
    [
        ("deposits", "20000.01", {}, 422, "till-limit-exceeded"),
        ("deposits", "19000.00", {"n": 3}, 422, "till-limit-exceeded"),
        ("deposits", "100.00", {"count": pieces(n50=1)}, 422, "count-not-right"),
        ("deposits", "100.00", {"count": pieces(n30=1)}, 422, "count-not-right"),
        ("deposits", "100.00", {"count": pieces(n100=1) * 2}, 422, "count-not-right"),
        ("deposits", "100.00", {"account": "404404"}, 404, "payment-account-not-found"),
        ("withdrawals", "1.00", {}, 422, "cash-not-there"),
        ("withdrawals", "100.00", {"first": "100.00", "poor": True}, 422, "insufficient-funds"),
        ("deposits", "1.00", {"amount": {"amount": "1.00", "currency": "USD"}}, 422, "currency-mismatch"),
    ],
    ids=["transaction limit", "holding limit", "count too small", "no such note", "value twice", "no account",
         "empty drawer", "no funds", "other currency"],
)  # fmt: skip
def test_what_is_refused_changes_nothing(
    counter: Counter, kind: str, amount: str, body: dict[str, Any], status: int, code: str
) -> None:
    counter.open()
    body = dict(body)
    times, first, poor = body.pop("n", 1), body.pop("first", None), body.pop("poor", False)
    if first:
        counter.cash("deposits", first)
    if poor:
        body["account"] = AccountFactory(branch=counter.branch).number
    for _ in range(times - 1):
        assert counter.cash(kind, amount).status_code == 201
    before = in_till(counter)
    response = counter.cash(kind, amount, key="again", **body)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert in_till(counter) == before
    assert counter.report()["ties"]


def test_a_till_and_a_teller_have_one_session(counter: Counter) -> None:
    counter.open()
    other = counter.user(*TELLER)
    assert counter.open(client=other).json()["code"] == "till-in-use"
    assert counter.cash("deposits", "1.00", client=other).json()["code"] == "till-not-open"
    assert counter.open().json()["code"] == "till-in-use"
    session = TillSession.objects.get(pk=counter.session["id"])
    for field in ("till", "teller"):
        copy = TillSession.objects.get(pk=session.pk)
        copy.pk = uuid.uuid4()
        setattr(copy, "teller" if field == "till" else "till_id", other.user if field == "till" else uuid.uuid4())
        with pytest.raises(IntegrityError), transaction.atomic():
            copy.save(force_insert=True)


def test_the_vault_takes_two_people_and_enough_cash(counter: Counter) -> None:
    counter.open()
    own = AccountFactory(member=MemberFactory(user=counter.teller.user, branch=counter.branch), branch=counter.branch)
    for kind in ("deposits", "withdrawals"):
        assert counter.cash(kind, "1.00", account=own.number).json()["code"] == "needs-another-person"
    asked = counter.vault("to_till", "500.00")
    assert counter.decide(asked).json()["code"] == "cash-not-there"
    assert counter.count([]).json()["code"] == "vault-transfer-open"
    both = counter.user(*TELLER, "payments.supervise_tills")
    VaultTransfer.objects.filter(pk=asked.json()["id"]).update(asked_by=both.user)
    assert counter.decide(asked, client=both).json()["code"] == "needs-another-person"
    path = f"vault-transfers/{asked.json()['id']}/cancellation"
    assert counter.post(counter.teller, path).json()["status"] == "cancelled"
    assert counter.decide(asked).json()["code"] == "vault-transfer-decided"
    with pytest.raises(IntegrityError), transaction.atomic():
        VaultTransfer.objects.filter(pk=asked.json()["id"]).update(status="done", decided_by=both.user)
    assert in_till(counter) == 0


def test_a_reversal_is_shown_apart_and_the_report_still_ties(counter: Counter) -> None:
    counter.open()
    paid = counter.cash("deposits", "700.00").json()
    root = ApiClient(user_make("payments.reverse", "accounts.view", branch=counter.branch))
    done = root.post(f"transactions/{paid['id']}/reversal", {"reason": "Wrong account"}, headers=key_headers())
    assert done.status_code == 201, done.content
    report = counter.report()
    assert (report["ties"], report["closing"]) == (True, kes("0.00"))
    assert [(row["kind"], row["amount"]) for row in report["others"]] == [("reversal", kes("-700.00"))]

    paid = counter.cash("deposits", "700.00").json()
    assert counter.count(pieces(n500=1)).json()["difference"] == kes("-200.00")
    assert (
        root.post(f"transactions/{paid['id']}/reversal", {"reason": "Twice"}, headers=key_headers()).status_code == 201
    )
    moved = counter.post(counter.supervisor, counter.at("/closure"), {"accept": True, "note": "Fine"})
    assert moved.json()["code"] == "till-not-open", "500.00 too much is not what was shown"
    counter.post(counter.supervisor, counter.at("/closure"), {"accept": False, "note": "Count again"})
    assert counter.count([]).json()["status"] == "closed"


def test_tills_are_set_up_changed_and_seen_in_reach(counter: Counter, api_with: Any) -> None:
    body = {
        "branch": counter.branch.code, "number": 2, "name": "Till 2", "currency": "KES",
        "holding_limit": kes("1000.00"), "transaction_limit": kes("100.00"), "tolerance": kes("0.00"),
    }  # fmt: skip
    made = counter.supervisor.post("tills", body)
    assert (made.status_code, made.json()["tolerance"]) == (201, kes("0.00"))
    assert counter.supervisor.post("tills", body).json()["code"] == "till-number-taken"
    stranger = api_with("payments.view_tills", "payments.manage_tills", scope="branch", branch=AccountFactory().branch)
    assert stranger.post("tills", {**body, "number": 3}).json()["code"] == "branch-unknown"
    assert stranger.get("tills").json()["data"] == []
    path = f"tills/{made.json()['id']}"
    changed = counter.supervisor.patch(path, {"is_active": False}, headers={"If-Match": '"1"'})
    assert (changed.json()["is_active"], changed["ETag"]) == (False, '"2"')
    assert counter.supervisor.patch(path, {"name": "X"}, headers={"If-Match": '"1"'}).status_code == 412
    assert [row["name"] for row in counter.teller.get("tills?is_active=false").json()["data"]] == ["Till 2"]
    closed = counter.teller.post("till-sessions", {"till_id": made.json()["id"], "count": []})
    assert closed.json()["code"] == "till-not-open"
    counter.open()
    counter.cash("deposits", "500.00")
    for code in ("till-in-use", "conflict"):  # somebody works at it; then there is cash in it
        kept = counter.supervisor.patch(f"tills/{counter.till.pk}", {"is_active": False}, headers={"If-Match": '"1"'})
        assert kept.json()["code"] == code
        counter.count(pieces(n500=1))


def test_lists_ask_the_same_few_questions(counter: Counter, django_assert_max_num_queries: Any) -> None:
    counter.open()
    for _ in range(3):
        counter.cash("deposits", "10.00")
    for path in ("tills", "till-sessions", counter.at("/movements"), counter.at("/report")):
        counter.teller.get(path)
        with django_assert_max_num_queries(6):
            assert counter.teller.get(path).status_code == 200


def test_the_largest_notes_can_be_counted() -> None:
    found = {currency: pieces_of(currency)[0] for currency in ("JPY", "XOF", "VND", "KWD", "NGN")}
    assert found == {"JPY": 10_000, "XOF": 10_000, "VND": 500_000, "KWD": 20_000, "NGN": 500_000}
