"""Reading a file as a stream: records in batches, checked by a thread of its own while the database works."""

from __future__ import annotations

import csv
import io
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO

from apps.payments.errors import ImportFileMissing, ImportHeaderInvalid
from apps.payments.importing.rows import ImportRow, Refusal, RowParser, header_check

BATCHES_AHEAD = 2
BUFFER_BYTES = 1 << 20
LINE_MAX = 1 << 20


@dataclass(slots=True)
class Batch:
    """Rows of a file in their order; `read` counts all of them, `bytes_done` is how far the file is read."""

    rows: list[ImportRow] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    read: int = 0
    bytes_done: int = 0


class FileReader:
    """Reads one file: CSV with commas, UTF-8 with or without a byte order mark, a header of the import's columns."""

    def __init__(self, stream: BinaryIO, *, source: str, batch_size: int) -> None:
        """Reads the header. Raises `ImportFileMissing` for an empty file and `ImportHeaderInvalid`."""
        self._stream = stream
        self._batch_size = batch_size
        # What is not UTF-8 becomes surrogates, which no text may have: the row is refused, the file goes on.
        text = io.TextIOWrapper(
            io.BufferedReader(_Counted(stream), BUFFER_BYTES),
            encoding="utf-8-sig",
            errors="surrogateescape",
            newline="",
        )
        self._text = text
        # A line is read in pieces, so that one without an end does not fill the memory.
        self._records = csv.reader(iter(partial(text.readline, LINE_MAX), ""), strict=True)
        try:
            header = next(self._records)
        except StopIteration:
            raise ImportFileMissing("The file is empty.") from None
        except csv.Error as error:
            raise ImportHeaderInvalid(f"The first line cannot be read: {error}.") from error
        self._parser = RowParser(source=source, columns=header_check(header))

    def batches(self) -> Iterator[Batch]:
        """All rows, in the calling thread."""
        number = 1
        batch = Batch()
        parse = self._parser.parse
        while True:
            try:
                for record in self._records:
                    if not record:
                        continue
                    number += 1
                    row = parse(record, number)
                    if type(row) is ImportRow:
                        batch.rows.append(row)
                    else:
                        batch.refusals.append(row)  # type: ignore[arg-type]
                    batch.read += 1
                    if batch.read >= self._batch_size:
                        batch.bytes_done = self._bytes_done()
                        yield batch
                        batch = Batch()
                break
            except csv.Error as error:  # the reader begins anew with the next line
                number += 1
                batch.read += 1
                batch.refusals.append(Refusal(number, "", "malformed-row", f"Not CSV: {error}."))
        batch.bytes_done = self._bytes_done()
        yield batch

    def batches_ahead(self) -> Iterator[Batch]:
        """The same, read and checked by a thread of its own, at most `BATCHES_AHEAD` batches ahead."""
        handed: queue.Queue[Batch | BaseException | None] = queue.Queue(BATCHES_AHEAD)
        stop = threading.Event()

        def put(item: Batch | BaseException | None) -> None:
            while not stop.is_set():
                try:
                    handed.put(item, timeout=0.2)
                except queue.Full:
                    continue
                return

        def produce() -> None:
            try:
                for batch in self.batches():
                    put(batch)
                    if stop.is_set():
                        return
                put(None)
            except BaseException as error:  # noqa: BLE001 - raised again where the batches are used
                put(error)

        thread = threading.Thread(target=produce, name="import-reader", daemon=True)
        thread.start()
        try:
            while (item := handed.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            stop.set()
            thread.join()

    def _bytes_done(self) -> int:
        return self._stream.tell() if self._stream.seekable() else 0


class _Counted(io.RawIOBase):
    """The stream as raw input, so that closing the text over it leaves it open."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
