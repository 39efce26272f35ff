"""Reports that users define: what a spec may ask for, what it finds, who may see it, and its versions."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.ledger.selectors import business_date_current
from apps.reporting.definitions import DATASETS, OPS, definition_table, spec_check
from apps.reporting.errors import DefinitionNotValid
from apps.reporting.tables.render import table_json
from tests.factories.accounts import AccountFactory, cash_move
from tests.factories.identity import BranchFactory, RoleFactory, user_make
from tests.factories.postings import Books

pytestmark = pytest.mark.django_db
LIST = {"fields": ["number", "balance"], "sort": [{"by": "balance", "descending": True}]}
BY_BRANCH = {
    "groups": [{"field": "branch"}],
    "measures": [{"op": "count"}, {"op": "sum", "field": "balance"}],
    "chart": {"kind": "bars", "label": "branch", "value": "sum_balance"},
}


@pytest.fixture
def accounts() -> Books:
    books = Books()
    for amount in ("70.00", "30.00"):
        cash_move(AccountFactory(branch=books.branch), amount)
    return books


def found(dataset: str, spec: Any, *permissions: str, **facts: Any) -> list[list[Any]]:
    user = facts.pop("user", None) or user_make("accounts.view", "ledger.view", "members.view", *permissions)
    plan = spec_check(dataset=dataset, spec=spec, user=user)
    return table_json(definition_table(title="x", plan=plan, user=user, day=business_date_current()), limit=100)["rows"]


def test_lists_and_groups(accounts: Books) -> None:
    assert [row[1:] for row in found("accounts", LIST)] == [["70.00", "KES"], ["30.00", "KES"]]
    assert found("accounts", BY_BRANCH) == [[accounts.branch.code, "KES", 2, "100.00"]]
    money = {"field": "balance", "op": "at_least", "value": {"amount": "50.00", "currency": "KES"}}
    assert len(found("accounts", {**LIST, "filters": [money]})) == 1
    recent = {"field": "opened_on", "op": "last_days", "value": 3}
    monthly = {"groups": [{"field": "opened_on", "by": "month"}], "measures": [{"op": "count"}], "filters": [recent]}
    assert found("accounts", monthly) == [[business_date_current().replace(day=1).isoformat(), 2]]
    by_code = {"groups": [{"field": "gl_code"}], "measures": [{"op": "sum", "field": "amount"}]}
    assert ["1120", "KES", "100.00"] in found("journal", by_code)


@pytest.mark.parametrize("dataset", sorted(DATASETS))
def test_every_field_is_shown_filtered_grouped_and_measured(accounts: Books, dataset: str) -> None:
    values = {"text": "x", "date": "2026-01-01", "count": 1, "money": {"amount": "1.00", "currency": "KES"}}
    user = user_make("accounts.view", "ledger.view", "members.view", "members.reveal")
    data = DATASETS[dataset]
    filters = [
        {"field": one.key, "op": op, "value": 5 if op == "last_days" else ["x"] if op == "in" else values[one.kind]}
        for one in data.fields
        for op in OPS[one.kind]
    ]
    for n in range(0, len(filters), 20):
        spec = {"fields": [one.key for one in data.fields], "filters": filters[n : n + 20]}
        assert found(dataset, spec, user=user) == []
    for one in data.fields:
        measure = {"op": "count"} if one.kind in ("text", "date") else {"op": "average", "field": one.key}
        group = next(field.key for field in data.fields if field.kind == "text")
        found(dataset, {"groups": [{"field": group}], "measures": [measure]}, user=user)


@pytest.mark.parametrize(
    ("spec", "pointer"),
    [
        ([], "/spec"),
        ({"fields": ["number"], "sql": "select 1"}, "/spec"),
        ({}, "/spec"),
        ({"fields": ["number"], "groups": [{"field": "branch"}], "measures": [{"op": "count"}]}, "/spec"),
        ({"fields": ["member__email"]}, "/spec/fields/0"),
        ({"fields": ["number", "number"]}, "/spec"),
        ({"fields": "number"}, "/spec/fields"),
        ({"fields": ["number"] * 21}, "/spec/fields"),
        (
            {"fields": ["number"], "filters": [{"field": "balance", "op": "contains", "value": "1"}]},
            "/spec/filters/0/op",
        ),
        ({"fields": ["number"], "filters": [{"field": "balance", "op": "eq", "value": 1}]}, "/spec/filters/0/value"),
        ({"fields": ["number"], "filters": [{"field": "number", "op": "eq", "value": "\0"}]}, "/spec/filters/0/value"),
        (
            {"fields": ["number"], "filters": [{"field": "opened_on", "op": "eq", "value": "May"}]},
            "/spec/filters/0/value",
        ),
        ({"groups": [{"field": "balance"}], "measures": [{"op": "count"}]}, "/spec/groups/0"),
        ({"groups": [{"field": "branch", "by": "month"}], "measures": [{"op": "count"}]}, "/spec/groups/0/by"),
        ({"groups": [{"field": "branch"}], "measures": [{"op": "sum", "field": "name"}]}, "/spec/measures/0/field"),
        ({"fields": ["number"], "sort": [{"by": "balance"}]}, "/spec/sort/0"),
        ({"fields": ["number"], "limit": 10**9}, "/spec/limit"),
        ({**LIST, "chart": {"kind": "pie", "label": "number", "value": "balance"}}, "/spec/chart"),
    ],
)
def test_what_is_no_definition_is_refused_where_it_is_wrong(spec: Any, pointer: str) -> None:
    with pytest.raises(DefinitionNotValid) as error:
        spec_check(dataset="accounts", spec=spec, user=user_make("accounts.view"))
    assert error.value.pointer == pointer


def test_values_are_parameters_and_time_is_limited(accounts: Books) -> None:
    evil = "x'; DROP TABLE accounts_account; --"
    spec = {"fields": ["number"], "filters": [{"field": "name", "op": "contains", "value": evil}]}
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert found("accounts", spec) == []
    assert any("statement_timeout" in query["sql"] for query in queries)
    assert found("accounts", LIST)


def test_fields_and_rows_are_those_of_whoever_runs_it(accounts: Books) -> None:
    with pytest.raises(DefinitionNotValid):
        spec_check(dataset="members", spec={"fields": ["date_of_birth"]}, user=user_make("members.view"))
    with pytest.raises(DefinitionNotValid):
        spec_check(dataset="members", spec={"fields": ["number"]}, user=user_make("accounts.view"))
    elsewhere = user_make("accounts.view", "ledger.view", scope="branch", branch=BranchFactory())
    assert found("accounts", LIST, user=elsewhere) == []
    assert found("journal", {"fields": ["entry"]}, user=elsewhere) == []


def test_a_definition_is_shared_changed_and_taken_away(api_with: Any, accounts: Books) -> None:
    role = RoleFactory(permissions=["reporting.define", "accounts.view"], scope="all")
    owner = api_with("reporting.define", "accounts.view")
    body = {"title": "By branch", "dataset": "accounts", "spec": BY_BRANCH, "shared_with": role.code}
    made = owner.post("reports/definitions", body)
    assert made.status_code == 201, made.content
    path = f"reports/definitions/{made.json()['id']}"
    reader = owner.as_user(user_make())
    reader.user.roles.add(role)
    assert reader.get(f"{path}/result").json()["rows"] == [[accounts.branch.code, "KES", 2, "100.00"]]
    assert api_with("reporting.define", "accounts.view").get(path).status_code == 404

    change = {"title": "List", "spec": LIST}
    assert reader.put(path, change, headers={"If-Match": '"1"'}).status_code == 404
    changed = owner.put(path, change, headers={"If-Match": '"1"'})
    assert (changed.json()["number"], changed["ETag"]) == (2, '"2"')
    assert owner.put(path, change, headers={"If-Match": '"1"'}).status_code == 412
    assert [row["number"] for row in owner.get(f"{path}/versions").json()["data"]] == [2, 1]
    preview = owner.post("reports/definitions/preview", {"dataset": "accounts", "spec": LIST})
    assert len(preview.json()["rows"]) == 2
    assert owner.get(f"{path}/result?format=csv").json()["code"] == "mfa-step-up-required"
    assert owner.step_up().get(f"{path}/result?format=csv").getvalue().count(b"\r\n") == 3
    assert owner.delete(path).status_code == 204
    assert owner.get(path).status_code == 404
    assert {one["code"] for one in owner.get("reports/datasets").json()["data"]} == {"accounts"}
