"""What people read in place of codes and seconds."""

from __future__ import annotations

import pytest

from apps.core.display import country_text, every_text, kind_text


@pytest.mark.parametrize(
    ("code", "words"),
    [("cash_deposit", "Cash deposit"), ("year-close", "Year close"), ("31-60", "31-60"), ("atm", "ATM"), ("", "")],
)
def test_codes_are_read_in_words(code: str, words: str) -> None:
    assert kind_text(code) == words


def test_how_often_and_where_are_said_in_words() -> None:
    assert [every_text(seconds) for seconds in (0, 45, 90, 900, 7_200, 86_400)] == [
        "0 s", "45 s", "90 s", "15 min", "2 h", "1 d",
    ]  # fmt: skip
    assert (country_text("KE"), country_text("XX"), country_text("")) == ("Kenya", "XX", "–")
