"""PDFs look and read as they did: small pictures and the text of each are kept in golden/.

After a change that is meant, NUMINA_GOLDEN=write draws them anew; look at the pictures before they are committed. Pages
are drawn by pypdfium2, which comes with the packages of the tests, or by pdftoppm where that is not there.
"""

from __future__ import annotations

import datetime as dt
import importlib
import importlib.util
import io
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageFilter
from pypdf import PdfReader

from apps.reporting.renditions import statement_pdf
from apps.reporting.statements import Column, FinancialStatement, Proof, Row
from apps.reporting.tables import TABLES, Table
from apps.reporting.tables import Column as TableColumn
from apps.reporting.tables.render import table_write

GOLDEN = Path(__file__).parent / "golden"
AT = dt.datetime(2026, 3, 31, 18, 30, tzinfo=dt.UTC)
DAY = AT.date()
DOTS = 30
"""Dots an inch: enough to see that a column moved, too few for how a letter is smoothed."""
GREYS, SHARE = 60, 0.005
"""By how many of 256 greys a dot may differ, and how many dots may differ by more: fonts are hinted differently."""


def statement(columns: int = 2) -> bytes:
    rows = [
        Row("heading", "Assets"),
        Row("group", "Cash", 1, "1100", None, tuple(1_250_000_00 - place for place in range(columns))),
        Row("line", "Cash in vault", 2, "1110", None, tuple(1_250_000_00 - place for place in range(columns))),
        Row("total", "Total assets", amounts=tuple(1_250_000_00 - place for place in range(columns))),
        Row("heading", "Equity"),
        Row("line", "Earnings not yet closed into equity", 1, amounts=(-9_99,) * columns),
        Row("result", "Liabilities and equity", amounts=tuple(1_250_000_00 - place for place in range(columns))),
    ]
    found = FinancialStatement(
        "balance-sheet", "Balance sheet", "KES",
        tuple(Column(DAY, None, name=f"{place + 1:02}/2026") for place in range(columns)),
        rows, [Proof("Assets less liabilities less equity", (0,) * columns)], 4711,
    )  # fmt: skip
    return statement_pdf(found, drawn_at=AT, drawn_by="Amina Odhiambo", scope="All branches")


def listed() -> bytes:
    columns = (
        TableColumn("code", "Code"), TableColumn("name", "Name"), TableColumn("currency", "Currency"),
        TableColumn("balance", "Balance", "money", True), TableColumn("share", "Share", "percent"),
    )  # fmt: skip
    rows = [(f"A{place:03}", "Grace Wanjiru", "KES", place * 1_000_00, place) for place in range(1, 41)]
    report = TABLES["top-depositors"]
    table = Table(report.code, report.title, report.definition, "KES", columns, iter(rows), DAY)
    target = io.BytesIO()
    table_write(table, "pdf", target, drawn_at=AT, drawn_by="Amina Odhiambo")
    return target.getvalue()


PDFS: dict[str, Callable[[], bytes]] = {
    "statement": statement,
    "statement-by-month": lambda: statement(13),
    "list": listed,
}


def picture(pdf: bytes) -> Image.Image | None:
    """The first page in greys, blurred by a dot; None where nothing draws it."""
    if importlib.util.find_spec("pypdfium2"):
        page = importlib.import_module("pypdfium2").PdfDocument(pdf)[0].render(scale=DOTS / 72, grayscale=True).to_pil()
    elif tool := shutil.which("pdftoppm"):
        drawn = subprocess.run(
            [tool, "-r", str(DOTS), "-gray", "-singlefile", "-png", "-"], input=pdf, capture_output=True, check=True
        )
        page = Image.open(io.BytesIO(drawn.stdout))
    else:
        return None
    return page.convert("L").filter(ImageFilter.BoxBlur(1))


@pytest.mark.parametrize("name", sorted(PDFS))
def test_a_pdf_reads_and_looks_as_it_did(name: str) -> None:
    pdf = PDFS[name]()
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    seen = picture(pdf)
    if os.environ.get("NUMINA_GOLDEN") == "write":
        GOLDEN.mkdir(exist_ok=True)
        (GOLDEN / f"{name}.txt").write_text(text + "\n", encoding="utf-8")
        assert seen is not None, "nothing here draws a page"
        seen.save(GOLDEN / f"{name}.png", optimize=True)
    assert text.split() == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8").split()
    if seen is None:
        return
    kept = Image.open(GOLDEN / f"{name}.png").convert("L")
    assert seen.size == kept.size
    differ = sum(ImageChops.difference(seen, kept).histogram()[GREYS:])
    assert differ <= SHARE * seen.width * seen.height
