"""Member numbers: M, a serial of six digits or more, a Luhn check digit. M0000018 is the first."""

from __future__ import annotations

from django.db import connection

from apps.core.check_digits import luhn_digit

NUMBERS_MAX = 200_000


def member_number(serial: int) -> str:
    """The number of the n-th member."""
    digits = f"{serial:06d}"
    return f"M{digits}{luhn_digit(digits)}"


def numbers_take(*, count: int) -> list[str]:
    """New member numbers, each given out once, whatever becomes of the transaction."""
    if not 1 <= count <= NUMBERS_MAX:
        raise ValueError(f"1 to {NUMBERS_MAX} numbers")
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('members_number_seq') FROM generate_series(1, %s)", [count])
        return [member_number(serial) for (serial,) in cursor.fetchall()]


def numbers_reserve(*, count: int) -> None:
    """Take the numbers up to `count` out of the sequence: for a bank that is filled from a plan."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval('members_number_seq', greatest(%s, (SELECT last_value FROM members_number_seq)))", [count]
        )
