"""CSV files: UTF-8 with a byte order mark (spreadsheets guess wrong without), lines end in CR LF (RFC 4180)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import IO

# A cell that begins with one of these is a formula to a spreadsheet; a quote before it makes it text.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def cell_text(text: str) -> str:
    """Text as a cell that no spreadsheet takes for a formula."""
    return "'" + text if text.lstrip(" ").startswith(FORMULA_STARTS) else text


def csv_write(file: IO[bytes], headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a whole file into `file`, row by row. Texts are made safe; other values are written as they read."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(headings)
    for row in rows:
        writer.writerow([cell_text(value) if isinstance(value, str) else value for value in row])
    text.detach()


def csv_file(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """The same as bytes, for files that are short."""
    file = io.BytesIO()
    csv_write(file, headings, rows)
    return file.getvalue()
