"""How account numbers are made. The pattern is the bank's choice: settings.NUMINA["ACCOUNT_NUMBER_PATTERN"].

A pattern is text with `{prefix}` (the product's digits), `{branch}` (the digits of the branch's code), `{serial:09d}`
(the next of one sequence for the whole bank) and at its end `{luhn}` (one check digit) or `{mod97}` (two, ISO 7064).
The check digits cover all digits before them. The default, `{prefix}{serial:09d}{luhn}`, gives 010000000017: twelve
digits for a product with the prefix 01. Numbers of accounts that come from elsewhere are kept as they are.

Where the bank has IBANs (ISO 13616), NUMINA_IBAN_PATTERN in the environment says how they hold the number: the country,
then what follows the check digits, as in `AE033{number:0>16}`. Nothing of it is stored: an IBAN is its number, written
longer.
"""

from __future__ import annotations

import re

from django.conf import settings
from django.db import connection

from apps.accounts.errors import AccountNumberInvalid
from apps.core.check_digits import luhn_digit, mod97_digits
from apps.core.identifiers import iban_check, iban_make

PATTERN_DEFAULT = "{prefix}{serial:09d}{luhn}"
NUMBERS_MAX = 200_000

_NUMBER = re.compile(r"[0-9A-Z]{4,34}")
_HIDDEN = "\u2022" * 4
_CHECKS = {"{luhn}": luhn_digit, "{mod97}": mod97_digits}


def account_number(*, prefix: str, branch_code: str, serial: int) -> str:
    """The number of an account by the bank's pattern. Raises ValueError for a pattern that cannot be filled."""
    pattern = settings.NUMINA.get("ACCOUNT_NUMBER_PATTERN", PATTERN_DEFAULT)
    check = next((name for name in _CHECKS if pattern.endswith(name)), "")
    branch = "".join(character for character in branch_code if character in "0123456789")
    if "{branch" in pattern and not branch:
        raise ValueError(f"the account number pattern needs digits in the branch code, not {branch_code!r}")
    body = pattern.removesuffix(check).format(prefix=prefix, branch=branch, serial=serial)
    return body + _CHECKS[check](body) if check else body


def iban_of(number: str) -> str:
    """The IBAN of an account number; empty where the bank has none, or when the number does not fit into one."""
    pattern: str = settings.NUMINA.get("IBAN_PATTERN", "")
    if not pattern:
        return ""
    try:
        return iban_make(pattern[:2], pattern[2:].format(number=number))
    except ValueError:
        return ""


def number_of(text: str) -> str:
    """The account number in an IBAN of ours; any other text without its spaces, as it is."""
    bare = "".join(text.split()).upper()
    pattern: str = settings.NUMINA.get("IBAN_PATTERN", "")
    if not pattern or not bare.startswith(pattern[:2]) or not iban_check(bare).valid:
        return "".join(text.split())
    before, _, rest = pattern[2:].partition("{")
    after = rest.partition("}")[2]
    held = bare[4:].removeprefix(before).removesuffix(after)
    fits = (number for number in (held, *(held[place:] for place in range(1, len(held)))) if iban_of(number) == bare)
    # Which of the zeros in front are the number's own, its length says: ours all have one.
    return min(fits, key=lambda number: (abs(len(number) - _length()), -len(number)), default=bare)


def _length() -> int:
    """Characters of the numbers that the bank's pattern gives to its usual products and branches."""
    return len(account_number(prefix="00", branch_code="001", serial=1))


def serials_take(*, count: int) -> list[int]:
    """New serials of account numbers, each given out once, whatever becomes of the transaction."""
    if not 1 <= count <= NUMBERS_MAX:
        raise ValueError(f"1 to {NUMBERS_MAX} serials")
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('accounts_number_seq') FROM generate_series(1, %s)", [count])
        return [serial for (serial,) in cursor.fetchall()]


def serials_reserve(*, count: int) -> None:
    """Take the serials up to `count` out of the sequence: for a bank that is filled from a plan."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval('accounts_number_seq', greatest(%s, (SELECT last_value FROM accounts_number_seq)))", [count]
        )


def number_check(number: str) -> str:
    """A number from elsewhere without its spaces. Raises AccountNumberInvalid: 4 to 34 capitals and digits."""
    bare = number.replace(" ", "")
    if not _NUMBER.fullmatch(bare):
        raise AccountNumberInvalid(pointer="/number")
    return bare


def number_masked(number: str) -> str:
    """The number as strangers may see it: the first and the last four characters, the middle hidden."""
    if len(number) < 9:
        return f"{_HIDDEN} {number[-4:]}"
    return f"{number[:4]} {_HIDDEN} {number[-4:]}"
