"""A role over a branch and those below it reaches exactly these, on every road: lists, records, payments, pages."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from apps.identity.permissions import PERMISSIONS
from tests.conftest import ApiClient
from tests.factories.accounts import AccountFactory, ProductFactory, cash_move
from tests.factories.identity import BranchFactory, user_make
from tests.factories.members import MemberFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def tree(db):
    region = BranchFactory()
    town, elsewhere = BranchFactory(parent=region), BranchFactory()
    product = ProductFactory()
    made = {}
    for name, branch in (("near", town), ("far", elsewhere)):
        member = MemberFactory(branch=branch)
        accounts = [AccountFactory(member=member, product=product, branch=branch) for _ in range(2)]
        cash_move(accounts[0], "100.00")
        made[name] = (member, *accounts)
    manager = user_make(*PERMISSIONS, scope="tree", branch=region)
    return manager, made


def test_lists_and_records(tree):
    manager, made = tree
    api = ApiClient(manager)
    near, far = made["near"], made["far"]
    for path, mine, foreign in (("members", near[0], far[0]), ("accounts", near[1], far[1])):
        ids = {row["id"] for row in api.get(path).json()["data"]}
        assert str(mine.pk) in ids
        assert str(foreign.pk) not in ids
        assert api.get(f"{path}/{mine.pk}").status_code == 200
        assert api.get(f"{path}/{foreign.pk}").status_code == 404


def test_money_moves_within_reach_only(tree):
    manager, made = tree
    api = ApiClient(manager)

    def send(source, destination):
        body = {
            "source_account": source.number,
            "destination_account": destination.number,
            "amount": {"amount": "1.00", "currency": "KES"},
        }
        return api.post("transfers", body, headers={"Idempotency-Key": uuid.uuid4().hex}).status_code

    assert send(made["near"][1], made["near"][2]) == 201
    assert send(made["far"][1], made["far"][2]) == 404


def test_pages_of_the_staff_site(tree):
    manager, made = tree
    client = Client()
    client.force_login(manager)
    assert client.get(f"/admin/members/member/{made['near'][0].pk}/change/").status_code == 200
    assert client.get(f"/admin/members/member/{made['far'][0].pk}/change/").status_code in {302, 404}
    assert client.get("/admin/ledger/journalentry/").status_code == 200
    assert client.get("/admin/ledger/trial-balance/").status_code == 200
    assert client.get("/admin/").status_code == 200


def test_a_teller_of_the_region_does_not_reach_the_town(tree):
    manager, made = tree
    teller = ApiClient(user_make(*PERMISSIONS, scope="branch", branch=manager.branch))
    assert teller.get(f"members/{made['near'][0].pk}").status_code == 404
