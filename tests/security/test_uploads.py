"""Files that lie: names that climb, forms that carry more than they say, bodies that are no CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test.client import encode_multipart

from tests.security.conftest import Bank
from tests.security.routes import CSV, Route, api_routes, named

NAMES = [
    "../../x.csv",
    "..%2f..%2fx.csv",
    "/etc/passwd",
    "C:\\\\x.csv",
    "x" * 300 + ".csv",
    "a%00b.csv",
    "\u202egpj.csv",
    "<script>.csv",
    ".csv",
    "..",
    "",
    "x.csv; filename=y",
]
BODIES = {
    "nothing": b"",
    "zeros": b"\0" * 10_000,
    "UTF-16": "external_id,account\n".encode("utf-16"),
    "no UTF-8": b"\xff\xfe\xfd\n" * 100,
    "one line without end": b"a," * 200_000,
    "quote without end": b'"' + b"a\n" * 10_000,
    "zip": b"PK\x03\x04" + b"\0" * 100,
    "HTML": b"<html><script>alert(1)</script>",
    "formulas": b"=cmd|'/c calc'!A1,@SUM(1)\n",
}
BOUNDARY = "BoUnDaRy"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


@pytest.fixture
def route(db: None) -> Route:
    return next(one for one in api_routes() if named(one) == CSV)


def _part(name: str, file_name: str | None, content: bytes = b"a,b\n") -> bytes:
    shown = f'; filename="{file_name}"' if file_name is not None else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{shown}\r\nContent-Type: text/csv\r\n\r\n'
    return head.encode() + content + b"\r\n"


def _form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def _outside(folder: Path) -> list[Path]:
    """Whatever lies beside the folder of files, or in it under a name that was sent."""
    return [
        path for path in folder.parent.rglob("*") if path.is_file() and ("x.csv" in path.name or "gpj" in path.name)
    ]


def test_names_of_files_are_only_shown(bank: Bank, route: Route, settings: Any) -> None:
    faults = []
    for name in NAMES:
        form = _form(_part("file", name))
        response = bank.send(bank.root, route, "POST", form, content_type=MULTIPART)
        if not (response.status_code == 202 or 400 <= response.status_code < 500):
            faults.append(f"{name[:40]!r}: {response.status_code} {response.content[:200]!r}")
        elif response.status_code == 202 and any(sign in response.json()["file_name"] for sign in ("/", "\\", "\0")):
            faults.append(f"{name[:40]!r} is kept as {response.json()['file_name']!r}")
    assert not faults, "\n".join(faults)
    assert not _outside(Path(settings.MEDIA_ROOT))


@pytest.mark.parametrize("what", BODIES)
def test_bodies_that_are_no_csv_break_nothing(bank: Bank, route: Route, what: str) -> None:
    response = bank.send(bank.root, route, "POST", BODIES[what], content_type="text/csv")

    assert response.status_code == 202 or 400 <= response.status_code < 500, response.content


def test_forms_with_other_parts_are_refused(bank: Bank, route: Route) -> None:
    forms = {
        "two files": _form(_part("file", "a.csv"), _part("file", "b.csv")),
        "another part": _form(_part("file", "a.csv"), _part("status", None, b"done")),
        "another name": _form(_part("upload", "a.csv")),
        "a field instead of a file": _form(_part("file", None)),
        "nothing": _form(),
        "no end": _part("file", "a.csv"),
        "mass assignment": encode_multipart(BOUNDARY, {"is_staff": "1", "approved_by": "me"}),
        "no form at all": b"x" * 1_000,
        "1,001 parts": _form(*[_part(f"p{number}", None, b"1") for number in range(1_001)]),
    }
    faults = []
    for what, form in forms.items():
        response = bank.send(bank.root, route, "POST", form, content_type=MULTIPART)
        if not 400 <= response.status_code < 500 and what != "no end":
            faults.append(f"{what}: {response.status_code} {response.content[:200]!r}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "text/plain", "application/zip", "multipart/form-data", "text/csv; charset=utf-16", ""],
)
def test_other_media_types_and_broken_forms_are_refused(bank: Bank, route: Route, content_type: str) -> None:
    response = bank.send(bank.root, route, "POST", b"a,b\n", content_type=content_type)

    assert 400 <= response.status_code < 500, response.content
