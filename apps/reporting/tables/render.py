"""A list as JSON, CSV, XLSX or PDF: the same figures, and memory that does not grow with the rows (PDF is bounded)."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import IO, Any

from django.conf import settings
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font

from apps.core.currencies import minor_format
from apps.core.display import count_text, day_text, kind_text, moment_text, money_text
from apps.core.pdf import pdf_render
from apps.core.sheets import cell_text
from apps.reporting.errors import TableTooLong
from apps.reporting.tables._model import Column, Table

PDF_ROWS_MAX = 2_000
SHEET_ROWS_MAX = 1_000_000
"""A sheet ends at 1,048,576 rows; the rest goes on another."""
RIGHT = frozenset({"money", "count", "percent"})


@dataclass
class Sums:
    """What the summed columns add up to, by currency, while the rows go by."""

    table: Table
    rows: int = 0
    sums: dict[str, dict[int, Any]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))

    def __post_init__(self) -> None:
        self.summed = [place for place, column in enumerate(self.table.columns) if column.is_summed]
        self.currency_at = currency_place(self.table.columns)

    def watched(self, rows: Iterator[Sequence[Any]]) -> Iterator[Sequence[Any]]:
        """The rows, each added up as it passes."""
        for row in rows:
            self.rows += 1
            into = self.sums[currency_of(self.table, row, self.currency_at)]
            for place in self.summed:
                into[place] += row[place] or 0
            yield row

    def lines(self) -> list[tuple[str, list[Any]]]:
        """A line a currency, which it names: its values in the places of the columns, None where nothing is summed."""
        if not self.summed:
            return []
        places = range(len(self.table.columns))
        lines = [(code, [sums.get(place) for place in places]) for code, sums in sorted(self.sums.items())]
        texts = (place for place in places if self.table.columns[place].kind == "text" and place != self.currency_at)
        label = next(texts, None)
        for code, values in lines:
            if label is not None:
                values[label] = "Total"
            if self.currency_at is not None:
                values[self.currency_at] = code
        return lines


def currency_place(columns: Sequence[Column]) -> int | None:
    """Where the rows have their currency."""
    return next((place for place, column in enumerate(columns) if column.key == "currency"), None)


def currency_of(table: Table, row: Sequence[Any], place: int | None) -> str:
    """The currency of a row's amounts."""
    return str(row[place]) if place is not None and row[place] else table.currency or settings.NUMINA["BASE_CURRENCY"]


def plain(value: Any, column: Column, currency: str) -> Any:
    """A value for programs: decimal strings, ISO dates, numbers."""
    if value is None:
        return None
    match column.kind:
        case "money":
            return minor_format(int(value), currency)
        case "date":
            return value.isoformat()
        case "moment":
            return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
        case "count":
            return int(value)
        case "percent":
            return f"{value:.2f}"
    return str(value)


def shown(value: Any, column: Column, currency: str) -> str:
    """A value for people."""
    if value is None:
        return "–"  # noqa: RUF001
    match column.kind:
        case "money":
            return money_text(int(value), currency)
        case "date":
            return day_text(value)
        case "moment":
            return moment_text(value)
        case "count":
            return count_text(int(value))
        case "percent":
            return f"{value:.2f} %"
    text = str(value)
    return kind_text(text) if column.is_code and text else column.words.get(text, text)


def table_json(table: Table, *, limit: int) -> dict[str, Any]:
    """The first rows as the API shows them; `is_cut` says that there are more."""
    sums = Sums(table)
    place = sums.currency_at
    rows = []
    with _closing(table) as source:
        for row in islice(sums.watched(source), limit):
            currency = currency_of(table, row, place)
            rows.append([plain(value, column, currency) for value, column in zip(row, table.columns, strict=True)])
        is_cut = next(source, None) is not None
    return {
        "code": table.code,
        "title": table.title,
        "definition": table.definition,
        "as_of": table.as_of,
        "from": table.since,
        "columns": [{"key": one.key, "title": one.title, "kind": one.kind} for one in table.columns],
        "rows": rows,
        "totals": [
            {
                "currency": code or None,
                "values": [plain(v, c, code) for v, c in zip(values, table.columns, strict=True)],
            }
            for code, values in ([] if is_cut else sums.lines())
        ],
        "is_cut": is_cut,
    }


def table_write(table: Table, form: str, file: IO[bytes], *, drawn_at: dt.datetime, drawn_by: str) -> int:
    """Write the list to a file; how many rows. Raises `TableTooLong` for a PDF of more than 2,000 rows."""
    with _closing(table) as source:
        match form:
            case "csv":
                return _csv(table, source, file)
            case "xlsx":
                return _xlsx(table, source, file)
        return _pdf(table, source, file, drawn_at, drawn_by)


class _closing:  # noqa: N801 (used like contextlib.closing)
    """The table's rows, whose cursor is closed at the end whether all were read or not."""

    def __init__(self, table: Table) -> None:
        self.rows = iter(table.rows)

    def __enter__(self) -> Iterator[Sequence[Any]]:
        return self.rows

    def __exit__(self, *_: object) -> None:
        close = getattr(self.rows, "close", None)
        if close is not None:
            close()


def _csv(table: Table, source: Iterator[Sequence[Any]], file: IO[bytes]) -> int:
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([column.title for column in table.columns])
    place, count = currency_place(table.columns), 0
    for row in source:
        currency = currency_of(table, row, place)
        cells = [plain(value, column, currency) for value, column in zip(row, table.columns, strict=True)]
        writer.writerow(
            [
                cell_text(cell) if column.kind == "text" and cell else cell
                for cell, column in zip(cells, table.columns, strict=True)
            ]
        )
        count += 1
    text.flush()
    text.detach()
    return count


def _xlsx(table: Table, source: Iterator[Sequence[Any]], file: IO[bytes]) -> int:
    """Real numbers and dates; a frozen header; sums by currency at the end. Rows are written as they come."""
    book = Workbook(write_only=True)
    sums = Sums(table)
    rows = sums.watched(source)
    number = 0
    while True:
        number += 1
        sheet = book.create_sheet(f"{table.title[:25]} {number}" if number > 1 else table.title[:31])
        sheet.freeze_panes = "A2"
        for place, column in enumerate(table.columns):
            sheet.column_dimensions[_letter(place)].width = 18 if column.kind in RIGHT else 24
        sheet.append([_head(sheet, column) for column in table.columns])
        written = 0
        for row in islice(rows, SHEET_ROWS_MAX):
            written += 1
            currency = currency_of(table, row, sums.currency_at)
            sheet.append(
                [_cell(sheet, value, column, currency) for value, column in zip(row, table.columns, strict=True)]
            )
        if written < SHEET_ROWS_MAX:
            break
    for code, values in sums.lines():
        cells = [_cell(sheet, value, column, code) for value, column in zip(values, table.columns, strict=True)]
        sheet.append(cells)
    book.save(file)
    return sums.rows


def _letter(place: int) -> str:
    return chr(65 + place) if place < 26 else "A" + chr(39 + place)


def _head(sheet: Any, column: Column) -> Any:
    cell = WriteOnlyCell(sheet, value=column.title)
    cell.font = Font(bold=True)
    cell.alignment = Alignment(horizontal="right" if column.kind in RIGHT else "left")
    return cell


def _cell(sheet: Any, value: Any, column: Column, currency: str) -> Any:
    if value is None:
        return None
    match column.kind:
        case "money":
            text = minor_format(int(value), currency)
            places = len(text.partition(".")[2])
            cell = WriteOnlyCell(sheet, value=Decimal(text))
            cell.number_format = "#,##0" + ("." + "0" * places if places else "")
            return cell
        case "moment":
            cell = WriteOnlyCell(sheet, value=value.astimezone(dt.UTC).replace(tzinfo=None))
            cell.number_format = "yyyy-mm-dd hh:mm:ss"
            return cell
        case "count":
            return int(value)
        case "date" | "percent":
            return value
    return cell_text(str(value))


def _pdf(table: Table, source: Iterator[Sequence[Any]], file: IO[bytes], drawn_at: dt.datetime, drawn_by: str) -> int:
    sums = Sums(table)
    rows = list(islice(sums.watched(source), PDF_ROWS_MAX + 1))
    if len(rows) > PDF_ROWS_MAX:
        raise TableTooLong(f"A PDF takes {PDF_ROWS_MAX} rows; ask for CSV or XLSX.", pointer="/query/format")
    context = {
        "table": table,
        "table_rows": [
            [shown(v, c, currency_of(table, row, sums.currency_at)) for v, c in zip(row, table.columns, strict=True)]
            for row in rows
        ],
        "table_sums": [
            ["" if v is None else shown(v, c, code) for v, c in zip(values, table.columns, strict=True)]
            for code, values in sums.lines()
        ],
        "table_right": [column.kind in RIGHT for column in table.columns],
        "bank": settings.NUMINA["BANK_NAME"],
        "drawn_at": drawn_at,
        "drawn_by": drawn_by,
    }
    file.write(pdf_render(template="reporting/table_pdf.html", context=context, identifier=table.code.encode()))
    return len(rows)
