"""One row of a file: from text to what can be posted, or the reason why not. No database here."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import uuid
from collections.abc import Sequence
from typing import Any

import msgspec

from apps.accounts.numbers import number_check
from apps.core.currencies import currency_get
from apps.core.errors import DomainError, InvalidText
from apps.core.money import amount_parse
from apps.core.text import text_clean
from apps.payments.errors import ImportHeaderInvalid

REQUIRED = (
    "external_id", "account_number", "booking_date", "value_date", "amount", "currency", "direction",
)  # fmt: skip
OPTIONAL = ("channel", "counterparty", "description", "balance_after")
COLUMNS = REQUIRED + OPTIONAL

YEAR_MIN, YEAR_MAX = 1900, 2200
EXTERNAL_ID_MAX, CHANNEL_MAX, COUNTERPARTY_MAX, DESCRIPTION_MAX = 255, 20, 140, 200
SEPARATOR = "\x1f"  # no text may contain it

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PLAIN_ID = re.compile(r"[!-~]{1,255}")
_SIGNS = {"credit": 1, "debit": -1}
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "numina:imports")


class ImportRow(msgspec.Struct, gc=False):
    """A row that is well formed. `minor` is signed: above zero the account gains. Dates are business dates."""

    number: int
    external_id: str
    account_number: str
    booking_date: dt.date
    value_date: dt.date
    minor: int
    currency: str
    channel: str
    counterparty: str
    description: str
    balance_after: int | None
    transaction_id: uuid.UUID
    fingerprint: bytes
    key: str


class Refusal(msgspec.Struct, frozen=True):
    """A row that is not posted, and why. The header is row 1."""

    row: int
    external_id: str
    code: str
    detail: str


class RowRefused(Exception):
    """Raised while a row is checked."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


def client_of(source: str) -> str:
    """The client under which a source's external ids are keys."""
    return f"import:{source}"


def namespace_of(source: str) -> uuid.UUID:
    """The namespace of a source's transaction ids."""
    return uuid.uuid5(_NAMESPACE, source)


def header_check(names: Sequence[str]) -> dict[str, int]:
    """Where each column is. Raises `ImportHeaderInvalid`, saying what is missing, twice or too many."""
    found = [name.strip().lower() for name in names]
    faults = [f"unknown column {name[:40]!r}" for name in found if name not in COLUMNS]
    faults += [f"column {name} comes twice" for name in sorted(set(found)) if found.count(name) > 1 and name in COLUMNS]
    faults += [f"column {name} is missing" for name in REQUIRED if name not in found]
    if faults:
        detail = f"The header is not that of an import: {'; '.join(faults[:10])}. Expected: {','.join(COLUMNS)}."
        raise ImportHeaderInvalid(detail)
    return {name: place for place, name in enumerate(found)}


class RowParser:
    """Checks rows of one file. What repeats (dates, accounts, channels) is checked once and remembered."""

    def __init__(self, *, source: str, columns: dict[str, int]) -> None:
        self._width = len(columns)
        self._places = [columns.get(name, -1) for name in COLUMNS]
        self._namespace = namespace_of(source)
        self._dates: dict[str, dt.date] = {}
        self._accounts: dict[str, str] = {}
        self._exponents: dict[str, int] = {}
        self._channels: dict[str, str] = {"": ""}

    def parse(self, record: Sequence[str], number: int) -> ImportRow | Refusal:
        """The row, or its refusal."""
        try:
            return self._parse(record, number)
        except RowRefused as refused:
            code, detail = refused.code, refused.detail
        except DomainError as error:
            code, detail = error.code, error.detail
        place = self._places[0]
        shown = record[place] if place < len(record) else ""
        return Refusal(number, shown.encode("ascii", "backslashreplace").decode()[:EXTERNAL_ID_MAX], code, detail)

    def _parse(self, record: Sequence[str], number: int) -> ImportRow:
        if len(record) != self._width:
            raise RowRefused("malformed-row", f"The row has {len(record)} fields, the header {self._width}.")
        (
            external_id, account, booking, value, amount, currency, direction,
            channel, counterparty, description, balance_after,
        ) = [record[place] if place >= 0 else "" for place in self._places]  # fmt: skip
        if not _PLAIN_ID.fullmatch(external_id):
            external_id = self._external_id(external_id)
        account_number = self._accounts.get(account) or self._account(account)
        booking_date = self._dates.get(booking) or self._date(booking, "booking_date")
        value_date = (self._dates.get(value) or self._date(value, "value_date")) if value else booking_date
        exponent = self._exponents.get(currency)
        if exponent is None:
            exponent = self._exponents[currency] = currency_get(currency).exponent
        sign = _SIGNS.get(direction)
        if sign is None:
            raise RowRefused("invalid-direction", "direction is credit or debit.")
        minor = amount_parse(amount, exponent, positive=True)
        known_channel = self._channels.get(channel)
        if known_channel is None:
            known_channel = self._channels[channel] = _text(channel, CHANNEL_MAX, "channel").lower()
        counterparty = counterparty and _text(counterparty, COUNTERPARTY_MAX, "counterparty")
        description = description and _text(description, DESCRIPTION_MAX, "description")
        content = SEPARATOR.join(
            (account_number, booking_date.isoformat(), value_date.isoformat(), str(sign * minor), currency,
             known_channel, counterparty, description)
        )  # fmt: skip
        return ImportRow(
            number,
            external_id,
            account_number,
            booking_date,
            value_date,
            sign * minor,
            currency,
            known_channel,
            counterparty,
            description,
            amount_parse(balance_after, exponent, signed=True) if balance_after else None,
            uuid.uuid5(self._namespace, external_id),
            hashlib.sha256(content.encode()).digest(),
            external_id,
        )

    def _external_id(self, text: str) -> str:
        return text_clean(text, max_length=EXTERNAL_ID_MAX, min_length=1, identifier=True)

    def _account(self, text: str) -> str:
        number = self._accounts[text] = number_check(text_clean(text, max_length=40, min_length=1, identifier=True))
        return number

    def _date(self, text: str, name: str) -> dt.date:
        try:
            if not _DATE.fullmatch(text):
                raise ValueError
            date = dt.date.fromisoformat(text)
        except ValueError:
            raise RowRefused("invalid-date", f"{name} is a date as YYYY-MM-DD.") from None
        if not YEAR_MIN <= date.year <= YEAR_MAX:
            raise RowRefused("invalid-date", f"The year of {name} is from {YEAR_MIN} to {YEAR_MAX}.")
        if len(self._dates) < 100_000:
            self._dates[text] = date
        return date


def row_again(row: ImportRow, *, source: str, attempt: int) -> None:
    """Give the row the id of another attempt: for one that was refused by the books before, which is final."""
    # The separator cannot be part of an external id, so no other row has this key.
    row.key = f"{row.external_id}{SEPARATOR}{attempt}"
    row.transaction_id = uuid.uuid5(namespace_of(source), row.key)


def _text(value: str, max_length: int, name: str) -> str:
    try:
        return text_clean(value, max_length=max_length)
    except InvalidText as error:
        raise RowRefused(error.code, f"{name}: {error.detail}") from error


def refusal_of_row(row: ImportRow, error: Any) -> Refusal:
    """The refusal of a well-formed row by an error with a code and a detail."""
    return Refusal(row.number, row.external_id, error.code, error.detail)
