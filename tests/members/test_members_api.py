"""Members over HTTP."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.audit.models import AuditEvent
from apps.members.models import Member
from tests.factories.identity import BranchFactory
from tests.factories.members import MemberFactory

PERSON = {"kind": "person", "first_name": "Grace", "last_name": "Achieng"}


@pytest.fixture
def teller(api_with: Any, branch: Any) -> Any:
    return api_with("members.view", "members.create", "members.update", scope="branch", branch=branch)


def _codes(response: Any) -> dict[str, str]:
    return {fault["pointer"]: fault["code"] for fault in response.json()["errors"]}


def test_a_person_is_registered(teller: Any, branch: Any) -> None:
    response = teller.post(
        "members",
        {
            **PERSON,
            "date_of_birth": "1992-02-29",
            "phone": "+254 (712) 345-678",
            "email": "Grace@Example.COM",
            "country": "ke",
            "city": "Kisumu",
        },
    )
    assert response.status_code == 201, response.content
    body = response.json()
    assert response["Location"] == f"/api/v1/members/{body['id']}"
    assert response["ETag"] == '"1"'
    assert body["number"].startswith("M")
    assert body["display_name"] == "Grace Achieng"
    assert (body["phone"], body["email"], body["country"]) == (
        "\u2022\u2022\u2022\u20225678",
        "grace@example.com",
        "KE",
    )
    assert body["branch"]["id"] == str(branch.pk)
    event = AuditEvent.objects.get(action="members.member.created", object_id=body["id"])
    assert event.actor_id == teller.user.pk
    assert event.after["first_name"] == "Grace"
    history = Member.objects.get(pk=body["id"]).history.get()
    assert history.history_user == teller.user


def test_a_business_is_registered(teller: Any) -> None:
    body = {"kind": "business", "business_name": "Duka Moja Ltd", "registration_number": "PVT-ABC123"}
    response = teller.post("members", body)
    assert response.status_code == 201
    assert response.json()["display_name"] == "Duka Moja Ltd"


@pytest.mark.parametrize(
    "field",
    [
        "status",
        "number",
        "user",
        "user_id",
        "is_staff",
        "balance",
        "version",
        "joined_on",
        "search_text",
        "approved_by",
    ],
)
def test_nothing_else_can_be_set(teller: Any, field: str) -> None:
    response = teller.post("members", {**PERSON, field: "x"})
    assert response.status_code == 400
    assert _codes(response)[f"/{field}"] == "unknown-field"
    assert not teller.user.branch.members.exists()


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"first_name": ""}, "/first_name"),
        ({"business_name": "X Ltd"}, "/business_name"),
        ({"date_of_birth": "1992-02-30"}, "/date_of_birth"),
        ({"date_of_birth": "1991-02-29"}, "/date_of_birth"),
        ({"date_of_birth": "0000-01-01"}, "/date_of_birth"),
        ({"date_of_birth": "9999-12-31"}, "/date_of_birth"),
        ({"date_of_birth": "2199-01-01"}, "/date_of_birth"),
        ({"date_of_birth": "29-02-1992"}, "/date_of_birth"),
        ({"phone": "0712345678"}, "/phone"),
        ({"phone": "+0712345678"}, "/phone"),
        ({"phone": "+254712345678901234"}, "/phone"),
        ({"phone": "call me"}, "/phone"),
        ({"email": "not an address"}, "/email"),
        ({"country": "ZZ"}, "/country"),
        ({"first_name": 7}, "/first_name"),
        ({"first_name": None}, "/first_name"),
        ({"first_name": "A\u202egnp.exe"}, "/first_name"),
        ({"first_name": "Zero\u200bwidth"}, "/first_name"),
        ({"first_name": "New\nline"}, "/first_name"),
        ({"first_name": "\u3164"}, "/first_name"),
        ({"first_name": "x" * 81}, "/first_name"),
        ({"kind": "alien"}, "/kind"),
        ({"branch_id": "not-a-uuid"}, "/branch_id"),
    ],
)
def test_facts_that_cannot_be_are_refused(teller: Any, change: dict[str, Any], pointer: str) -> None:
    response = teller.post("members", {**PERSON, **change})
    assert response.status_code == 400, response.content
    assert pointer in _codes(response)
    assert not teller.user.branch.members.exists()


@pytest.mark.parametrize("body", [b'{"kind":"person","first_name":"A\\u0000","last_name":"B"}', b'{"kind":"\\ud800"}'])
def test_nul_and_lone_surrogates_are_refused(teller: Any, body: bytes) -> None:
    response = teller.post("members", body)
    assert response.status_code == 400
    assert response.json()["code"] == "malformed-body"


def test_a_name_of_ten_megabytes_is_refused(teller: Any) -> None:
    assert teller.post("members", {**PERSON, "first_name": "x" * 10_000_000}).status_code == 413


@pytest.mark.parametrize(
    "name", ["I\u015f\u0131k", "\u7530\u4e2d", "O\u2019Brien", "Ng'ang'a", "Ren\u00e9e", "\u0645\u062d\u0645\u062f"]
)
def test_names_of_the_world_are_kept(teller: Any, name: str) -> None:
    response = teller.post("members", {**PERSON, "first_name": name})
    assert response.status_code == 201
    assert response.json()["first_name"] == name


def test_decomposed_letters_are_composed(teller: Any) -> None:
    response = teller.post("members", {**PERSON, "first_name": "Rene\u0301e"})
    assert response.json()["first_name"] == "Ren\u00e9e"


def test_a_foreign_branch_is_refused(teller: Any) -> None:
    response = teller.post("members", {**PERSON, "branch_id": str(BranchFactory().pk)})
    assert (response.status_code, response.json()["code"]) == (422, "branch-not-usable")
    closed = BranchFactory(is_active=False)
    teller.user.branch = closed
    response = teller.post("members", {**PERSON, "branch_id": str(closed.pk)})
    assert response.status_code == 422


def test_without_a_branch_of_ones_own_it_must_be_named(api_with: Any, branch: Any) -> None:
    head_office = api_with("members.view", "members.create")
    assert head_office.post("members", PERSON).status_code == 400
    assert head_office.post("members", {**PERSON, "branch_id": str(branch.pk)}).status_code == 201


def test_a_change_needs_the_version_that_was_read(teller: Any, branch: Any) -> None:
    member = MemberFactory(branch=branch)
    path = f"members/{member.pk}"
    etag = teller.get(path)["ETag"]
    assert teller.patch(path, {"city": "Thika"}).status_code == 428
    changed = teller.patch(path, {"city": "Thika"}, headers={"If-Match": etag})
    assert (changed.status_code, changed["ETag"], changed.json()["city"]) == (200, '"2"', "Thika")
    stale = teller.patch(path, {"city": "Meru"}, headers={"If-Match": etag})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale-version")
    event = AuditEvent.objects.get(action="members.member.updated", object_id=member.pk)
    assert (event.before, event.after) == ({"city": ""}, {"city": "Thika"})


def test_a_change_of_nothing_is_none(teller: Any, branch: Any) -> None:
    member = MemberFactory(branch=branch, city="Thika")
    same = teller.patch(f"members/{member.pk}", {"city": "Thika"}, headers={"If-Match": '"1"'})
    assert (same.status_code, same["ETag"]) == (200, '"1"')
    assert member.history.count() == 1
    assert teller.patch(f"members/{member.pk}", {}, headers={"If-Match": '"1"'}).status_code == 400


@pytest.mark.parametrize("field", ["kind", "status", "number", "user_id", "is_staff", "version"])
def test_a_change_cannot_touch_the_rest(teller: Any, branch: Any, field: str) -> None:
    member = MemberFactory(branch=branch)
    response = teller.patch(f"members/{member.pk}", {field: "x"}, headers={"If-Match": '"1"'})
    assert response.status_code == 400


def test_a_person_cannot_become_nameless(teller: Any, branch: Any) -> None:
    member = MemberFactory(branch=branch)
    response = teller.patch(f"members/{member.pk}", {"last_name": ""}, headers={"If-Match": '"1"'})
    assert _codes(response)["/last_name"] == "required"


@pytest.mark.parametrize(("method", "tail"), [("get", ""), ("patch", ""), ("post", "/status"), ("get", "/accounts")])
def test_what_is_not_yours_does_not_exist(api_with: Any, branch: Any, method: str, tail: str) -> None:
    client = api_with("members.view", "members.update", "accounts.view", scope="branch", branch=branch)
    foreign = MemberFactory()
    body = {"status": "blocked", "reason": "x"} if tail == "/status" else {"city": "X"}
    extra = {} if method == "get" else {"data": body, "headers": {"If-Match": '"1"'}}
    seen = getattr(client, method)(f"members/{foreign.pk}{tail}", **extra)
    missing = getattr(client, method)(f"members/{uuid.uuid4()}{tail}", **extra)
    assert seen.status_code == missing.status_code == 404
    assert {**seen.json(), "instance": "", "trace_id": ""} == {**missing.json(), "instance": "", "trace_id": ""}
    foreign.refresh_from_db()
    assert foreign.version == 1


def test_a_member_sees_only_the_own_record(api_with: Any) -> None:
    client = api_with("members.view", scope="own", is_staff=False)
    mine, other = MemberFactory(user=client.user), MemberFactory()
    assert [row["id"] for row in client.get("members").json()["data"]] == [str(mine.pk)]
    assert client.get(f"members/{mine.pk}").status_code == 200
    assert client.get(f"members/{other.pk}").status_code == 404
    assert client.get("members?q=alice").json()["data"][0]["id"] == str(mine.pk)
    assert client.post("members", PERSON).status_code == 403


def test_a_block_is_recorded_with_its_reason(teller: Any, branch: Any) -> None:
    member = MemberFactory(branch=branch)
    path = f"members/{member.pk}/status"
    assert teller.post(path, {"status": "blocked", "reason": "Documents"}).status_code == 428
    headers = {"If-Match": '"1"'}
    assert teller.post(path, {"status": "exited", "reason": "x"}, headers=headers).status_code == 400
    assert teller.post(path, {"status": "blocked", "reason": " "}, headers=headers).status_code == 400
    response = teller.post(path, {"status": "blocked", "reason": "Documents expired"}, headers=headers)
    assert (response.status_code, response.json()["status"]) == (200, "blocked")
    assert AuditEvent.objects.get(action="members.member.blocked", object_id=member.pk).reason == "Documents expired"


def test_lists_are_paged_by_keyset(api_with: Any, branch: Any) -> None:
    client = api_with("members.view", scope="branch", branch=branch)
    made = {str(MemberFactory(branch=branch).pk) for _ in range(5)}
    first = client.get("members?limit=2").json()
    second = client.get(f"members?limit=2&cursor={first['next_cursor']}").json()
    third = client.get(f"members?limit=2&cursor={second['next_cursor']}").json()
    assert {row["id"] for page in (first, second, third) for row in page["data"]} == made
    assert third["has_more"] is False
    assert client.get(f"members?limit=2&kind=person&cursor={first['next_cursor']}").status_code == 400


@pytest.mark.parametrize(
    "query",
    ["colour=blue", "limit=0", "limit=1000000000", "sort=password", "q=a&q=b", "user__email=x", "status=x", "phone=x"],
)
def test_parameters_are_declared_or_refused(api_with: Any, query: str) -> None:
    assert api_with("members.view").get(f"members?{query}").status_code == 400


def test_filters(api_with: Any, branch: Any) -> None:
    client = api_with("members.view", scope="branch", branch=branch)
    member = MemberFactory(branch=branch, phone="+254712000111", email="one@example.com")
    MemberFactory(branch=branch, kind="business")
    for query in (f"number={member.number}", "phone=%2B254%20712%20000111", "email=One@example.com", "kind=person"):
        assert [row["id"] for row in client.get(f"members?{query}").json()["data"]] == [str(member.pk)], query


def test_a_list_costs_the_same_whatever_its_length(api_with: Any) -> None:
    client = api_with("members.view")

    def statements() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get("members").status_code == 200
        return len(queries)

    MemberFactory()
    client.get("members")  # the principal is cached from here on
    few = statements()
    for _ in range(24):
        MemberFactory()
    assert statements() == few == 1


def test_nobody_without_the_permission(api_with: Any, api: Any) -> None:
    client = api_with("accounts.view")
    assert client.get("members").status_code == 403
    assert client.post("members", PERSON).status_code == 403
    assert api.get("members").status_code == 401
