"""Encrypted fields: bound to their record and field, found by their index, re-encrypted while in use."""

from __future__ import annotations

import base64
import datetime as dt
import io
import json
from typing import Any

import httpx
import pytest
from django.core.management import call_command
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from apps.audit.models import AuditEvent
from apps.core import clock
from apps.members.models import Member
from apps.members.services import member_update
from apps.vault import keys, masters
from apps.vault.crypto import blind_index, blind_indexes, key_number, masked, value_open, value_seal
from apps.vault.errors import MasterKeyUnavailable, RotationRunning, SealBroken
from apps.vault.keys import active_key, keys_forget
from apps.vault.masters import LocalMaster, TransitMaster
from apps.vault.metrics import KeysCollector
from apps.vault.models import DataKey, Rotation
from apps.vault.selectors import keys_state
from apps.vault.services import (
    master_rewrap,
    rotation_continue,
    rotation_due,
    rotation_settled,
    rotation_start,
)
from apps.vault.tables import tables, values_count
from apps.vault.tasks import rotate
from tests.factories.members import MemberFactory

pytestmark = pytest.mark.django_db

HERE = {"context": "test.field", "record": "1"}


@pytest.fixture(autouse=True)
def _forgetful() -> Any:
    keys_forget()
    yield
    keys_forget()


def stored(member: Member, column: str = "national_id") -> bytes:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM members_member WHERE id = %s", [member.pk])
        return bytes(cursor.fetchone()[0])


@pytest.mark.parametrize("text", ["12345678", "A-1 234", "\u7530\u4e2d", "x" * 4000])
def test_what_is_sealed_opens_again_and_never_looks_the_same(text: str) -> None:
    first, second = value_seal(text, **HERE), value_seal(text, **HERE)
    assert value_open(first, **HERE) == value_open(second, **HERE) == text
    assert first != second
    assert text.encode() not in first


def test_a_value_opens_only_where_it_belongs() -> None:
    sealed = value_seal("12345678", **HERE)
    for elsewhere in ({"context": "test.other", "record": "1"}, {"context": "test.field", "record": "2"}):
        with pytest.raises(SealBroken):
            value_open(sealed, **elsewhere)


@pytest.mark.parametrize("place", [0, 1, 4, 5, 16, 17, 24, -1])
def test_one_changed_byte_is_noticed(place: int) -> None:
    sealed = bytearray(value_seal("12345678", **HERE))
    sealed[place] ^= 1
    with pytest.raises(SealBroken):
        value_open(bytes(sealed), **HERE)


@pytest.mark.parametrize("junk", [b"\x01", b"12345678", b"\x01" * 32])
def test_what_was_never_sealed_is_not_opened(junk: bytes) -> None:
    with pytest.raises(SealBroken):
        value_open(junk, **HERE)


@given(st.text(max_size=60))
def test_masks_show_four_characters_at_most(text: str) -> None:
    shown = masked(text)
    assert len(shown) <= 8
    assert not text or shown.startswith("\u2022" * 4)
    assert masked("1234567") == "\u2022" * 4
    assert masked("12345678") == "\u2022" * 4 + "5678"


def test_an_index_is_the_same_however_the_number_is_written_and_differs_by_field() -> None:
    same = {blind_index(text, context="a.b") for text in ("AB-123 456", "ab123456", "ab.123/456")}
    assert len(same) == 1
    assert blind_index("ab123456", context="a.c") not in same
    assert blind_index(" ", context="a.b") is None
    assert blind_indexes("", context="a.b") == []


def test_a_members_number_is_encrypted_in_table_and_history() -> None:
    member = MemberFactory(national_id="12345678", tax_id="A001234567Z")
    assert b"12345678" not in stored(member)
    found = Member.objects.get(pk=member.pk)
    assert (found.national_id, found.tax_id) == ("12345678", "A001234567Z")
    assert found.history.get().national_id == "12345678"
    with connection.cursor() as cursor:
        cursor.execute("SELECT national_id FROM members_historicalmember WHERE id = %s", [member.pk])
        assert b"12345678" not in bytes(cursor.fetchone()[0])


def test_a_number_copied_to_another_row_does_not_open() -> None:
    alice, bob = MemberFactory(national_id="12345678"), MemberFactory()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE members_member SET national_id = %s WHERE id = %s", [stored(alice), bob.pk])
    with pytest.raises(SealBroken):
        _ = Member.objects.get(pk=bob.pk).national_id


def test_an_untouched_number_keeps_its_bytes_and_lists_open_none() -> None:
    member = MemberFactory(national_id="12345678")
    before = stored(member)
    found = Member.objects.get(pk=member.pk)
    found.city = "Kisumu"
    found.save()
    assert stored(member) == before
    assert Member.objects.get(pk=member.pk).national_id == "12345678"


def test_plain_text_in_queries_is_refused() -> None:
    with pytest.raises(TypeError):
        Member.objects.filter(national_id="12345678").exists()
    with pytest.raises(TypeError):
        Member.objects.update(national_id="12345678")


def test_the_trail_keeps_masks_only() -> None:
    member = MemberFactory(national_id="12345678")
    member_update(
        acting_user=None, member_id=member.pk, expected_version=1, today=clock.now().date(), national_id="99995678"
    )
    events = AuditEvent.objects.filter(object_id=str(member.pk))
    assert "12345678" not in json.dumps([[event.before, event.after] for event in events])
    changed = events.get(action="members.member.updated")
    assert changed.before == changed.after == {"national_id": "\u2022" * 4 + "5678"}


def finish(**options: Any) -> Rotation:
    *_, rotation = rotation_continue(at=clock.now(), **options)
    return rotation


def test_a_rotation_reencrypts_everything_and_numbers_are_still_found() -> None:
    members = [MemberFactory(national_id=f"1234567{n}", tax_id=f"T{n}000000") for n in range(7)]
    old = key_number(stored(members[0]))
    before = blind_indexes("12345670", context="members.member.national_id")
    rotation_start(acting_user=None, reason="test", at=clock.now())
    keys_forget()
    # half way: both indexes are looked for
    assert set(before) < set(blind_indexes("12345670", context="members.member.national_id"))
    rotation = finish(rows=3)
    assert rotation.status == Rotation.Status.DONE
    assert rotation.done == rotation.total == 28
    assert key_number(stored(members[0])) == rotation.data_key_id != old
    for table in tables():
        assert values_count(table, other_than=rotation.data_key_id) == 0
    for n, member in enumerate(members):
        found = Member.objects.get(national_id_index=blind_index(f"1234567{n}", context="members.member.national_id"))
        assert (found.pk, found.national_id, found.tax_id) == (member.pk, f"1234567{n}", f"T{n}000000")
        assert found.history.get().national_id == f"1234567{n}"
    assert set(AuditEvent.objects.filter(action__startswith="vault.").values_list("action", flat=True)) >= {
        "vault.keys.rotation_started",
        "vault.keys.rotation_finished",
    }


def test_a_rotation_that_was_stopped_goes_on_where_it_was() -> None:
    for n in range(5):
        MemberFactory(national_id=f"1234567{n}")
    rotation_start(acting_user=None, reason="test", at=clock.now())
    first = next(step for step in rotation_continue(at=clock.now(), rows=2) if step.done)
    assert 0 < first.done < first.total
    with pytest.raises(RotationRunning):
        rotation_start(acting_user=None, reason="again", at=clock.now())
    rotation = finish(rows=2)
    assert (rotation.status, rotation.done) == (Rotation.Status.DONE, rotation.total)
    assert list(rotation_continue(at=clock.now())) == []


def test_a_value_changed_during_the_rotation_is_not_undone() -> None:
    member = MemberFactory(national_id="12345678")
    rotation_start(acting_user=None, reason="test", at=clock.now())
    steps = rotation_continue(at=clock.now(), rows=1)
    next(steps)
    member_update(
        acting_user=None, member_id=member.pk, expected_version=1, today=clock.now().date(), national_id="87654321"
    )
    list(steps)
    assert Member.objects.get(pk=member.pk).national_id == "87654321"


def test_rotation_is_due_after_ninety_days_and_the_task_does_it_in_two_runs(monkeypatch: Any) -> None:
    MemberFactory(national_id="12345678")
    now = clock.now()
    assert not rotation_due(at=now + dt.timedelta(days=89))
    assert rotation_due(at=now + dt.timedelta(days=91))
    DataKey.objects.update(created_at=now - dt.timedelta(days=91))
    rotate()
    rotation = Rotation.objects.get()
    assert not rotation_settled(rotation=rotation, at=now + dt.timedelta(seconds=30))
    rotate()
    assert Rotation.objects.get().status == Rotation.Status.RUNNING
    Rotation.objects.update(created_at=now - dt.timedelta(minutes=2))
    rotate()
    assert Rotation.objects.get().status == Rotation.Status.DONE
    state = keys_state(at=clock.now())
    assert (state.number, state.age_days, state.old_keys) == (rotation.data_key_id, 0, 0)


def test_the_command_rotates_and_says_so() -> None:
    MemberFactory(national_id="12345678")
    out = io.StringIO()
    call_command("rotate_keys", "--json", "--no-wait", stdout=out)
    facts = json.loads(out.getvalue())
    assert facts["reencrypted"] == 2
    assert facts["age_days"] == 0
    assert not facts["running"]


def test_key_age_is_a_metric() -> None:
    active_key("data")
    DataKey.objects.update(created_at=clock.now() - dt.timedelta(days=40))
    found = {family.name: family.samples[0].value for family in KeysCollector().collect()}
    assert found["numina_key_age_days"] == 40


# -- the master key


def test_a_data_key_is_stored_wrapped_and_opens_under_its_master_only(settings: Any) -> None:
    sealed = value_seal("12345678", **HERE)
    row = DataKey.objects.get(purpose="data", status="active")
    _number, key = active_key("data")
    assert key not in bytes(row.wrapped)
    with pytest.raises(SealBroken):
        LocalMaster(b"\x05" * 32).unwrap(bytes(row.wrapped))
    keys_forget()
    settings.NUMINA = {**settings.NUMINA, "VAULT": {**settings.NUMINA["VAULT"], "master_keys": "55" * 32}}
    with pytest.raises(SealBroken):
        value_open(sealed, **HERE)


def test_a_new_master_key_takes_over_without_touching_the_data(settings: Any) -> None:
    sealed = value_seal("12345678", **HERE)
    old = settings.NUMINA["VAULT"]["master_keys"]
    new = "66" * 32
    settings.NUMINA = {**settings.NUMINA, "VAULT": {**settings.NUMINA["VAULT"], "master_keys": f"{new},{old}"}}
    keys_forget()
    assert master_rewrap(acting_user=None) >= 1
    assert master_rewrap(acting_user=None) == 0
    settings.NUMINA = {**settings.NUMINA, "VAULT": {**settings.NUMINA["VAULT"], "master_keys": new}}
    keys_forget()
    assert value_open(sealed, **HERE) == "12345678"


def test_a_transit_engine_wraps_over_http() -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.url.path, request.headers["X-Vault-Token"]))
        body = json.loads(request.content)
        if request.url.path.endswith("encrypt/bank"):
            return httpx.Response(200, json={"data": {"ciphertext": "vault:v1:" + body["plaintext"][::-1]}})
        plain = body["ciphertext"].removeprefix("vault:v1:")[::-1]
        return httpx.Response(200, json={"data": {"plaintext": plain}})

    master = TransitMaster("https://vault.example/", "t0ken", "bank", transport=httpx.MockTransport(answer))
    wrapped = master.wrap(b"k" * 32)
    assert base64.b64encode(b"k" * 32) not in wrapped
    assert master.unwrap(wrapped) == b"k" * 32
    assert asked[0] == ("/v1/transit/encrypt/bank", "t0ken")


@pytest.mark.parametrize("status", [403, 500, 302])
def test_a_transit_engine_that_refuses_is_said_to_be_away(status: int) -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(status, json={"errors": ["no"]}))
    master = TransitMaster("https://vault.example", "t0ken", "bank", transport=transport)
    with pytest.raises(MasterKeyUnavailable):
        master.wrap(b"k" * 32)


def test_a_missing_master_key_is_said(settings: Any) -> None:
    from django.core.exceptions import ImproperlyConfigured

    settings.NUMINA = {**settings.NUMINA, "VAULT": {"master_keys": "", "url": "", "token": "", "key": ""}}
    with pytest.raises(ImproperlyConfigured, match="NUMINA_MASTER_KEY"):
        masters.masters()


def test_many_values_in_one_transaction_ask_for_keys_once(django_assert_max_num_queries: Any) -> None:
    active_key("data")
    active_key("index")
    keys._uncommitted.clear()  # as if their transaction had committed
    keys_forget()
    with django_assert_max_num_queries(4):
        for n in range(50):
            value_open(value_seal(f"1234567{n}", **HERE), **HERE)
            blind_index(f"1234567{n}", context="a.b")


def test_a_key_whose_transaction_was_undone_is_not_used_again() -> None:
    from django.db import transaction

    DataKey.objects.filter(purpose="data").update(status=DataKey.Status.OLD)
    keys_forget()
    with transaction.atomic():
        number, _key = active_key("data")
        transaction.set_rollback(True)
    assert active_key("data")[0] != number
