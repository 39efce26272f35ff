"""Mandates: what one signatory may not do alone waits for the others, and is carried out once."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest
from django.db import connection

from apps.accounts.services import MandateTerms, mandate_set
from apps.core import clock
from apps.ledger.selectors import business_date_current
from apps.notifications.models import Notification
from apps.payments.models import PendingPayment, Signature
from apps.payments.services import pendings_expire
from apps.payments.signing import signed_sweep
from tests.conftest import ApiClient
from tests.factories.accounts import AccountFactory
from tests.factories.identity import user_make
from tests.factories.members import MemberFactory
from tests.payments.conftest import booked

MEMBER = ("accounts.view", "payments.transfer", "payments.instruct")


def kes(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "KES"}


def member_client() -> tuple[Any, ApiClient]:
    user = user_make(*MEMBER, scope="own", is_staff=False)
    return MemberFactory(user=user), ApiClient(user)


class Family:
    """Three joint owners; up to 100 any of them alone, up to 500 two, above all three."""

    def __init__(self) -> None:
        people = [member_client() for _ in range(3)]
        self.members, self.clients = [one[0] for one in people], [one[1] for one in people]
        self.account = AccountFactory(member=self.members[0], joint=self.members[1:], balance="5000.00")
        self.shop = AccountFactory()
        today = business_date_current()
        mandate_set(
            acting_user=None,
            account_id=self.account.pk,
            expected_version=1,
            rules=[
                MandateTerms(100_00, "any"), MandateTerms(500_00, "count", 2), MandateTerms(None, "all"),
            ],
            since=today,
            today=today,
        )  # fmt: skip

    def transfer(self, who: int, amount: str, key: str | None = None, **body: Any) -> Any:
        sides = {"source_account": self.account.number, "destination_account": self.shop.number}
        return self.clients[who].post(
            "transfers", {**sides, "amount": kes(amount), **body}, headers={"Idempotency-Key": key or uuid.uuid4().hex}
        )

    def sign(self, who: int, pending: Any) -> Any:
        return self.clients[who].post(f"pending-payments/{pending['id']}/signature")


@pytest.fixture
def family(db: None) -> Family:
    return Family()


def test_each_amount_needs_its_signatures_and_is_paid_once(family: Family) -> None:
    assert family.transfer(1, "100.00").status_code == 201
    asked = family.transfer(0, "400.00", key="rent", description="Rent")
    assert (asked.status_code, asked["Location"]) == (202, f"/api/v1/pending-payments/{asked.json()['id']}")
    waiting = asked.json()
    assert (waiting["status"], waiting["needed"], len(waiting["signatures"])) == ("waiting", 2, 1)
    assert family.transfer(0, "400.00", key="rent", description="Rent").json()["id"] == waiting["id"]
    assert family.transfer(0, "401.00", key="rent").json()["code"] == "idempotency-key-reused"
    told = set(Notification.objects.filter(kind="payments.signature_asked").values_list("recipient_id", flat=True))
    assert told == {client.user.pk for client in family.clients[1:]}  # type: ignore[union-attr]
    assert family.sign(0, waiting).json()["status"] == "waiting"  # twice by the same hand is once
    assert booked(family.shop) == 100_00
    done = family.sign(1, waiting).json()
    assert (done["status"], booked(family.shop)) == ("done", 500_00)
    paid = family.clients[0].get(done["result_url"].removeprefix("/api/v1/")).json()
    assert (paid["amount"], paid["description"], paid["id"]) == (kes("400.00"), "Rent", waiting["transaction_id"])
    assert family.sign(2, waiting).json()["code"] == "pending-payment-ended"
    again = family.transfer(0, "400.00", key="rent", description="Rent")
    assert (again.status_code, booked(family.shop)) == (201, 500_00)
    large = family.transfer(2, "500.01").json()
    assert (large["needed"], family.sign(0, large).json()["status"]) == (3, "waiting")
    assert family.sign(1, large).json()["status"] == "done"
    assert Signature.objects.filter(transaction_id=large["transaction_id"]).count() == 3


def test_it_ends_refused_taken_back_or_unsigned_and_only_holders_see_it(family: Family) -> None:
    refused, back, late, poor = (
        family.transfer(0, amount).json() for amount in ("200.00", "201.00", "202.00", "9000.00")
    )
    path = "pending-payments/{}/refusal"
    stranger = member_client()[1]
    assert stranger.get(f"pending-payments/{refused['id']}").status_code == 404
    assert stranger.post(f"pending-payments/{refused['id']}/signature").status_code == 404
    assert stranger.get("pending-payments").json()["data"] == []
    assert family.clients[1].post(path.format(refused["id"]), {"reason": "Too much"}).json()["status"] == "refused"
    assert family.clients[0].post(path.format(back["id"]), {"reason": "Error"}).json()["status"] == "cancelled"
    assert pendings_expire(at=clock.now()) == 0
    PendingPayment.objects.filter(pk=late["id"]).update(expires_at=clock.now())
    assert family.sign(1, late).json()["code"] == "pending-payment-ended"
    assert pendings_expire(at=clock.now()) == 1
    family.sign(1, poor)
    failed = family.sign(2, poor).json()
    assert (failed["status"], failed["outcome"], booked(family.shop)) == ("failed", "insufficient-funds", 0)
    listed = family.clients[2].get(f"pending-payments?status=expired&account={family.account.number}").json()["data"]
    assert [one["id"] for one in listed] == [late["id"]]
    staff = ApiClient(user_make("accounts.view", "payments.transfer", scope="all"))
    assert staff.post(f"pending-payments/{late['id']}/signature").json()["code"] == "pending-payment-ended"


def test_what_was_signed_by_those_who_sign_no_more_ends_when_its_time_is_over(family: Family) -> None:
    asked = family.transfer(0, "600.00").json()
    family.sign(1, asked)
    PendingPayment.objects.filter(pk=asked["id"]).update(needed=2)  # as under a mandate that has been changed since
    over = clock.now() + dt.timedelta(days=60)
    assert (signed_sweep(at=over), pendings_expire(at=over), pendings_expire(at=over)) == (0, 1, 0)
    assert PendingPayment.objects.get(pk=asked["id"]).status == "expired"


@pytest.mark.parametrize("died", ["transfer_post", "pending_end"])
def test_what_is_signed_when_its_worker_dies_is_carried_out_once(
    family: Family, died: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = family.transfer(0, "400.00").json()

    def killed(**_: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(f"apps.payments.signing.services.{died}", killed)
        with pytest.raises(SystemExit):
            family.sign(1, asked)
    assert booked(family.shop) == (400_00 if died == "pending_end" else 0)
    now = clock.now()
    refused = family.clients[2].post(f"pending-payments/{asked['id']}/refusal", {"reason": "Too late"})
    assert refused.json()["code"] == "pending-payment-ended"
    assert signed_sweep(at=now) == 0  # whoever signed may still be at it
    assert pendings_expire(at=now + dt.timedelta(days=30)) == 0  # it was signed in time
    later = now + dt.timedelta(minutes=1)
    assert [signed_sweep(at=later), signed_sweep(at=later)] == [1, 0]
    ended = family.clients[0].get(f"pending-payments/{asked['id']}").json()
    assert (ended["status"], booked(family.shop)) == ("done", 400_00)


def test_instructions_wait_as_well_and_what_is_without_bounds_needs_all(family: Family) -> None:
    body = {
        "source_account": family.account.number, "destination_account": family.shop.number, "kind": "sweep",
        "rule": "FREQ=DAILY", "starts_on": str(business_date_current()),
    }  # fmt: skip
    small = family.clients[1].post("standing-instructions", {**body, "kind": "fixed", "amount": kes("50.00")})
    assert small.status_code == 201
    version = {"If-Match": '"1"'}
    raised = family.clients[1].patch(
        f"standing-instructions/{small.json()['id']}", {"amount": kes("900.00")}, headers=version
    )
    assert raised.json()["code"] == "signatures-missing"
    wrong = family.clients[1].post("standing-instructions", {**body, "rule": "FREQ=NEVER"})
    assert wrong.status_code in {400, 422}
    asked = family.clients[1].post("standing-instructions", body)
    assert (asked.status_code, asked.json()["needed"]) == (202, 3)
    family.sign(0, asked.json())
    done = family.sign(2, asked.json()).json()
    made = family.clients[0].get(done["result_url"].removeprefix("/api/v1/")).json()
    assert (done["status"], made["kind"], made["status"]) == ("done", "sweep", "active")


def test_staff_say_who_signed_and_the_rule_is_the_same(family: Family) -> None:
    teller = ApiClient(
        user_make(
            "accounts.view", "payments.transfer", "payments.batch", "payments.authorise", scope="branch",
            branch=family.account.branch,
        )
    )  # fmt: skip
    sides = {"source_account": family.account.number, "destination_account": family.shop.number}

    def send(*signed: Any, path: str = "transfers", **more: Any) -> Any:
        body = {**sides, "amount": kes("400.00"), **({"signed_by": [str(one.pk) for one in signed]} if signed else {})}
        body = {"items": [body]} if path == "transfer-batches" else body
        return teller.post(path, body, headers={"Idempotency-Key": uuid.uuid4().hex})

    alone = send(family.members[0])
    assert (alone.status_code, alone.json()["code"], alone.json()["needed"]) == (422, "signatures-missing", 2)
    assert send().json()["code"] == "signatures-missing"
    assert send(family.members[0], MemberFactory()).json()["code"] == "signatory-unknown"
    assert send(path="transfer-batches").json()["items"][0]["code"] == "signatures-missing"
    paid = send(*family.members[1:])
    assert paid.status_code == 201
    rows = Signature.objects.filter(transaction_id=paid.json()["id"])
    assert {row.member_id for row in rows} == {one.pk for one in family.members[1:]}
    assert {row.recorded_by_id for row in rows} == {teller.user.pk}  # type: ignore[union-attr]
    assert family.transfer(0, "400.00", signed_by=[str(one.pk) for one in family.members]).status_code == 403


def test_holders_and_mandates_hold_from_their_day_to_their_day(family: Family) -> None:
    manager = ApiClient(user_make("accounts.view", "accounts.update", "members.view", scope="all"))
    path, today = f"accounts/{family.account.pk}", business_date_current()
    joint = manager.get(f"{path}/holders").json()["data"]
    version = {"If-Match": manager.get(path)["ETag"]}
    few = manager.put(f"{path}/mandate", {"rules": [{"rule": "count", "count": 9}]}, headers=version)
    assert few.json()["code"] == "mandate-invalid"
    gap = manager.put(f"{path}/mandate", {"rules": [{"amount_to": kes("1.00"), "rule": "all"}]}, headers=version)
    assert gap.json()["code"] == "mandate-invalid"
    ended = manager.post(
        f"{path}/holders/{joint[1]['id']}/end",
        {"ends_on": str(today - dt.timedelta(days=1)), "reason": "Left"},
        headers=version,
    )
    assert ended.json()["code"] == "holder-invalid"  # opened today: yesterday lies before the first day
    ended = manager.post(
        f"{path}/holders/{joint[1]['id']}/end", {"ends_on": str(today), "reason": "Left"}, headers=version
    )
    assert ended.status_code == 200, ended.content
    newcomer, client = member_client()
    tomorrow = today + dt.timedelta(days=1)
    added = manager.post(
        f"{path}/holders",
        {"member_id": str(newcomer.pk), "role": "signatory", "starts_on": str(tomorrow)},
        headers={"If-Match": ended["ETag"]},
    )
    assert added.status_code == 201, added.content
    assert client.get(path).status_code == 404
    assert family.clients[2].get(path).status_code == 200
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_businessdate SET current = %s", [tomorrow])
    assert (client.get(path).status_code, family.clients[2].get(path).status_code) == (200, 404)
    shown = client.get(path).json()["holders"]
    assert [one["member"]["number"] for one in shown] == [family.members[1].number, newcomer.number]
    mandate = manager.get(f"{path}/mandate").json()
    assert [one["role"] for one in mandate["signatories"]] == ["owner", "joint", "signatory"]
    assert [one["rule"] for one in mandate["rules"]] == ["any", "count", "all"]
    assert manager.put(f"{path}/mandate", {"rules": []}, headers={"If-Match": added["ETag"]}).status_code == 200
    assert family.transfer(0, "900.00").status_code == 201
