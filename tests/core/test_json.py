"""JSON in and out: no bytes break the reader, and every value of ours has one form."""

import datetime as dt
import json
import uuid
from collections import OrderedDict
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.db.models import TextChoices
from django.utils.functional import lazystr
from django.utils.safestring import mark_safe
from hypothesis import given
from hypothesis import strategies as st

from apps.core.api.money_fields import MoneyField
from apps.core.api.parsers import json_object_read
from apps.core.api.permissions import DenyAll
from apps.core.api.renderers import JSONRenderer, json_encode
from apps.core.errors import MalformedBody, PermissionDenied
from apps.core.money import Money


class Colour(TextChoices):
    RED = "red", "Red"


def test_values_of_ours_have_one_form() -> None:
    value = OrderedDict(
        id=uuid.UUID(int=1),
        at=dt.datetime(2026, 1, 31, 8, 30, 0, 120000, tzinfo=dt.UTC),
        on=dt.date(2026, 1, 31),
        rate=Decimal("0.1250"),
        lazy=lazystr("later"),
        safe=mark_safe("<b>"),
        choice=Colour.RED,
        big=2**70,
        none=None,
        many=(number for number in (1, 2)),
    )
    assert json.loads(json_encode(value)) == {
        "id": "00000000-0000-0000-0000-000000000001",
        "at": "2026-01-31T08:30:00.120000Z",
        "on": "2026-01-31",
        "rate": "0.1250",
        "lazy": "later",
        "safe": "<b>",
        "choice": "red",
        "big": 2**70,
        "none": None,
        "many": [1, 2],
    }


def test_no_content_is_no_bytes_and_unknown_things_are_errors() -> None:
    assert JSONRenderer().render(None) == b""
    assert JSONRenderer().render({"a": 1}) == b'{"a":1}'
    with pytest.raises(TypeError):
        json_encode({"a": object()})


def test_money_is_shown_from_one_attribute_or_from_two() -> None:
    row: Any = SimpleNamespace(total=Money(-1250, "KES"), state=SimpleNamespace(balance=5), currency="JPY", empty=None)
    one, two = MoneyField(), MoneyField(minor_source="state.balance")
    one.bind("total", None)  # type: ignore[arg-type]
    two.bind("balance", None)  # type: ignore[arg-type]
    assert one.to_representation(one.get_attribute(row)) == {"amount": "-12.50", "currency": "KES"}
    assert two.to_representation(two.get_attribute(row)) == {"amount": "5", "currency": "JPY"}
    assert MoneyField(minor_source="empty").get_attribute(row) is None
    assert two.read_only


def test_a_view_that_forgot_to_choose_is_closed() -> None:
    with pytest.raises(PermissionDenied):
        DenyAll().has_permission(None, None)  # type: ignore[arg-type]


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(body: bytes) -> None:
    try:
        found = json_object_read(body)
    except MalformedBody:
        return
    assert isinstance(found, dict)


pieces = st.sampled_from(
    ["{", "}", "[", "]", ",", ":", '"a"', '"b"', "1", "-", "1.5", "1e400", "true", "null", "NaN",
     '"\\u0000"', '"\\ud800"', " "]
)  # fmt: skip


@given(st.lists(pieces, max_size=24).map("".join))
def test_nearly_json_does_not_break_the_reader(text: str) -> None:
    try:
        found = json_object_read(text.encode())
    except MalformedBody:
        return
    assert "\\u" not in text
    assert json.loads(text) == json.loads(json.dumps(found, default=float)) or "e400" in text


plain = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | plain,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain, inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(plain, values, max_size=5), st.booleans())
def test_what_is_written_is_read_back(value: dict[str, Any], escaped: bool) -> None:
    assert json_object_read(json.dumps(value, ensure_ascii=escaped).encode()) == value
    assert json_object_read(json_encode(value)) == value
