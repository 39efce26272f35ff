"""Numbers of applications and loans: a prefix, a serial of the whole bank, and a check digit (Luhn) at the end."""

from __future__ import annotations

from django.db import connection

from apps.core.check_digits import luhn_digit

APPLICATION_PREFIX = "A"


def application_number() -> str:
    """The next number of an application, such as A00000018."""
    return APPLICATION_PREFIX + _checked("", _next("lending_application_number_seq", 1)[0])


def loan_number(*, prefix: str) -> str:
    """The next number of a loan of a product with this prefix."""
    return loan_numbers(prefix=prefix, count=1)[0]


def loan_numbers(*, prefix: str, count: int) -> list[str]:
    """The next `count` numbers of loans: for a bank that is filled from a plan."""
    return [_checked(prefix, serial) for serial in _next("lending_loan_number_seq", count)]


def _checked(prefix: str, serial: int) -> str:
    body = f"{prefix}{serial:07d}"
    return body + luhn_digit(body)


def _next(sequence: str, count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(%s) FROM generate_series(1, %s)", [sequence, count])
        return [serial for (serial,) in cursor.fetchall()]
