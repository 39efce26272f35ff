"""Members as services see them: numbers, search, users."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from hypothesis import given
from hypothesis import strategies as st

from apps.core import clock
from apps.core.check_digits import luhn_valid
from apps.members.errors import MemberNotActive, MemberNumberTaken, MemberUserTaken
from apps.members.facts import phone_normal
from apps.members.models import Member
from apps.members.numbers import member_number, numbers_take
from apps.members.search import query_of, words_of
from apps.members.selectors import members_search
from apps.members.services import member_require_active, member_status_set, member_user_link
from tests.factories.identity import UserFactory
from tests.factories.members import MemberFactory


@pytest.fixture(autouse=True)
def _start() -> None:
    """Tests that commit leave their members; ours are the later ones."""
    _began[:] = [clock.now()]


_began: list[dt.datetime] = []


def _here() -> QuerySet[Member]:
    return Member.objects.filter(created_at__gte=_began[0])


def test_numbers_have_a_check_digit() -> None:
    assert member_number(1) == "M0000018"
    assert all(luhn_valid(member_number(serial)[1:]) for serial in (1, 17, 999_999, 1_000_000))


def test_numbers_are_given_out_once(db: None) -> None:
    assert len(set(numbers_take(count=50)) | set(numbers_take(count=50))) == 100
    with pytest.raises(ValueError):
        numbers_take(count=0)


def test_a_number_from_elsewhere_is_kept_and_unique(db: None) -> None:
    assert MemberFactory(number="OLD-17").number == "OLD-17"
    with pytest.raises(MemberNumberTaken):
        MemberFactory(number="OLD-17")


def test_a_number_taken_by_an_import_is_passed_over(db: None) -> None:
    serial = int(numbers_take(count=1)[0][1:-1])
    MemberFactory(number=member_number(serial + 1))
    assert MemberFactory().number == member_number(serial + 2)


@pytest.mark.parametrize(
    "text",
    [
        "alice",
        "ALICE",
        "wanj ali",
        "Wanj\u00efku",
        "o'brien",
        "obrien",
        "+254712345678",
        "alice@example.com",
        "ALICE@exam",
    ],
)
def test_members_are_found_by_the_beginning_of_a_word(db: None, text: str) -> None:
    member = MemberFactory(
        first_name="Alice", last_name="Wanj\u00efku O\u2019Brien", phone="+254712345678", email="alice@example.com"
    )
    MemberFactory(first_name="Bob", last_name="Kamau", phone="+254733999888", email="bob@example.com")
    assert list(members_search(_here(), text=text)) == [member]


@pytest.mark.parametrize(
    "text", ["lice", "alice kamau", "'", "':*", "&|!()", "\\", "%", "_", "'; drop table x --", "<->"]
)
def test_what_is_not_the_beginning_of_a_word_finds_nobody(db: None, text: str) -> None:
    MemberFactory()
    assert not members_search(_here(), text=text).exists()


@given(st.text(max_size=60))
def test_no_text_breaks_the_folding(text: str) -> None:
    assert all(word and " " not in word for word in words_of(text))


@pytest.mark.django_db
def test_no_text_breaks_the_query() -> None:
    hostile = [
        "'a'",
        "\\'",
        "a:*",
        "!a",
        "a & b",
        "(((",
        "\u0130stanbul",
        "a" * 5000,
        "9" * 5000,
        " ".join("abcdefghij"),
        "\u00df",
        "''",
        "@'\\",
    ]
    for text in hostile:
        assert members_search(_here(), text=text).count() == 0
    assert query_of("") == ""


def test_the_search_goes_through_its_index(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = members_search(Member.objects.all(), text="alice").explain()
    assert "members_by_words" in plan


def test_a_change_is_found_under_the_new_name(db: None) -> None:
    from apps.members.services import member_update

    member = MemberFactory()
    member_update(acting_user=None, member_id=member.pk, expected_version=1, today=member.joined_on, last_name="Otieno")
    assert members_search(_here(), text="otieno").exists()
    assert not members_search(_here(), text="wanjiku").exists()


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("+254 712 345678", "+254712345678"),
        ("00254-712-345-678", "+254712345678"),
        ("+1 (202) 555.0143", "+12025550143"),
    ],
)
def test_phone_numbers_are_kept_as_e164(typed: str, kept: str) -> None:
    assert phone_normal(typed) == kept


def test_a_user_is_one_member_at_most(db: None) -> None:
    user = UserFactory()
    member = member_user_link(acting_user=None, member_id=MemberFactory().pk, user_id=user.pk)
    assert member.user_id == user.pk
    assert member_user_link(acting_user=None, member_id=member.pk, user_id=user.pk).version == member.version
    with pytest.raises(MemberUserTaken):
        member_user_link(acting_user=None, member_id=MemberFactory().pk, user_id=user.pk)
    with pytest.raises(MemberUserTaken):
        member_user_link(acting_user=None, member_id=member.pk, user_id=UserFactory().pk)


def test_a_blocked_member_does_no_new_business(db: None) -> None:
    member: Any = MemberFactory()
    member_status_set(acting_user=None, member_id=member.pk, expected_version=1, status="blocked", reason="x")
    with pytest.raises(MemberNotActive):
        member_require_active(member_id=member.pk)
