"""Text that hides or reorders what is read does not come in."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import InvalidText
from apps.core.text import text_clean, text_key

REFUSED = [
    "a\u202eb", "a\u200bb", "a\u200db", "a\ufeffb", "a\u2066b", "a\u00adb", "a\x00b", "a\x07b", "a\x1b[31mb",
    "a\ud800b", "a\ue000b", "a\u2028b", "a\u3164b", "\u2800", "a\ufffeb", "a\ufdd0b", "a\U000e0041b", "a\U0001fffeb",
]  # fmt: skip


@pytest.mark.parametrize("value", REFUSED)
def test_hidden_characters_are_refused(value: str) -> None:
    for identifier in (False, True):
        for multiline in (False, True):
            with pytest.raises(InvalidText):
                text_clean(value, max_length=100, identifier=identifier, multiline=multiline)


@pytest.mark.parametrize(
    ("value", "plain", "identifier"),
    [
        ("  Amina   Wanjikũ ", "Amina Wanjikũ", "Amina Wanjikũ"),
        ("ﬁle", "ﬁle", "file"),
        ("ＡＢ１２", "ＡＢ１２", "AB12"),
        ("e\u0301", "é", "é"),
        ("a\u00a0b", "a b", "a b"),
        ("O'Brien-Smith", "O'Brien-Smith", "O'Brien-Smith"),
        ("أحمد", "أحمد", "أحمد"),
        ("王小明", "王小明", "王小明"),
    ],
)
def test_text_is_normalised(value: str, plain: str, identifier: str) -> None:
    assert text_clean(value, max_length=100) == plain
    assert text_clean(value, max_length=100, identifier=True) == identifier


def test_lines_are_kept_only_where_asked_for() -> None:
    assert text_clean("a\r\nb\rc \n", max_length=20, multiline=True) == "a\nb\nc"
    with pytest.raises(InvalidText):
        text_clean("a\nb", max_length=20)
    with pytest.raises(InvalidText):
        text_clean("a\tb", max_length=20)


def test_lengths_are_limits() -> None:
    assert text_clean("abc", max_length=3) == "abc"
    with pytest.raises(InvalidText, match="At most 3"):
        text_clean("abcd", max_length=3)
    with pytest.raises(InvalidText, match="empty"):
        text_clean("   ", max_length=3, min_length=1)
    with pytest.raises(InvalidText, match="At most 3"):
        text_clean("\ufdfa", max_length=3, identifier=True)  # one character that NFKC makes eighteen


def test_ten_megabytes_are_refused_before_they_are_looked_at() -> None:
    with pytest.raises(InvalidText, match="At most"):
        text_clean("\u202e" * 10_000_000, max_length=100)


def test_spellings_of_one_name_have_one_key() -> None:
    assert text_key("STRASSE") == text_key("straße") == text_key("ＳＴＲＡＳＳＥ")
    assert text_key("İ") == text_key("i\u0307")


@given(st.text(max_size=60))
def test_clean_text_stays_as_it_is(value: str) -> None:
    for identifier in (False, True):
        try:
            once = text_clean(value, max_length=100, identifier=identifier)
        except InvalidText:
            continue
        assert text_clean(once, max_length=100, identifier=identifier) == once
        assert unicodedata.is_normalized("NFKC" if identifier else "NFC", once)
        assert "\x00" not in once
        once.encode()
