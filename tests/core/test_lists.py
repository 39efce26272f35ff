"""Queries and lists: only what is declared, and each row on exactly one page."""

from typing import Any
from urllib.parse import quote

import pytest

from apps.identity.models import Branch
from tests.core.test_api import call, faults, problem

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.core.views")]

BRANCHES = "/api/v1/branches"


def test_parameters_are_read_by_type() -> None:
    assert call("GET", "/api/v1/as-of?as_of=2024-02-29&count=3").json() == {
        "as_of": "2024-02-29",
        "count": 3,
        "kind": "one",
    }
    assert call("GET", "/api/v1/as-of").json() == {"as_of": None, "count": None, "kind": "one"}


@pytest.mark.parametrize(
    "query", ["x=1", "AS_OF=2024-01-01", "as_of__gte=2024-01-01", "as_of=2024-01-01&as_of=2024-01-02", "a/b~=1"]
)
def test_unknown_and_doubled_parameters_are_refused(query: str) -> None:
    found = faults(call("GET", f"/api/v1/as-of?{query}"), 400, "unknown-parameter")
    assert list(found.values()) == ["unknown-parameter"]
    assert all(pointer.startswith("/query/") for pointer in found)


@pytest.mark.parametrize(
    ("query", "code"),
    [("as_of=2023-02-29", "not-date"), ("count=1.0", "not-integer"), ("count=%D9%A1", "not-integer"),
     ("count=0", "min-value"), ("kind=three", "invalid-choice"), ("count=", "not-integer"), ("as_of=%00", "not-date")],
)  # fmt: skip
def test_wrong_values_are_refused(query: str, code: str) -> None:
    found = faults(call("GET", f"/api/v1/as-of?{query}"), 400, "invalid-parameter")
    assert found == {"/query/" + query.partition("=")[0]: code}


@pytest.fixture
def branches() -> list[str]:
    Branch.objects.bulk_create(
        Branch(code=f"T{number:03d}", name=("Name", "\N{BANK}" * 60, "é")[number % 3], is_active=number % 2 == 0)
        for number in range(30)
    )
    return sorted(Branch.objects.values_list("code", flat=True))


def pages(query: str) -> list[list[str]]:
    found, cursor = [], ""
    for _ in range(50):
        response = call("GET", f"{BRANCHES}?{query}" + (f"&cursor={quote(cursor)}" if cursor else ""))
        assert response.status_code == 200, response.content
        page = response.json()
        found.append([row["code"] for row in page["data"]])
        assert page["has_more"] == (page["next_cursor"] is not None)
        if not page["has_more"]:
            return found
        cursor = page["next_cursor"]
    raise AssertionError("the list has no end")


@pytest.mark.parametrize("sort", ["code", "-code", "name", "-name", "created_at", "-created_at"])
@pytest.mark.parametrize("limit", [1, 7, 200])
def test_every_row_is_on_exactly_one_page(branches: list[str], sort: str, limit: int) -> None:
    found = [code for page in pages(f"sort={sort}&limit={limit}") for code in page]
    assert sorted(found) == branches
    if sort in ("code", "-code"):
        assert found == sorted(branches, reverse=sort.startswith("-"))


def test_rows_added_before_the_cursor_do_not_shift_the_pages(branches: list[str]) -> None:
    first = call("GET", f"{BRANCHES}?limit=10").json()
    Branch.objects.create(code="A000", name="New")
    second = call("GET", f"{BRANCHES}?limit=10&cursor={first['next_cursor']}").json()
    assert [row["code"] for row in first["data"] + second["data"]] == branches[:20]


def test_a_cursor_is_bound_to_filters_and_order(branches: list[str]) -> None:
    cursor = call("GET", f"{BRANCHES}?limit=5&active=true").json()["next_cursor"]
    assert call("GET", f"{BRANCHES}?limit=9&active=true&cursor={cursor}").status_code == 200
    for query in ("limit=5", "limit=5&active=false", "limit=5&active=true&sort=-code"):
        problem(call("GET", f"{BRANCHES}?{query}&cursor={cursor}"), 400, "invalid-cursor")
    problem(call("GET", f"{BRANCHES}?cursor=AAAA"), 400, "invalid-cursor")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [("limit=0", "limit"), ("limit=201", "limit"), ("limit=-1", "limit"), ("limit=1000000000", "limit"),
     ("sort=password", "sort"), ("sort=parent__code", "sort"), ("sort=", "sort"), ("active=1", "active")],
)  # fmt: skip
def test_limits_and_orders_are_whitelisted(query: str, pointer: str) -> None:
    assert f"/query/{pointer}" in faults(call("GET", f"{BRANCHES}?{query}"), 400, "invalid-parameter")


def test_a_page_takes_one_query(branches: list[str], django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        call("GET", f"{BRANCHES}?limit=5")
