"""Which format a file has, and its reader."""

from __future__ import annotations

import re

from apps.calculations.bank_statements._camt import camt_read
from apps.calculations.bank_statements._facts import BankFile
from apps.calculations.bank_statements._mt940 import mt940_read
from apps.calculations.bank_statements._ofx import ofx_read
from apps.calculations.errors import BankFileNotValid

BYTES_MAX = 20_000_000
FORMATS = ("MT940", "MT942", "camt.052", "camt.053", "camt.054", "OFX")


def bank_file_read(content: bytes) -> BankFile:
    """The statements of a file; the format is told from its content. Raises BankFileNotValid."""
    if not content.strip():
        raise BankFileNotValid("The file is empty.", pointer="/content")
    if len(content) > BYTES_MAX:
        raise BankFileNotValid(f"At most {BYTES_MAX:,} bytes.", pointer="/content")
    head = content[:4096].upper()
    if b"OFXHEADER" in head or b"<OFX>" in head:
        return ofx_read(_text(content))
    if re.match(rb"(\xef\xbb\xbf)?\s*<", content) or content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return camt_read(content.lstrip())
    text = _text(content)
    if re.search(r"^:(20|60[FM]|61):", text, re.MULTILINE):
        return mt940_read(text)
    raise BankFileNotValid(f"None of the formats {', '.join(FORMATS)}.", pointer="/content")


def _text(content: bytes) -> str:
    """The text of a file that does not say its encoding, with plain ends of lines."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")
