"""The ledger over HTTP."""

from __future__ import annotations

import datetime as dt
import io
import uuid
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.audit.models import AuditEvent
from apps.core import clock
from apps.ledger.models import AccountingPeriod, GLAccount, JournalEntry
from apps.ledger.sealing import journal_seal_all
from apps.ledger.selectors import business_date_current
from apps.lending.models import LoanEvent
from tests.conftest import ApiClient
from tests.factories.books import gl_account_ready
from tests.factories.lending import loan_make
from tests.factories.postings import Books, branch_new

pytestmark = pytest.mark.django_db

ENTRIES = "ledger/journal-entries"


@pytest.fixture
def books() -> Books:
    for code in ("1110", "5510", "1220"):
        gl_account_ready(code)
    return Books()


@pytest.fixture
def finance(api_with: Callable[..., ApiClient]) -> ApiClient:
    return api_with("ledger.view", "ledger.post", "ledger.manage_periods")


def line(books: Books, code: str, side: str, amount: str, **changes: Any) -> dict[str, Any]:
    money = {"amount": amount, "currency": changes.pop("currency", "KES")}
    return {"account_code": code, "branch": books.branch.code, "side": side, "amount": money, **changes}


def rent(books: Books, amount: str = "850.00", **changes: Any) -> dict[str, Any]:
    lines = [line(books, "5510", "debit", amount), line(books, "1220", "credit", amount)]
    return {"description": "Rent", "reference": f"R-{uuid.uuid4().hex[:8]}", "lines": lines, **changes}


def post(client: ApiClient, body: Any, key: str = "", path: str = ENTRIES) -> Any:
    return client.post(path, body, headers={"Idempotency-Key": key or uuid.uuid4().hex})


class TestManualEntries:
    def test_an_entry_is_posted_shown_and_found(self, books: Books, finance: ApiClient) -> None:
        body = rent(books)
        response = post(finance, body)
        assert response.status_code == 201, response.content
        entry = response.json()
        assert (entry["kind"], entry["outcome"], entry["line_count"]) == ("manual", "OK", 2)
        assert entry["business_date"] == str(business_date_current())
        assert entry["actor_id"] == str(finance.user.pk)
        assert [(one["account"]["account_code"], one["side"], one["amount"]) for one in entry["lines"]] == [
            ("5510", "debit", {"amount": "850.00", "currency": "KES"}),
            ("1220", "credit", {"amount": "850.00", "currency": "KES"}),
        ]
        assert [one["balance_after_side"] for one in entry["lines"]] == ["debit", "credit"]
        assert response["Location"].endswith(entry["id"])
        again = finance.get(response["Location"]).json()
        assert again == entry
        found = finance.get(ENTRIES, {"reference": body["reference"]}).json()
        assert [one["id"] for one in found["data"]] == [entry["id"]]

    def test_the_same_key_gives_the_same_answer_whatever_happened_since(self, books: Books, finance: ApiClient) -> None:
        body = rent(books)
        first = post(finance, body, "k")
        GLAccount.objects.filter(code="5510").update(is_active=False)
        second = post(finance, body, "k")
        assert (second.status_code, second.json()) == (201, first.json())
        assert (first.get("Idempotency-Replayed"), second["Idempotency-Replayed"]) == (None, "true")
        other = post(finance, rent(books, "1.00"), "k")
        assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")

    @pytest.mark.parametrize(
        ("change", "status", "code"),
        [
            (lambda b, body: body["lines"][0]["amount"].update(amount="1.00"), 422, "entry-not-balanced"),
            (lambda b, body: body["lines"][0].update(account_code="1000"), 422, "gl-account-not-postable"),
            (lambda b, body: body["lines"][0].update(account_code="2110"), 422, "gl-account-not-postable"),
            (lambda b, body: body["lines"][0].update(account_code="nope"), 422, "gl-account-unknown"),
            (lambda b, body: body["lines"][0].update(branch="nope"), 422, "branch-unknown"),
            (lambda b, body: body["lines"][0].update(side="up"), 400, "validation-failed"),
            (lambda b, body: body.update(lines=body["lines"][:1]), 400, "validation-failed"),
            (lambda b, body: body.update(lines=body["lines"] * 101), 400, "validation-failed"),
            (lambda b, body: body.update(balance="1"), 400, "validation-failed"),
            (lambda b, body: body.update(outcome="OK"), 400, "validation-failed"),
            (lambda b, body: body["lines"][0].update(balance_after="1"), 400, "validation-failed"),
            (lambda b, body: body.update(business_date="9999-12-31"), 400, "validation-failed"),
            (lambda b, body: body.update(business_date="2026-02-30"), 400, "validation-failed"),
            (lambda b, body: body.update(business_date="2199-01-01"), 422, "business-date-in-future"),
            (
                lambda b, body: [one["amount"].update(amount="5", currency="XAF") for one in body["lines"]],
                422,
                "currency-not-kept",
            ),
            (lambda b, body: body.update(description="\u202eevil"), 400, "validation-failed"),
        ],
    )
    def test_what_is_wrong_is_refused_by_name(
        self, books: Books, finance: ApiClient, change: Callable[..., Any], status: int, code: str
    ) -> None:
        gl_account_ready("2110")
        body = rent(books)
        change(books, body)
        count = JournalEntry.objects.count()
        point = transaction.savepoint()
        response = post(finance, body)
        if code == "business-date-in-future":  # raised by PostgreSQL, inside the transaction of the test
            transaction.savepoint_rollback(point)
        assert (response.status_code, response.json()["code"]) == (status, code), response.content
        assert JournalEntry.objects.count() == count

    @pytest.mark.parametrize(
        "amount",
        [-1, 1, 0, 1.5, None, True, [], {}, "-1", "0", "-0", "0.00", "NaN", "Infinity", "1e3", "1e400", "0.001",
         "1" + "0" * 30, "1,00", "١٢", " 1", "1 ", "+1", "", "1.", ".5"],
    )  # fmt: skip
    def test_amounts_have_one_spelling(self, books: Books, finance: ApiClient, amount: Any) -> None:
        body = rent(books)
        for one in body["lines"]:
            one["amount"]["amount"] = amount
        assert post(finance, body).status_code == 400

    def test_a_key_is_required(self, books: Books, finance: ApiClient) -> None:
        response = finance.post(ENTRIES, rent(books))
        assert (response.status_code, response.json()["code"]) == (400, "idempotency-key-missing")

    def test_an_entry_over_many_currencies_and_forty_lines(self, books: Books, finance: ApiClient) -> None:
        books.internal("1110", "USD")
        lines = [line(books, "5510", "debit", "1.00") for _ in range(19)] + [line(books, "1220", "credit", "19.00")]
        lines += [line(books, "5510", "debit", "2.00", currency="USD") for _ in range(19)]
        lines += [line(books, "1110", "credit", "38.00", currency="USD")]
        response = post(finance, rent(books, lines=lines))
        assert response.status_code == 201, response.content
        assert response.json()["line_count"] == 40

    def test_nothing_is_posted_into_a_closed_period(self, books: Books, finance: ApiClient) -> None:
        day = dt.date(1991, 1, 1)
        AccountingPeriod.objects.create(code="1991-01", starts_on=day, ends_on=day, status="closed")
        response = post(finance, rent(books, business_date="1991-01-01"))
        assert (response.status_code, response.json()["code"]) == (422, "period-closed")

    def test_a_branch_posts_for_itself_only(self, books: Books, api_with: Callable[..., ApiClient]) -> None:
        own = api_with("ledger.view", "ledger.post", scope="branch", branch=books.branch)
        assert post(own, rent(books)).status_code == 201
        other = api_with("ledger.view", "ledger.post", scope="branch", branch=branch_new())
        assert post(other, rent(books)).json()["code"] == "branch-unknown"


class TestReversals:
    def test_an_entry_is_reversed_once_and_stays_as_it_is(self, books: Books, finance: ApiClient) -> None:
        entry = post(finance, rent(books)).json()
        path = f"{ENTRIES}/{entry['id']}/reversal"
        first = post(finance, {"description": "Wrong month"}, "r", path)
        assert first.status_code == 201, first.content
        reversal = first.json()
        assert (reversal["kind"], reversal["reverses"]) == ("reversal", entry["id"])
        sides = {one["account"]["account_code"]: one["side"] for one in reversal["lines"]}
        assert sides == {"5510": "credit", "1220": "debit"}
        shown = finance.get(f"{ENTRIES}/{entry['id']}").json()
        assert shown == {**entry, "reversed_by": reversal["id"]}
        replay = post(finance, {"description": "Wrong month"}, "r", path)
        assert (replay.status_code, replay.json(), replay["Idempotency-Replayed"]) == (201, reversal, "true")
        again = post(finance, {}, "r2", path)
        assert (again.status_code, again.json()["code"]) == (422, "already-reversed")
        twice = post(finance, {}, "r2", path)
        assert (twice.status_code, twice.json()["code"], twice["Idempotency-Replayed"]) == (
            422,
            "already-reversed",
            "true",
        )
        assert twice.json()["transaction_id"] == again.json()["transaction_id"]
        back = post(finance, {}, path=f"{ENTRIES}/{reversal['id']}/reversal")
        assert (back.status_code, back.json()["code"]) == (409, "not-reversible")

    def test_customers_accounts_need_the_permission_of_payments(
        self, books: Books, finance: ApiClient, api_with: Callable[..., ApiClient]
    ) -> None:
        outcome = books.move(books.cash(), books.customer(), 500)
        entry = JournalEntry.objects.get(pk=outcome.journal_id)
        path = f"{ENTRIES}/{entry.transaction_id}/reversal"
        assert post(finance, {}, path=path).status_code == 403
        allowed = api_with("ledger.view", "ledger.post", "payments.reverse")
        assert post(allowed, {}, path=path).status_code == 201

    def test_an_entry_of_a_loan_is_undone_with_the_loan(self, db: None, api_with: Callable[..., ApiClient]) -> None:
        loan = loan_make(start=business_date_current())
        client = api_with("ledger.view", "ledger.post", "payments.reverse")
        paid_out = LoanEvent.objects.get(loan=loan).transaction_id
        refused = post(client, {}, path=f"{ENTRIES}/{paid_out}/reversal")
        assert (refused.status_code, refused.json()["code"]) == (409, "not-reversible")
        assert "loan" in refused.json()["detail"]

    def test_a_refused_reversal_of_spent_money_is_kept(self, books: Books, api_with: Callable[..., ApiClient]) -> None:
        alice = books.customer()
        paid = JournalEntry.objects.get(pk=books.move(books.cash(), alice, 500).journal_id)
        books.move(alice, books.cash(), 400)
        client = api_with("ledger.view", "ledger.post", "payments.reverse")
        path = f"{ENTRIES}/{paid.transaction_id}/reversal"
        assert post(client, {}, "r", path).json()["code"] == "insufficient-funds"
        books.move(books.cash(), alice, 400)
        assert post(client, {}, "r", path).json()["code"] == "insufficient-funds"
        assert post(client, {}, "s", path).status_code == 201


class TestReading:
    def test_filters_and_pages(self, books: Books, finance: ApiClient) -> None:
        day = dt.date(1992, 2, 29)
        alice = books.customer(1_000)
        for number in range(5):
            books.move(alice, books.cash(), 1, business_date=day, reference=f"N{number}")
        books.move(alice, books.cash(), 10**6, business_date=day)
        wanted = {"from": "1992-02-29", "to": "1992-02-29", "kind": "transfer"}
        first = finance.get(ENTRIES, {**wanted, "limit": 3}).json()
        assert (len(first["data"]), first["has_more"]) == (3, True)
        second = finance.get(ENTRIES, {**wanted, "limit": 3, "cursor": first["next_cursor"]}).json()
        assert (len(second["data"]), second["has_more"]) == (2, False)
        numbers = [one["entry_number"] for one in first["data"] + second["data"]]
        assert numbers == sorted(numbers, reverse=True)
        assert len(finance.get(ENTRIES, {**wanted, "outcome": "any"}).json()["data"]) == 6
        assert [one["outcome"] for one in finance.get(ENTRIES, {**wanted, "outcome": "NSF"}).json()["data"]] == ["NSF"]
        assert len(finance.get(ENTRIES, {**wanted, "reference": "N3"}).json()["data"]) == 1
        number = first["data"][0]["lines"][0]["account"]["number"]
        assert len(finance.get(ENTRIES, {**wanted, "account": number}).json()["data"]) == 5
        assert len(finance.get(ENTRIES, {**wanted, "account_code": "2110"}).json()["data"]) == 5
        assert finance.get(ENTRIES, {**wanted, "account_code": "5510"}).json()["data"] == []
        stale = finance.get(ENTRIES, {"kind": "manual", "cursor": first["next_cursor"]})
        assert (stale.status_code, stale.json()["code"]) == (400, "invalid-cursor")

    @pytest.mark.parametrize(
        "query", ["nope=1", "sort=password", "from=1992-02-30", "from=x", "limit=0", "limit=201", "kind=a&kind=b",
                  "outcome=ok", "lines__account__balance=1", "cursor=abc", "to=0000-01-01"],
    )  # fmt: skip
    def test_unknown_and_wrong_parameters_are_refused(self, finance: ApiClient, query: str) -> None:
        assert finance.get(f"{ENTRIES}?{query}").status_code == 400

    def test_the_seal_is_shown_once_it_is_there(self, books: Books, finance: ApiClient) -> None:
        entry = post(finance, rent(books)).json()
        assert entry["seal"] is None
        journal_seal_all(at=clock.now())
        assert len(finance.get(f"{ENTRIES}/{entry['id']}").json()["seal"]) == 64

    def test_a_branch_sees_its_own_entries_and_lines(self, books: Books, api_with: Callable[..., ApiClient]) -> None:
        other = Books()
        across = books.posting((books.cash(), -5), (other.cash(), 5))
        outcome = books.post(across)[0]
        books.move(other.cash(), other.internal("1110"), 7)
        client = api_with("ledger.view", scope="branch", branch=books.branch)
        data = client.get(ENTRIES).json()["data"]
        assert [one["entry_number"] for one in data] == [outcome.journal_id]
        assert (data[0]["line_count"], len(data[0]["lines"])) == (2, 1)
        assert data[0]["lines"][0]["account"]["branch"] == books.branch.code
        elsewhere = api_with("ledger.view", scope="branch", branch=branch_new())
        assert elsewhere.get(f"{ENTRIES}/{across.transaction_id}").status_code == 404
        assert elsewhere.get(ENTRIES).json()["data"] == []
        nobody = api_with("ledger.view", scope="own")
        assert nobody.get(ENTRIES).json()["data"] == []
        assert nobody.get("ledger/trial-balance").json()["rows"] == []

    def test_a_page_costs_the_same_statements_however_long(self, books: Books, finance: ApiClient) -> None:
        counts = []
        for _ in range(2):
            for _ in range(6):
                post(finance, rent(books))
            finance.get(ENTRIES, {"limit": 1})
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert finance.get(ENTRIES, {"kind": "manual"}).status_code == 200
            counts.append(len(queries))
        assert counts[0] == counts[1] <= 5

    @pytest.mark.parametrize(
        "path", [ENTRIES, "ledger/accounts", "ledger/chart", "ledger/trial-balance", "ledger/periods"]
    )
    def test_ledger_view_is_needed(self, api: ApiClient, api_with: Callable[..., ApiClient], path: str) -> None:
        assert api.get(path).status_code == 401
        assert api_with("accounts.view").get(path).status_code == 403

    def test_ledger_post_is_needed(self, books: Books, api_with: Callable[..., ApiClient]) -> None:
        assert post(api_with("ledger.view"), rent(books)).status_code == 403


class TestChart:
    def test_nodes_by_code_and_by_id_with_balances(self, books: Books, api_with: Callable[..., ApiClient]) -> None:
        client = api_with("ledger.view", scope="branch", branch=books.branch)
        books.customer(12_345)
        node = client.get("ledger/accounts/2110", {"expand": "balances"}).json()
        assert (node["usage"], node["normal_side"], node["parent"]) == ("control", "credit", "2100")
        assert node["balances"] == [{"side": "credit", "amount": {"amount": "123.45", "currency": "KES"}}]
        assert client.get(f"ledger/accounts/{node['id']}").json() == {**node, "balances": None}
        root = client.get("ledger/accounts/1000", {"expand": "balances"}).json()
        assert root["balances"] == [{"side": "debit", "amount": {"amount": "123.45", "currency": "KES"}}]
        assert client.get("ledger/accounts/nope").status_code == 404
        assert client.get(f"ledger/accounts/{uuid.uuid4()}").status_code == 404

    def test_the_list_is_filtered_and_in_order(self, books: Books, finance: ApiClient) -> None:
        data = finance.get("ledger/accounts", {"kind": "asset", "usage": "detail", "parent": "1100"}).json()["data"]
        codes = [one["code"] for one in data]
        assert {"1110", "1120"} <= set(codes)
        assert codes == sorted(codes)
        page = finance.get("ledger/accounts", {"limit": 2, "expand": "balances"}).json()
        assert page["has_more"]
        following = finance.get(
            "ledger/accounts", {"limit": 2, "expand": "balances", "cursor": page["next_cursor"]}
        ).json()
        assert following["data"][0]["code"] > page["data"][-1]["code"]

    def test_the_whole_chart_as_a_tree(self, books: Books, finance: ApiClient) -> None:
        data = finance.get("ledger/chart").json()["data"]
        depths = {one["code"]: one["depth"] for one in data}
        assert (depths["1000"], depths["1100"], depths["1110"]) == (0, 1, 2)


class TestTrialBalance:
    def test_it_balances_and_says_so(self, books: Books, api_with: Callable[..., ApiClient]) -> None:
        client = api_with("ledger.view", scope="branch", branch=books.branch)
        books.customer(500)
        found = client.get("ledger/trial-balance").json()
        rows = {one["account"]["code"]: one for one in found["rows"]}
        assert rows["2110"]["credit"] == {"amount": "5.00", "currency": "KES"}
        assert rows["2110"]["debit"] == {"amount": "0.00", "currency": "KES"}
        assert rows["1120"]["debit"] == {"amount": "5.00", "currency": "KES"}
        (total,) = found["totals"]
        assert total["debit"] == total["credit"] == {"amount": "5.00", "currency": "KES"}
        assert found["proof"] == {"balanced": True, "differences": []}

    def test_a_branch_alone_may_carry_a_position(self, books: Books, finance: ApiClient) -> None:
        books.post(books.posting((books.cash(), -500), (Books().cash(), 500)))
        proof = finance.get("ledger/trial-balance", {"branch": books.branch.code}).json()["proof"]
        assert proof == {
            "balanced": False,
            "differences": [{"side": "debit", "amount": {"amount": "5.00", "currency": "KES"}}],
        }
        assert finance.get("ledger/trial-balance").json()["proof"]["balanced"]
        assert finance.get("ledger/trial-balance", {"branch": "nope"}).status_code == 404

    def test_of_any_day_since_any_day_in_any_currency(self, books: Books, finance: ApiClient) -> None:
        alice = books.customer()
        for day, amount in ((dt.date(1993, 1, 1), 100), (dt.date(1993, 1, 2), 20), (dt.date(1993, 1, 3), 3)):
            books.move(books.cash(), alice, amount, business_date=day)

        def credit(**query: str) -> str:
            rows = finance.get("ledger/trial-balance", {"branch": books.branch.code, **query}).json()["rows"]
            return "".join(one["credit"]["amount"] for one in rows if one["account"]["code"] == "2110")

        assert credit(as_of="1993-01-02") == "1.20"
        assert credit(as_of="1993-01-03", **{"from": "1993-01-02"}) == "0.23"
        assert credit(as_of="1992-12-31") == ""
        assert credit(currency="USD") == ""
        wrong = finance.get("ledger/trial-balance", {"as_of": "1993-01-01", "from": "1993-01-02"})
        assert (wrong.status_code, wrong.json()["code"]) == (400, "date-range-invalid")

    def test_files_hold_the_same_figures_and_no_formulas(self, books: Books, finance: ApiClient) -> None:
        GLAccount.objects.filter(code="1120").update(name="=cmd|' /C calc'!A0")
        GLAccount.objects.filter(code="2110").update(name="@SUM(A1)")
        books.customer(500)
        csv = finance.get("ledger/trial-balance", {"format": "csv", "branch": books.branch.code})
        assert csv["Content-Type"].startswith("text/csv")
        text = csv.content.decode("utf-8-sig")
        assert "'=cmd" in text
        assert "'@SUM" in text
        assert ",5.00," in text
        xlsx = finance.get("ledger/trial-balance", {"format": "xlsx", "branch": books.branch.code})
        sheet = openpyxl.load_workbook(io.BytesIO(xlsx.content)).active
        assert sheet is not None
        cells = [cell for row in sheet.iter_rows() for cell in row]
        assert all(cell.data_type != "f" for cell in cells)
        assert 5 in [cell.value for cell in cells]
        assert "attachment" in xlsx["Content-Disposition"]
        accepted = finance.get("ledger/trial-balance", headers={"Accept": "text/csv"})
        assert accepted["Content-Type"].startswith("text/csv")
        assert finance.get("ledger/trial-balance", {"format": "pdf"}).status_code == 400


class TestPeriods:
    def create(self, client: ApiClient, code: str, starts_on: str, ends_on: str) -> Any:
        return client.post("ledger/periods", {"code": code, "starts_on": starts_on, "ends_on": ends_on})

    def test_a_period_is_added_closed_and_recorded(self, finance: ApiClient) -> None:
        created = self.create(finance, "1994-01", "1994-01-01", "1994-01-31")
        assert (created.status_code, created["ETag"]) == (201, '"1"')
        path = created["Location"]
        assert finance.get(path).json() == created.json()
        assert finance.post(f"{path}/closure").status_code == 428
        assert finance.post(f"{path}/closure", headers={"If-Match": '"2"'}).status_code == 412
        closed = finance.post(f"{path}/closure", headers={"If-Match": '"1"'})
        assert (closed.status_code, closed.json()["status"], closed["ETag"]) == (200, "closed", '"2"')
        assert closed.json()["closed_by"] == str(finance.user.pk)
        event = AuditEvent.objects.get(action="ledger.period.closed", object_id=created.json()["id"])
        assert (event.actor_id, event.before, event.after) == (
            finance.user.pk,
            {"status": "open"},
            {"status": "closed"},
        )
        period = AccountingPeriod.objects.get(pk=created.json()["id"])
        assert next(row.history_user_id for row in period.history.all()) == finance.user.pk
        assert finance.post(f"{path}/closure", headers={"If-Match": '"2"'}).json() == closed.json()

    def test_periods_close_in_order_and_after_their_last_day(self, finance: ApiClient) -> None:
        first = self.create(finance, "1995-01", "1995-01-01", "1995-01-31")
        second = self.create(finance, "1995-02", "1995-02-01", "1995-02-28")
        today = str(business_date_current())
        present = self.create(finance, "now", today, today)
        headers = {"If-Match": '"1"'}
        for response in (second, present):
            answer = finance.post(f"{response['Location']}/closure", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (409, "period-not-closable")
        for response in (first, second):
            assert finance.post(f"{response['Location']}/closure", headers=headers).status_code == 200

    def test_what_cannot_be_a_period_is_refused(self, finance: ApiClient, api_with: Callable[..., ApiClient]) -> None:
        self.create(finance, "1996-01", "1996-01-01", "1996-01-31")
        assert self.create(finance, "other", "1996-01-31", "1996-02-01").json()["code"] == "period-overlaps"
        assert self.create(finance, "1996-01", "1997-01-01", "1997-01-31").json()["code"] == "period-overlaps"
        assert self.create(finance, "back", "1998-01-31", "1998-01-01").json()["code"] == "period-invalid"
        assert self.create(finance, "x", "1998-02-29", "1998-03-01").status_code == 400
        assert self.create(api_with("ledger.view"), "y", "1998-01-01", "1998-01-02").status_code == 403
        listed = finance.get("ledger/periods", {"status": "open"}).json()["data"]
        assert [one["code"] for one in listed][-1] == "1996-01"
        assert finance.get(f"ledger/periods/{uuid.uuid4()}").status_code == 404

    def test_everybody_signed_in_may_know_the_business_day(
        self, api: ApiClient, api_with: Callable[..., ApiClient]
    ) -> None:
        assert api.get("ledger/business-date").status_code == 401
        assert api_with().get("ledger/business-date").json()["business_date"] == str(business_date_current())
