"""Phones: encrypted in table and history, masked for staff, in full for their owner or with a reason; still found."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from apps.audit.models import AuditEvent
from apps.members.models import Member
from apps.members.selectors import members_search
from apps.vault.services import rotation_continue, rotation_start
from tests.factories.members import MemberFactory

pytestmark = pytest.mark.django_db

PHONE, MASKED = "+254712345678", "\u2022\u2022\u2022\u20225678"
step = import_module("apps.members.migrations.0008_phones_encrypted")


def raw(table: str, member: Member) -> list[tuple[Any, ...]]:
    """(plain, sealed, words or nothing) of each row of the member."""
    words = "search_text" if table == "members_member" else "''"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT phone, phone_sealed, {words} FROM {table} WHERE id = %s", [member.pk])
        return [(plain, bytes(sealed), text) for plain, sealed, text in cursor.fetchall()]


@pytest.mark.parametrize("text", [PHONE, "0712345678", "712345678", "+254 (712) 345-678", "ali 0712345678"])
def test_a_phone_is_found_whole_with_or_without_its_country(text: str) -> None:
    member = MemberFactory(first_name="Alice", phone=PHONE)
    MemberFactory(first_name="Alice", phone="+254712345679")
    assert list(members_search(Member.objects.all(), text=text)) == [member]
    assert not members_search(Member.objects.all(), text=PHONE[:8]).exists()


def test_nothing_of_a_phone_is_readable_in_the_database(api_with: Any, branch: Any) -> None:
    clerk = api_with("members.view", "members.create", "members.update", scope="branch", branch=branch)
    made = clerk.post("members", {"kind": "person", "first_name": "Ann", "last_name": "Auma", "phone": PHONE})
    assert made.json()["phone"] == MASKED
    member = Member.objects.get(pk=made.json()["id"])
    changed = clerk.patch(
        f"members/{member.pk}", {"phone": "+254722345678"}, headers={"If-Match": made["ETag"]}
    )  # the same last four digits: a change all the same
    assert changed.json()["version"] == 2
    for table in ("members_member", "members_historicalmember"):
        for plain, sealed, words in raw(table, member):
            assert (plain, b"345678" in sealed, "345678" in words) == ("", False, False)
    kept = AuditEvent.objects.filter(object_id=str(member.pk)).values_list("before", "after")
    assert "345678" not in str(list(kept)).replace(MASKED, "")


def test_it_is_shown_in_full_to_its_owner_and_with_a_reason(api_with: Any, branch: Any) -> None:
    owner = api_with("members.view", scope="own", is_staff=False)
    member = MemberFactory(branch=branch, phone=PHONE, user=owner.user)
    assert owner.get(f"members/{member.pk}").json()["phone"] == PHONE
    officer = api_with("members.view", "members.reveal", scope="branch", branch=branch)
    assert officer.get(f"members/{member.pk}").json()["phone"] == MASKED
    assert officer.get("members").json()["data"][0]["phone"] == MASKED
    shown = officer.post(f"members/{member.pk}/reveal", {"reason": "Call back"})
    assert shown.json()["phone"] == PHONE
    assert AuditEvent.objects.get(action="members.member.revealed").after == {"shown": ["phone"]}


def test_the_migration_seals_what_is_there_and_can_go_back() -> None:
    members = [MemberFactory(phone=PHONE), MemberFactory(phone=""), MemberFactory(phone="+4915112345678")]
    schema = SimpleNamespace(connection=connection)
    step.decrypt(None, schema)
    assert [raw("members_member", one)[0][0] for one in members] == [PHONE, "", "+4915112345678"]
    assert raw("members_member", members[0])[0][2].endswith(" 254712345678 712345678")
    step.ROWS, rows = 1, step.ROWS
    try:
        step.encrypt(None, schema)
    finally:
        step.ROWS = rows
    for member, phone in zip(members, (PHONE, "", "+4915112345678"), strict=True):
        assert Member.objects.get(pk=member.pk).phone == phone
        assert [row.phone for row in member.history.all()] == [phone]
        assert raw("members_member", member)[0][0] == ""
    assert "712345678" not in raw("members_member", members[0])[0][2]
    assert list(members_search(Member.objects.all(), text="0712345678")) == [members[0]]


def test_both_indexes_follow_a_rotation_of_the_keys() -> None:
    from apps.core import clock

    member = MemberFactory(phone=PHONE)
    before = Member.objects.values_list("phone_index", "phone_end_index").get(pk=member.pk)
    rotation_start(acting_user=None, reason="test", at=clock.now())
    assert list(members_search(Member.objects.all(), text=PHONE)) == [member]
    for _ in rotation_continue(at=clock.now()):
        pass
    after = Member.objects.values_list("phone_index", "phone_end_index").get(pk=member.pk)
    assert not {bytes(one) for one in before} & {bytes(one) for one in after}
    assert list(members_search(Member.objects.all(), text="712345678")) == [member]
