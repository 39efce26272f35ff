"""Which files may stand beside a request, told by what is in them and never by what their sender says."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass

from apps.approvals.errors import ApprovalDocumentRefused

BYTES_MAX = 5 * 1024 * 1024
PER_REQUEST_MAX = 20
_ZIP = b"PK\x03\x04"
_MAGIC = {
    "pdf": (b"%PDF-", "application/pdf"),
    "png": (b"\x89PNG\r\n\x1a\n", "image/png"),
    "jpg": (b"\xff\xd8\xff", "image/jpeg"),
    "jpeg": (b"\xff\xd8\xff", "image/jpeg"),
}
_OFFICE = {
    "docx": ("word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "xlsx": ("xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}
_TEXT = {"txt": "text/plain; charset=utf-8", "csv": "text/csv; charset=utf-8"}
ENDINGS = (*_MAGIC, *_OFFICE, *_TEXT)
MEDIA_TYPES = sorted({kind for _, kind in (*_MAGIC.values(), *_OFFICE.values())} | {"text/plain", "text/csv"})
_PATH = re.compile(r".*[/\\]", re.DOTALL)
_MACROS = re.compile(r"vbaProject|\.bin\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file's name without folders, and the type with which it is given out."""

    name: str
    content_type: str


def file_check(*, name: str, content: bytes) -> FileFacts:
    """What may be kept. Raises ApprovalDocumentRefused for a size, an ending or content that is not accepted."""
    if not content:
        raise ApprovalDocumentRefused("The file is empty.", pointer="/content")
    if len(content) > BYTES_MAX:
        raise ApprovalDocumentRefused(f"At most {BYTES_MAX // 1024 // 1024} MB.", pointer="/content")
    short = _PATH.sub("", name).strip().lstrip(".")
    stem, _, ending = short.rpartition(".")
    if not stem or ending.lower() not in ENDINGS:
        raise ApprovalDocumentRefused(f"A name that ends in one of: {', '.join(ENDINGS)}.", pointer="/name")
    content_type = _type_of(ending.lower(), content)
    if content_type is None:
        raise ApprovalDocumentRefused(f"What is in it is no {ending.lower()}.", pointer="/content")
    return FileFacts(short, content_type)


def _type_of(ending: str, content: bytes) -> str | None:
    if ending in _OFFICE:
        return _office(ending, content)
    if ending in _TEXT:
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            return None
        return None if "\x00" in text else _TEXT[ending]
    magic, content_type = _MAGIC[ending]
    return content_type if content.startswith(magic) else None


def _office(ending: str, content: bytes) -> str | None:
    """The type of an Office file without macros. Only the table of contents is read, nothing is unpacked."""
    folder, content_type = _OFFICE[ending]
    if not content.startswith(_ZIP):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return None
    known = "[Content_Types].xml" in names and any(name.startswith(folder) for name in names)
    return content_type if known and not any(_MACROS.search(name) for name in names) else None
