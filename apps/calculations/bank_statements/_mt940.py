"""SWIFT MT940, customer statement message, and MT942, interim report (SWIFT User Handbook, Category 9), as banks
really write them.

Fields begin on a line of their own with their tag; all lines up to the next tag belong to them. A statement, or a page
of one, begins with an opening balance (:60F: first, :60M: intermediate); MT942 has none. What surrounds the fields
(SWIFT's blocks, names of banks, the closing dash) is passed over.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from apps.calculations.bank_statements._facts import AccountName, BankFile, Entry, Named, Statement

_TAG = re.compile(r"^:([0-9]{2}[A-Z]?|NS):", re.MULTILINE)
_BALANCE = re.compile(r"\s*([CD])\s*([0-9]{6})\s*([A-Z]{3})\s*([0-9][0-9.,]*)")
_LINE = re.compile(
    r"""
    (?P<value>[0-9]{6})                 # day of value
    (?P<booked>[0-9]{4}|[ ]{4})?        # day of booking, without the year
    [ ]*
    (?P<mark>E?R?[CD])                  # credit or debit, R: the reversal of one, E: only expected
    (?P<funds>[A-Z])?                   # the third letter of the currency
    \s*(?P<amount>(?=[.,]*[0-9])[0-9.,]++)(?=[A-Z\s/]|$)
    (?P<kind>[A-Z][A-Z0-9 ]{3})?
    (?P<reference>(?:(?!//)[^\n])*)
    (?://(?P<bank>[^\n]*))?
    (?:\n(?P<more>.*))?
    """,
    re.VERBOSE | re.DOTALL,
)
_CENTURY = 80
"""Years are written with two digits: from here on they are those of 1900."""


@dataclass
class _Page:
    """A statement while its fields are read."""

    balances: list[Named] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    header: dict[str, str] = field(default_factory=dict)
    currency: str | None = None

    @property
    def closed(self) -> bool:
        """Has the balance after the entries come? What follows belongs to no page that is known."""
        return any(one.kind[:2] == "62" for one in self.balances)

    def made(self) -> Statement:
        account = self.header.get("25", "").strip()
        return Statement(
            id=self.header.get("20", "").strip(),
            number=self.header.get("28C", self.header.get("28", "")).strip(),
            account=AccountName(account, "iban" if re.match(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$", account) else "other")
            if account
            else None,
            currency=self.currency,
            balances=tuple(self.balances),
            entries=tuple(self.entries),
        )


def mt940_read(text: str) -> BankFile:
    """The statements of a file of MT940 or MT942 messages. What cannot be read is named in `problems`."""
    reader = _Reader()
    for tag, value in _fields(text):
        reader.take(tag, value)
    pages = tuple(one.made() for one in reader.pages)
    interim = bool(pages) and not any(one.balances for one in pages)
    return BankFile("MT942" if interim else "MT940", pages, tuple(reader.problems))


class _Reader:
    """Takes fields in their order and makes pages of them."""

    def __init__(self) -> None:
        self.pages: list[_Page] = []
        self.problems: list[str] = []
        self.header: dict[str, str] = {}
        self.page: _Page | None = None
        self.floor: str | None = None
        self.last = ""

    def take(self, tag: str, value: str) -> None:
        if tag == "20":
            self.header, self.page, self.floor = {}, None, None
        if tag in {"20", "21", "25", "25P", "28", "28C"}:
            self.header[tag[:2] if tag == "25P" else tag] = value
        elif tag[:2] in {"60", "62", "64", "65"}:
            self.balance(tag, value)
        elif tag == "34F":  # of an interim report: the least amount that is listed
            self.floor = value.strip()[:3]
        elif tag == "61":
            self.line(value)
        elif tag == "86" and self.last == "61" and self.page is not None:
            self.page.entries[-1] = _told(self.page.entries[-1], value)
        self.last = tag

    def begin(self, currency: str | None = None) -> _Page:
        self.page = _Page(header=self.header, currency=currency)
        self.pages.append(self.page)
        return self.page

    def balance(self, tag: str, value: str) -> None:
        page = self.begin() if tag[:2] == "60" else self.page
        found = _balance(tag, value)
        if found is None:
            self.problems.append(f"Balance :{tag}: cannot be read: {value[:40]}")
        elif page is not None:
            page.balances.append(found)
            page.currency = page.currency or found.currency

    def line(self, value: str) -> None:
        page = self.begin(self.floor) if self.page is None or self.page.closed else self.page
        entry = _entry(value, page)
        page.entries.append(entry)
        if entry.amount is None:
            self.problems.append(f"Line :61: cannot be read: {value[:40]}")


def _fields(text: str) -> Iterator[tuple[str, str]]:
    """Tag and value of each field. A line with the dash alone ends a message."""
    marks = list(_TAG.finditer(text))
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        value = text[mark.end() : following.start() if following else len(text)]
        yield mark[1], re.split(r"^-(?:\}|X{3}|\s*$)", value, maxsplit=1, flags=re.MULTILINE)[0].rstrip()


def amount_of(text: str) -> Decimal | None:
    """An amount with a decimal comma ("1250,4", "15000,"), or with a point; None when it is neither."""
    whole, _, part = text.strip().replace(".", ",").rpartition(",") if re.search("[.,]", text) else (text, "", "")
    digits = whole.replace(",", "") or "0"
    return Decimal(f"{digits}.{part or 0}") if (digits + (part or "0")).isdigit() else None


def _date(text: str) -> dt.date | None:
    year = int(text[:2])
    try:
        return dt.date(year + (1900 if year >= _CENTURY else 2000), int(text[2:4]), int(text[4:6]))
    except ValueError:
        return None


def _balance(tag: str, value: str) -> Named | None:
    read = _BALANCE.match(value)
    amount = amount_of(read[4]) if read else None
    if read is None or amount is None:
        return None
    return Named(tag, -amount if read[1] == "D" else amount, read[3], _date(read[2]))


def _entry(value: str, page: _Page) -> Entry:
    read = _LINE.match(value)
    amount = amount_of(read["amount"]) if read else None
    if read is None or amount is None:
        return Entry(None, text=value)
    credit = read["mark"].removeprefix("E") in {"C", "RD"}  # a debit taken back is money that comes
    valued = _date(read["value"])
    return Entry(
        amount if credit else -amount,
        page.currency,
        valued,
        _booked(valued, read["booked"]),
        kind=(read["kind"] or "").strip(),
        reference=(read["reference"] or "").split("\n")[0].strip(),
        bank_reference=(read["bank"] or "").strip(),
        text=(read["more"] or "").strip(),
        reversal="R" in read["mark"],
        booked=not read["mark"].startswith("E"),
    )


def _booked(valued: dt.date | None, text: str | None) -> dt.date | None:
    """The day of booking: of the year that brings it closest to the day of value."""
    if valued is None or not text or not text.strip():
        return valued
    near = []
    for year in (valued.year - 1, valued.year, valued.year + 1):
        try:
            near.append(dt.date(year, int(text[:2]), int(text[2:])))
        except ValueError:
            continue
    return min(near, key=lambda day: abs(day - valued), default=valued)


def _told(entry: Entry, value: str) -> Entry:
    """The entry with the text of the field that follows it."""
    told = "\n".join(part for part in (entry.text, value.strip()) if part)
    return Entry(**{name: getattr(entry, name) for name in entry.__slots__} | {"text": told})
