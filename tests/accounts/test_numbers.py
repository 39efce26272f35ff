"""Account numbers: the pattern is the bank's, the check digits are right, the mask hides."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.errors import AccountNumberInvalid, AccountNumberTaken
from apps.accounts.numbers import account_number, number_check, number_masked, serials_take
from apps.core.check_digits import luhn_valid, mod97_valid
from tests.factories.accounts import AccountFactory


def _pattern(settings: Any, pattern: str) -> None:
    settings.NUMINA = {**settings.NUMINA, "ACCOUNT_NUMBER_PATTERN": pattern}


def test_the_default_pattern() -> None:
    number = account_number(prefix="01", branch_code="NBO", serial=1)
    assert number == "010000000017"
    assert luhn_valid(number)


def test_other_patterns(settings: Any) -> None:
    _pattern(settings, "{branch}{prefix}{serial:07d}{mod97}")
    number = account_number(prefix="01", branch_code="B042", serial=17)
    assert number.startswith("042010000017")
    assert mod97_valid(number)
    with pytest.raises(ValueError, match="digits in the branch code"):
        account_number(prefix="01", branch_code="HQ", serial=1)
    _pattern(settings, "{prefix}-{serial:d}".replace("-", ""))
    assert account_number(prefix="9", branch_code="HQ", serial=5) == "95"


def test_serials_are_given_out_once(db: None) -> None:
    assert len(set(serials_take(count=3)) | set(serials_take(count=3))) == 6
    with pytest.raises(ValueError):
        serials_take(count=0)


def test_a_number_from_elsewhere_is_kept(db: None) -> None:
    assert AccountFactory(number="KE12 3456 7890").number == "KE1234567890"
    with pytest.raises(AccountNumberTaken):
        AccountFactory(number="KE1234567890")


def test_a_number_taken_by_an_import_is_passed_over(db: None) -> None:
    serial = serials_take(count=1)[0]
    taken = AccountFactory(number=account_number(prefix="01", branch_code="HQ", serial=serial + 1))
    made = AccountFactory(member=taken.member, product=taken.product)
    assert made.number == account_number(prefix="01", branch_code="HQ", serial=serial + 2)


@pytest.mark.parametrize("number", ["123", "x" * 10, "A" * 35, "12-34", "\u0661\u0662\u0663\u0664", "=1234", "1234\n"])
def test_what_is_no_number_is_refused(number: str) -> None:
    with pytest.raises(AccountNumberInvalid):
        number_check(number)


@pytest.mark.parametrize(
    ("number", "masked"),
    [("010000000017", "0100 \u2022\u2022\u2022\u2022 0017"), ("12345678", "\u2022\u2022\u2022\u2022 5678")],
)
def test_masks(number: str, masked: str) -> None:
    assert number_masked(number) == masked
