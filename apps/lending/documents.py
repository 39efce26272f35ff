"""Reading the documents of a product's terms, strictly: each member by its name, each refusal with its pointer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from apps.core.money import amount_parse
from apps.lending.errors import LoanTermsInvalid

Reader = Callable[[Any, str], Any]


def refused(message: str, pointer: str) -> LoanTermsInvalid:
    """The refusal of a document, at a place in it."""
    return LoanTermsInvalid(message, pointer=pointer)


def members(document: Any, pointer: str, readers: Mapping[str, tuple[Reader, Any]]) -> dict[str, Any]:
    """The members of an object by their readers, or their defaults. Raises LoanTermsInvalid for others."""
    if not isinstance(document, Mapping):
        raise refused("An object of members.", pointer)
    for name in document:
        if name not in readers:
            raise refused(f"No member is called {str(name)[:40]}.", f"{pointer}/{str(name)[:40]}")
    return {
        name: read(document[name], f"{pointer}/{name}") if name in document else default
        for name, (read, default) in readers.items()
    }


def whole(most: int, least: int = 0) -> Reader:
    """A whole number within these bounds."""

    def read(value: Any, pointer: str) -> int:
        if type(value) is not int or not least <= value <= most:
            raise refused(f"A whole number from {least} to {most:,}.", pointer)
        return value

    return read


def flag(value: Any, pointer: str) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise refused("true or false.", pointer)
    return value


def text(most: int = 80) -> Reader:
    """A printable text of one line."""

    def read(value: Any, pointer: str) -> str:
        if not isinstance(value, str) or not 0 < len(value) <= most or not value.isprintable():
            raise refused(f"A text of 1 to {most} characters.", pointer)
        return value

    return read


def share(most: int) -> Reader:
    """A fraction as a decimal string."""

    def read(value: Any, pointer: str) -> Decimal:
        try:
            found = Decimal(value) if isinstance(value, str) and len(value) <= 20 else None
        except InvalidOperation:
            found = None
        if found is None or not found.is_finite() or not 0 <= found <= most:
            raise refused(f'A decimal string from 0 to {most}, such as "0.12".', pointer)
        return found

    return read


def amount(exponent: int) -> Reader:
    """An amount as a decimal string, in minor units."""

    def read(value: Any, pointer: str) -> int:
        return amount_parse(value, exponent, pointer=pointer)

    return read


def one_of(*names: str) -> Reader:
    """One of these words."""

    def read(value: Any, pointer: str) -> str:
        if value not in names:
            raise refused("One of " + ", ".join(names) + ".", pointer)
        return str(value)

    return read


def maybe(reader: Reader) -> Reader:
    """What the reader takes, or null."""

    return lambda value, pointer: None if value is None else reader(value, pointer)


def many(reader: Reader, most: int) -> Reader:
    """A list of what the reader takes."""

    def read(value: Any, pointer: str) -> tuple[Any, ...]:
        if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > most:
            raise refused(f"A list of at most {most}.", pointer)
        return tuple(reader(one, f"{pointer}/{n}") for n, one in enumerate(value))

    return read
