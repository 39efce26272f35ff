"""Rows of a file: what is accepted, what is refused and by which name. No database."""

from __future__ import annotations

import io

import pytest

from apps.payments.errors import ImportFileMissing, ImportHeaderInvalid
from apps.payments.importing.reader import FileReader
from apps.payments.importing.rows import COLUMNS, ImportRow, Refusal, RowParser, header_check

GOOD = {
    "external_id": "X-1",
    "account_number": "0100000017",
    "booking_date": "2026-02-28",
    "value_date": "2026-03-01",
    "amount": "12.50",
    "currency": "KES",
    "direction": "debit",
    "channel": "ATM",
    "counterparty": "Café Baobab",
    "description": "Coffee",
    "balance_after": "-1.00",
}


def parse(**change: str) -> ImportRow | Refusal:
    parser = RowParser(source="s", columns={name: place for place, name in enumerate(COLUMNS)})
    return parser.parse([{**GOOD, **change}[name] for name in COLUMNS], 7)


def test_a_good_row() -> None:
    row = parse()
    assert isinstance(row, ImportRow)
    assert (row.number, row.minor, row.channel, row.balance_after) == (7, -1250, "atm", -100)
    assert (str(row.booking_date), str(row.value_date)) == ("2026-02-28", "2026-03-01")


def test_an_empty_value_date_is_the_booking_date() -> None:
    row = parse(value_date="")
    assert isinstance(row, ImportRow)
    assert row.value_date == row.booking_date


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"external_id": ""}, "invalid-text"),
        ({"external_id": "x" * 256}, "invalid-text"),
        ({"external_id": "a\u202eb"}, "invalid-text"),
        ({"account_number": ""}, "invalid-text"),
        ({"account_number": "12"}, "account-number-invalid"),
        ({"account_number": "12;DROP"}, "account-number-invalid"),
        ({"booking_date": "2026-02-29"}, "invalid-date"),
        ({"booking_date": "0000-01-01"}, "invalid-date"),
        ({"booking_date": "9999-12-31"}, "invalid-date"),
        ({"booking_date": "28/02/2026"}, "invalid-date"),
        ({"booking_date": "2026-2-8"}, "invalid-date"),
        ({"booking_date": ""}, "invalid-date"),
        ({"value_date": "yesterday"}, "invalid-date"),
        ({"currency": "kes"}, "invalid-currency"),
        ({"currency": "XAU"}, "invalid-currency"),
        ({"currency": ""}, "invalid-currency"),
        ({"direction": "Credit"}, "invalid-direction"),
        ({"direction": ""}, "invalid-direction"),
        ({"channel": "c" * 21}, "invalid-text"),
        ({"counterparty": "x" * 141}, "invalid-text"),
        ({"description": "x" * 201}, "invalid-text"),
        ({"description": "a\x00b"}, "invalid-text"),
        ({"description": "\udcff"}, "invalid-text"),
        ({"balance_after": "1,0"}, "invalid-amount"),
        ({"balance_after": "1.001"}, "invalid-amount"),
    ],
)
def test_refusals_have_a_name(change: dict[str, str], code: str) -> None:
    row = parse(**change)
    assert isinstance(row, Refusal)
    assert (row.row, row.code) == (7, code)
    assert row.detail
    row.external_id.encode("ascii")


@pytest.mark.parametrize(
    "amount",
    ["", "0", "0.00", "-1", "+1", "1e3", "NaN", "Infinity", "1,00", "0.001", "١٢", " 1", "1 ", "9" * 30, "0x1", ".5"],
)
def test_odd_amounts_are_refused(amount: str) -> None:
    row = parse(amount=amount)
    assert isinstance(row, Refusal)
    assert row.code == "invalid-amount"


@pytest.mark.parametrize(("currency", "amount", "minor"), [("JPY", "5", 5), ("BHD", "1.234", 1234), ("KES", "5", 500)])
def test_decimals_follow_the_currency(currency: str, amount: str, minor: int) -> None:
    row = parse(currency=currency, amount=amount, balance_after="", direction="credit")
    assert isinstance(row, ImportRow)
    assert row.minor == minor


def test_content_decides_the_fingerprint_and_spelling_does_not() -> None:
    base, spelt, other, compared = parse(), parse(amount="12.5"), parse(amount="12.51"), parse(balance_after="7")
    assert base.fingerprint == spelt.fingerprint == compared.fingerprint  # type: ignore[union-attr]
    assert base.fingerprint != other.fingerprint  # type: ignore[union-attr]
    assert base.transaction_id == other.transaction_id  # type: ignore[union-attr]


def read(text: bytes, size: int = 2) -> list[tuple[int, str]]:
    """(row, external id or code) of everything in the file."""
    found = []
    for batch in FileReader(io.BytesIO(text), source="s", batch_size=size).batches_ahead():
        found += [(row.number, row.external_id) for row in batch.rows]
        found += [(one.row, one.code) for one in batch.refusals]
    return sorted(found)


HEADER = ",".join(COLUMNS[:7]).encode() + b"\n"


def line(name: str, *more: str) -> bytes:
    return ",".join([name, "0100000017", "2026-01-02", "", "1", "KES", "credit", *more]).encode() + b"\n"


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_columns_in_any_order_with_or_without_bom_and_blank_lines(bom: bytes) -> None:
    names = list(reversed(COLUMNS[:7]))
    body = ",".join(names).encode() + b"\r\n" + b",".join(reversed(line("A").strip().split(b","))) + b"\r\n\r\n"
    assert read(bom + body) == [(2, "A")]


def test_a_broken_row_does_not_stop_the_file() -> None:
    text = HEADER + line("A") + b'B,"x"y,1\n' + line("C") + line("D", "extra") + b"\xff\xfe,1\n" + line("E")
    assert read(text) == [
        (2, "A"),
        (3, "malformed-row"),
        (4, "C"),
        (5, "malformed-row"),
        (6, "malformed-row"),
        (7, "E"),
    ]


def test_what_is_not_utf_8_is_refused_with_its_row() -> None:
    text = HEADER + line("A").replace(b"A", b"A\xff") + line("B")
    assert read(text) == [(2, "invalid-text"), (3, "B")]


def test_an_endless_field_is_refused_and_memory_is_bounded() -> None:
    text = HEADER + b'A,"' + b"x" * 5_000_000
    assert (2, "malformed-row") in read(text)


@pytest.mark.parametrize(
    ("header", "word"),
    [
        ("external_id", "missing"),
        (",".join([*COLUMNS, "fee"]), "'fee'"),
        (",".join([*COLUMNS, "amount"]), "twice"),
        ("a;b;c", "unknown"),
    ],
)
def test_headers_are_checked_with_a_clear_text(header: str, word: str) -> None:
    with pytest.raises(ImportHeaderInvalid, match=word) as caught:
        header_check(header.split(","))
    assert "Expected: external_id,account_number" in caught.value.detail


def test_an_empty_file_has_no_header() -> None:
    with pytest.raises(ImportFileMissing):
        FileReader(io.BytesIO(b""), source="s", batch_size=10)


def test_an_error_of_the_reading_thread_is_raised_where_the_rows_are_used() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 0:
                raise OSError("disk")
            return super().read(size)

    reader = FileReader(Broken(HEADER + line("A") * 100_000), source="s", batch_size=10)
    with pytest.raises(OSError, match="disk"):
        list(reader.batches_ahead())
