"""The inbox's pages without a browser: who sees what, what a button does, and what a page costs."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.approvals.models import ApprovalCandidate, ApprovalLevel, ApprovalRequest, Delegation
from apps.approvals.services import request_cancel
from apps.core import clock
from tests.approvals.support import FAULTS, Bank, Refused, decide, fresh
from tests.factories.identity import user_make

INBOX = "/admin/approvals/inbox/"


@pytest.fixture
def browsers(bank: Bank) -> dict[str, Client]:
    found = {}
    for name, role in bank.roles.items():
        role.permissions = sorted({*role.permissions, "approvals.request"})
        role.save()
        user = getattr(bank, {"teller": "maker"}.get(name, name))
        found[name] = Client()
        found[name].force_login(user)
    return found


def task(request: ApprovalRequest) -> str:
    return f"/admin/approvals/task/{request.public_id}/"


def press(browser: Client, request: ApprovalRequest, action: str, **more: Any) -> str:
    data = {"action": action, "version": fresh(request).version, "comment": "because", **more}
    return browser.post(task(request), data, follow=True).content.decode()


def test_pages_open_for_those_with_the_permission_only(bank: Bank, browsers: dict[str, Client]) -> None:
    bank.three_levels()
    request = bank.submit()
    stranger, nobody = Client(), Client()
    stranger.force_login(user_make("approvals.request", branch=Bank().branch, scope="branch"))
    nobody.force_login(user_make("members.view"))
    for path in (
        INBOX,
        task(request),
        "/admin/approvals/simulator/",
        "/admin/approvals/report/",
        "/admin/approvals/delegations/",
    ):
        assert nobody.get(path).status_code == 403, path
        assert browsers["manager"].get(path).status_code == 200, path
    assert stranger.get(task(request)).status_code == 404
    for tab in ("changes", "trail", "policy", "nonsense"):
        assert browsers["manager"].get(f"{task(request)}?tab={tab}").status_code == 200
    for box in ("queue", "inbox", "delegated", "breached", "sent", "done", "all", "nonsense"):
        assert browsers["manager"].get(f"{INBOX}?box={box}").status_code == 200
    assert browsers["teller"].get("/admin/approvals/delegations/").status_code == 403


def test_what_is_tried_again_and_fails_again_is_not_called_done(bank: Bank, browsers: dict[str, Client]) -> None:
    bank.policy(bank.level("manager", 1))
    FAULTS["refused"] = [Refused("No funds"), Refused("No funds")]
    request = decide(bank.submit(name="refused"), bank.manager)
    assert "could not be carried out: No funds" in press(browsers["teller"], request, "retry")
    assert "Tried again, and carried out." in press(browsers["teller"], request, "retry")


def test_a_row_says_what_experience_wants(bank: Bank, browsers: dict[str, Client]) -> None:
    bank.three_levels()
    request = bank.submit(at=clock.now() - dt.timedelta(days=20), amount="1250.00", flags=["new_account"])
    page = browsers["manager"].get(INBOX).content.decode()
    for text in (request.number, "1,250.00", bank.maker.full_name, "late", "New account", "Manager", "nobody"):
        assert text in page, text
    assert "Decided alone: It is flagged" in page
    assert request.number not in browsers["chief"].get(INBOX).content.decode()


def test_buttons_do_what_they_say(bank: Bank, browsers: dict[str, Client]) -> None:
    bank.policy(bank.level("manager", 1))
    request = bank.submit()
    assert "Returned to its maker" in press(browsers["manager"], request, "return")
    assert "Send again" in browsers["teller"].get(task(request)).content.decode()
    press(browsers["teller"], request, "resubmit")
    assert fresh(request).round == 2
    press(browsers["teller"], request, "comment")
    press(browsers["manager"], request, "escalate")
    assert request.levels.get(round=2).escalations == 1
    press(browsers["manager"], request, "delegate", to=str(bank.chief.pk))
    assert request.levels.get(round=2).assignee == bank.chief
    assert "Choose a colleague" in press(browsers["chief"], request, "delegate", to="nonsense")
    assert "asks somebody else" in press(browsers["finance"], request, "approve")
    assert "and carried out" in press(browsers["chief"], request, "approve")
    other = bank.submit()
    assert "Say why" in press(browsers["manager"], other, "reject", comment="")
    assert "Rejected" in press(browsers["manager"], other, "reject")
    third = bank.submit()
    press(browsers["teller"], third, "cancel")
    assert fresh(third).state == "cancelled"
    assert "changed since you opened it" in press(browsers["manager"], bank.submit(), "approve", version="9")


def test_a_delegation_is_given_and_revoked_on_its_page(bank: Bank, browsers: dict[str, Client]) -> None:
    path, today = reverse("admin:approvals_delegations"), clock.now().date()
    data = {
        "delegate": str(bank.chief.pk),
        "from": str(today),
        "until": str(today),
        "limit": "1,000.00",
        "reason": "Leave",
    }
    page = browsers["manager"].post(path, data, follow=True).content.decode()
    assert f"{bank.chief.full_name} will stand in for you." in page
    row = Delegation.objects.get(principal=bank.manager)
    assert (row.state, row.limit_minor) == ("active", 1000_00)
    for odd in ({"from": "x"}, {"until": "9999-12-31"}):
        page = browsers["manager"].post(path, {**data, **odd}, follow=True).content.decode()
        assert "Give the first and the last day" in page
    browsers["manager"].post(path, {"action": "revoke", "delegation": str(row.pk)})
    row.refresh_from_db()
    assert row.state == "revoked"


def test_the_badge_counts_what_waits(bank: Bank, browsers: dict[str, Client]) -> None:
    bank.policy(bank.level("manager", 1))
    assert "text-center text-[11px]" not in browsers["manager"].get(INBOX).content.decode(), "an empty badge"
    requests = [bank.submit() for _ in range(3)]
    assert "text-center text-[11px]" in browsers["manager"].get(INBOX).content.decode()
    assert ">3<" in "".join(browsers["manager"].get(INBOX).content.decode().split())
    decide(requests[0], bank.manager)
    request_cancel(acting_user=bank.maker, request_id=requests[1].public_id, expected_version=1, at=clock.now())
    assert ">1<" in "".join(browsers["manager"].get(INBOX).content.decode().split())


def test_ten_thousand_open_tasks_list_in_few_queries(bank: Bank, browsers: dict[str, Client]) -> None:
    bank.policy(bank.level("manager", 1))
    first = bank.submit(amount="5.00")

    def cost() -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            assert browsers["manager"].get(INBOX).status_code == 200
        return [query["sql"] for query in queries if "approvals_" in query["sql"]]

    cost()
    few = cost()
    _many(first, 10_000)
    many = cost()
    assert len(many) == len(few)
    assert len(many) <= 7, "\n".join(sql[:150] for sql in many)
    assert "9999" not in browsers["manager"].get(INBOX).content.decode()
    assert "99+" in browsers["manager"].get(INBOX).content.decode()
    assert browsers["manager"].get(f"{INBOX}?page=400").status_code == 200


def _many(first: ApprovalRequest, count: int) -> None:
    """Copies of an open request with its level and candidate, by the tables themselves."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM viewflow_process")
        (base,) = cursor.fetchone()
        values = {"base": base, "count": count, "first": first.pk}
        for table, key, more in (
            ("viewflow_process", "id", {}),
            (
                "approvals_approvalrequest",
                "process_ptr_id",
                {"public_id": "gen_random_uuid()", "idempotency_key": "''"},
            ),
        ):
            _copy(cursor, table, key, more, values)
        level = ApprovalLevel.objects.get(request=first)
        values |= {"level": level.pk}
        _copy(
            cursor, "approvals_approvallevel", "id",
            {"public_id": "gen_random_uuid()", "request_id": "%(base)s + n", "task_id": "NULL"},
            {**values, "base": values["base"] + 1_000_000, "first": level.pk, "request_base": base},
        )  # fmt: skip
        candidate = ApprovalCandidate.objects.get(level=level)
        _copy(
            cursor, "approvals_approvalcandidate", "id", {"level_id": "%(base)s + n"},
            {**values, "base": values["base"] + 1_000_000, "first": candidate.pk},
        )  # fmt: skip
        cursor.execute("ANALYZE approvals_approvallevel, approvals_approvalcandidate, approvals_approvalrequest")


def _copy(cursor: Any, table: str, key: str, more: dict[str, str], values: dict[str, Any]) -> None:
    cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table])
    columns = [row[0] for row in cursor.fetchall()]
    chosen = {name: f"t.{name}" for name in columns} | {key: "%(base)s + n"} | more
    if "request_base" in values:
        chosen["request_id"] = "%(request_base)s + n"
    names = ", ".join(chosen)
    picks = ", ".join(chosen.values())
    cursor.execute(
        f"INSERT INTO {table} ({names}) SELECT {picks} FROM {table} t, generate_series(1, %(count)s) n "
        f"WHERE t.{key} = %(first)s",
        values,
    )


def test_nobody_raises_their_own_limit_or_forgets_whom_they_are_related_to(bank: Bank) -> None:
    chief = user_make("approvals.view", "approvals.administer", "approvals.decide")
    own, other = bank.approver(chief, limit_minor=100), bank.approver(bank.manager, limit_minor=100)
    browser = Client()
    browser.force_login(chief)
    sent = {"limit_minor": "999", "related_members": "", "manager": ""}
    for row, became in ((own, 100), (other, 999)):
        page = reverse("admin:approvals_approver_change", args=[row.pk])
        answer = browser.post(page, {**sent, "user": row.user_id})
        row.refresh_from_db()
        assert (row.limit_minor, answer.status_code == 302) == (became, became == 999)
    stolen = browser.post(
        reverse("admin:approvals_approver_change", args=[other.pk]), {**sent, "user": chief.pk, "limit_minor": "1"}
    )
    own.delete()
    new = browser.post(reverse("admin:approvals_approver_add"), {**sent, "user": chief.pk})
    assert new.status_code == 403, "a row of one's own is another's to write"
    assert stolen.status_code != 302


def test_the_results_of_many_decisions_name_nothing_out_of_reach(bank: Bank) -> None:
    bank.three_levels()
    request = bank.submit(name="Secret")
    stranger = Client()
    stranger.force_login(user_make("approvals.request", "approvals.decide", branch=Bank().branch, scope="branch"))
    said = stranger.post(INBOX, {"verdict": "approve", "item": f"{request.public_id}:{request.version}"})
    assert said.status_code == 200
    assert request.number not in said.content.decode()
    assert request.title not in said.content.decode()
