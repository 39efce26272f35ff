"""Batches of statements: parts, several workers, one archive, the same figures."""

from __future__ import annotations

import datetime as dt
import io
import uuid
import zipfile
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Account, StatementBatch, StatementPart
from apps.accounts.services import _statement_batches as batches
from apps.accounts.services import (
    day_balances_fold,
    statement_batch_draw,
    statement_batch_help,
    statement_batch_start,
)
from apps.core import clock
from apps.identity.staff_login import VERIFIED
from apps.jobs.models import Job
from apps.jobs.services import job_execute
from apps.ledger.selectors import business_date_current
from tests.conftest import ApiClient
from tests.factories.accounts import AccountFactory, ProductFactory, cash_move
from tests.factories.identity import user_make
from tests.factories.members import MemberFactory


@pytest.fixture
def manager(db: None, settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> ApiClient:
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(batches, "PART_SIZE", 2)
    return ApiClient(user_make("accounts.view", "accounts.draw_statements", scope="all")).step_up()


def names_of(content: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(content)).namelist()


def test_a_batch_is_asked_for_drawn_up_in_parts_and_opened(manager: ApiClient) -> None:
    product, today = ProductFactory(), business_date_current()
    accounts = [AccountFactory(product=product, balance=f"{number}00.00") for number in range(1, 6)]
    body = {"from": str(today.replace(day=1)), "to": str(today), "format": "csv", "product_id": str(product.pk)}
    key = {"Idempotency-Key": uuid.uuid4().hex}
    asked = manager.post("statements/batches", body, headers=key)
    assert asked.status_code == 202, asked.content
    assert manager.post("statements/batches", body, headers=key).json()["id"] == asked.json()["id"]
    path = asked["Location"].removeprefix("/api/v1/")
    assert (asked.json()["account_count"], asked.json()["finished_at"]) == (5, None)
    assert manager.get(f"{path}/file").json()["code"] == "statements-not-ready"
    batch = StatementBatch.objects.get(pk=asked.json()["id"])
    assert (batch.parts.count(), Job.objects.filter(kind="accounts.statements_help").count()) == (3, 2)
    part = StatementPart.objects.filter(batch=batch).order_by("number").first()
    assert part is not None
    for job in Job.objects.filter(kind="accounts.statements_help"):  # a worker does a part and is gone
        StatementPart.objects.filter(batch=batch).exclude(pk=part.pk).update(finished_at=None)
        job_execute(job_id=job.pk, now=clock.now)
        break
    job_execute(job_id=batch.pk, now=clock.now)
    job = Job.objects.get(pk=batch.pk)
    assert (job.status, job.progress_done, job.result_url) == ("done", 5, f"/api/v1/{path}/file"), job.error
    done = manager.get(path).json()
    opened = manager.get(f"{path}/file")
    content = b"".join(opened.streaming_content)
    assert (opened.status_code, done["size"], opened["X-Content-SHA256"]) == (200, len(content), done["sha256"])
    assert sorted(names_of(content)) == sorted(
        f"{one.number}-{body['from']}-{body['to']}.csv" for one in Account.objects.filter(product=product)
    )
    single = manager.get(f"accounts/{accounts[2].pk}/statement?format=csv&from={body['from']}&to={body['to']}").content
    inside = zipfile.ZipFile(io.BytesIO(content)).read(f"{accounts[2].number}-{body['from']}-{body['to']}.csv")
    assert inside == single
    again = statement_batch_draw(batch_id=batch.pk, at=clock.now(), on_progress=lambda done, total: None)
    assert again.sha256 == done["sha256"]


def test_a_batch_that_is_given_up_leaves_no_job_and_no_file(
    manager: ApiClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, django_capture_on_commit_callbacks: Any
) -> None:
    """Cancelled while one part is finished and a helper is drawing up another."""
    product, today = ProductFactory(), business_date_current()
    for _ in range(5):
        AccountFactory(product=product)
    asked = {"acting_user": manager.user, "starts_on": today, "ends_on": today, "form": "csv", "at": clock.now()}
    batch, _ = statement_batch_start(**asked, product_id=product.pk)
    assert batches._part_next(batch.pk, clock.now(), wait=False) == 2
    assert len(list(tmp_path.rglob("*.zip"))) == 1
    drawn = batches.statement_file

    def cancelled_meanwhile(*values: Any) -> bytes:
        with django_capture_on_commit_callbacks(execute=True):
            assert manager.delete(f"jobs/{batch.pk}").status_code < 300
        return drawn(*values)

    monkeypatch.setattr(batches, "statement_file", cancelled_meanwhile)
    assert statement_batch_help(batch_id=batch.pk, at=clock.now(), on_progress=lambda done, total: None) == 0
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert set(Job.objects.filter(kind__startswith="accounts.statements").values_list("status", flat=True)) == {
        "cancelled"
    }
    statement_batch_draw(batch_id=batch.pk, at=clock.now(), on_progress=lambda done, total: None)
    shown = manager.get(f"statements/batches/{batch.pk}").json()
    assert (shown["finished_at"], shown["file_url"], shown["cancelled_at"] is None) == (None, "", False)
    assert "cancelled" in manager.get(f"statements/batches/{batch.pk}/file").json()["detail"]


def test_the_staff_page_starts_follows_and_opens_a_batch(manager: ApiClient) -> None:
    site = Client()
    site.force_login(user_make("accounts.view", "accounts.draw_statements", scope="all", is_staff=True))
    session = site.session
    session[VERIFIED] = int(clock.now().timestamp())
    session.save()
    home = "/admin/accounts/statementbatch/"
    assert "Nothing here yet" in site.get(home).content.decode()
    product, today = ProductFactory(), business_date_current()
    account = AccountFactory(product=product)
    form = {"from": str(today), "to": str(today), "format": "csv", "product": product.code, "key": "once"}
    assert "No such accounts" in site.post(f"{home}start/", {**form, "from": "2001-01-01", "to": "2001-01-02"}).text
    assert "Choose from the list" in site.post(f"{home}start/", {**form, "branch": "nowhere"}).text
    page = site.post(f"{home}start/", form)["Location"]
    assert site.post(f"{home}start/", form)["Location"] == page
    assert "begin as soon as a worker is free" in site.get(page).text
    batch = StatementBatch.objects.get()
    live = f"{home}{batch.pk}/live/"
    tag = site.get(live)["ETag"]
    assert site.get(live, headers={"If-None-Match": tag}).status_code == 304
    job_execute(job_id=batch.pk, now=clock.now)
    shown = site.get(live)
    assert (shown.status_code, "Download" in shown.text, "data-live-end" in shown.text) == (200, True, True)
    archive = b"".join(site.get(f"{home}{batch.pk}/file/").streaming_content)
    assert names_of(archive) == [f"{account.number}-{today}-{today}.csv"]
    stranger = Client()
    stranger.force_login(user_make("accounts.view", "backoffice.dashboard", scope="all", is_staff=True))
    assert {stranger.get(path).status_code for path in (home, f"{home}start/", page)} == {403}


def test_what_is_too_long_is_listed_and_others_do_not_see_it(
    manager: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    product, today = ProductFactory(), business_date_current()
    account = AccountFactory(product=product)
    for _ in range(3):
        cash_move(account, "1.00")
    monkeypatch.setattr(batches, "PDF_LINES_MAX", 2)
    batch, _ = statement_batch_start(
        acting_user=manager.user, starts_on=today, ends_on=today, form="pdf", at=clock.now(), product_id=product.pk
    )  # type: ignore[arg-type]
    assert statement_batch_help(batch_id=batch.pk, at=clock.now(), on_progress=lambda done, total: None) == 1
    statement_batch_draw(batch_id=batch.pk, at=clock.now(), on_progress=lambda done, total: None)
    content = b"".join(manager.get(f"statements/batches/{batch.pk}/file").streaming_content)
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.read("refused.csv").decode().split("\r\n")[1] == f"{account.number},statement-too-long"
    other = ApiClient(user_make("accounts.view", "accounts.draw_statements", scope="branch", branch=account.branch))
    other.step_up()
    assert other.get(f"statements/batches/{batch.pk}").status_code == 404
    assert other.get("statements/batches").json()["data"] == []
    nothing = other.post(
        "statements/batches",
        {"from": "2001-01-01", "to": "2001-01-31", "format": "csv"},
        headers={"Idempotency-Key": uuid.uuid4().hex},
    )
    assert nothing.json()["code"] == "statement-batch-invalid"


def test_a_statement_opens_and_closes_with_the_balances_by_day(manager: ApiClient) -> None:
    """Folded or not, and with an entry that came late, the figures are the same; holders and IBAN are named."""
    today = business_date_current()
    partner = MemberFactory()
    account = AccountFactory(joint=[partner])
    for days, amount in ((40, "100.00"), (20, "50.00"), (3, "-30.00")):
        cash_move(account, amount, business_date=today - dt.timedelta(days=days))
    path = f"accounts/{account.pk}/statement?from={today - dt.timedelta(days=25)}&to={today - dt.timedelta(days=5)}"
    before = manager.get(path).json()
    low = account.ledger_account_id // 100_000 * 100_000
    day_balances_fold(partition=f"{low}-{low + 99_999}")
    folded = manager.get(path).json()
    same = ("opening_balance", "paid_in", "closing_balance", "lines")
    assert [before[name] for name in same] == [folded[name] for name in same]
    assert (folded["opening_balance"]["amount"], folded["closing_balance"]["amount"]) == ("100.00", "150.00")
    assert folded["holders"] == [account.member.display_name, partner.display_name]
    cash_move(account, "7.00", business_date=today - dt.timedelta(days=30))
    late = manager.get(path).json()
    assert (late["opening_balance"]["amount"], late["closing_balance"]["amount"]) == ("107.00", "157.00")


def test_an_iban_is_shown_and_found_where_the_bank_has_them(manager: ApiClient, settings: Any) -> None:
    account = AccountFactory()
    assert manager.get(f"accounts/{account.pk}").json()["iban"] == ""
    settings.NUMINA = {**settings.NUMINA, "IBAN_PATTERN": "AE033{number:0>16}"}
    iban = manager.get(f"accounts/{account.pk}").json()["iban"]
    assert (iban[:2], iban[4:]) == ("AE", f"033{account.number:0>16}")
    spaced = " ".join(iban[place : place + 4] for place in range(0, 23, 4))
    for text in (iban, spaced, account.number):
        found = manager.get("accounts", {"number": text}).json()["data"]
        assert [one["id"] for one in found] == [str(account.pk)], text
    wrong = f"{iban[:2]}00{iban[4:]}"
    assert manager.get("accounts", {"number": wrong}).json()["data"] == []
