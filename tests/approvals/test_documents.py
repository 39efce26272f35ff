"""Files beside a request: what is taken, from whom, who reads it; and what the bank has at stake with its members."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction
from django.test import Client

from apps.approvals.errors import ApprovalDocumentRefused
from apps.approvals.files import BYTES_MAX, PER_REQUEST_MAX, file_check
from apps.approvals.models import ApprovalDocument
from apps.approvals.services import document_add
from apps.audit.models import AuditEvent
from tests.approvals.support import AT, Bank, decide, fresh
from tests.conftest import ApiClient
from tests.factories.accounts import AccountFactory, cash_move
from tests.factories.members import MemberFactory

PDF = b"%PDF-1.7\nAgreed."


def archive(*names: str) -> bytes:
    """A zip file with these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name in names:
            made.writestr(name, "x")
    return out.getvalue()


@pytest.fixture(autouse=True)
def _files(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def clients(bank: Bank) -> dict[str, ApiClient]:
    for role in bank.roles.values():
        role.permissions = sorted({*role.permissions, "approvals.request"})
        role.save()
    people = {"maker": bank.maker, "manager": bank.manager, "chief": bank.chief}
    return {name: ApiClient(type(user).objects.get(pk=user.pk)) for name, user in people.items()}


def body(name: str = "agreement.pdf", content: bytes = PDF) -> dict[str, str]:
    return {"name": name, "content": base64.b64encode(content).decode()}


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.pdf", PDF, "application/pdf"),
        ("../../etc/a.PDF", PDF, "application/pdf"),
        ("C:\\fakepath\\b.png", b"\x89PNG\r\n\x1a\n", "image/png"),
        ("b.jpeg", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("c.docx", archive("[Content_Types].xml", "word/document.xml"), "application/vnd"),
        ("c.xlsx", archive("[Content_Types].xml", "xl/workbook.xml"), "application/vnd"),
        ("d.csv", "name;ämount".encode(), "text/csv"),
        ("evil.pdf", b"<html><script>", None),
        ("evil.html", b"<html>", None),
        ("evil.svg", b"<svg onload=x>", None),
        ("evil.txt", b"MZ\x90\x00", None),
        ("macro.xlsx", archive("[Content_Types].xml", "xl/workbook.xml", "xl/vbaProject.bin"), None),
        ("zip.docx", archive("readme"), None),
        ("torn.docx", b"PK\x03\x04torn", None),
        (".pdf", PDF, None),
        ("empty.pdf", b"", None),
        ("large.pdf", PDF + bytes(BYTES_MAX), None),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 25 else "",
)
def test_a_file_is_what_is_in_it(name: str, content: bytes, kind: str | None) -> None:
    if kind is None:
        with pytest.raises(ApprovalDocumentRefused):
            file_check(name=name, content=content)
        return
    facts = file_check(name=name, content=content)
    assert facts.content_type.startswith(kind)
    assert "/" not in facts.name
    assert "\\" not in facts.name


def test_a_file_is_added_listed_and_read_by_who_may(bank: Bank, clients: dict[str, ApiClient]) -> None:
    bank.three_levels()
    request = bank.submit()
    url = f"approvals/{request.public_id}/documents"

    made = clients["maker"].post(url, body())
    assert made.status_code == 201, made.json()
    document = made.json()
    assert (document["name"], document["size"]) == ("agreement.pdf", len(PDF))
    assert document["sha256"] == hashlib.sha256(PDF).hexdigest()
    assert fresh(request).version == 2, "who has the page open sees the file before deciding"
    again = clients["maker"].post(url, body("other-name.pdf"))
    assert (again.json()["id"], again.headers["Idempotency-Replayed"]) == (document["id"], "true")
    assert clients["manager"].post(url, body("note.txt", b"Seen.")).status_code == 201
    assert [row["name"] for row in clients["manager"].get(url).json()["data"]] == ["note.txt", "agreement.pdf"]

    file = clients["manager"].get(f"approvals/documents/{document['id']}")
    assert b"".join(file.streaming_content) == PDF
    assert file.headers["Content-Disposition"] == 'attachment; filename="agreement.pdf"'
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    read = AuditEvent.objects.get(action="approvals.document.read")
    assert (read.kind, read.actor_id, read.object_id) == ("access", bank.manager.pk, str(request.public_id))
    assert AuditEvent.objects.filter(action="approvals.request.attached").count() == 2

    stranger = ApiClient(bank.person("stranger", "approvals.request", branch=Bank().branch, scope="branch"))
    assert stranger.get(f"approvals/documents/{document['id']}").status_code == 404
    assert stranger.post(url, body()).status_code == 404
    assert clients["maker"].post(url, {"name": "a.pdf", "content": "no base64!"}).status_code == 400
    assert clients["maker"].post(url, body("a.pdf", b"MZ")).json()["code"] == "approval-document-refused"


def test_what_is_decided_gets_no_more_files_and_loses_none(bank: Bank) -> None:
    bank.policy(bank.level("manager", 1))
    request = bank.submit()
    add: dict[str, Any] = {"acting_user": bank.maker, "request_id": request.public_id, "at": AT}
    for number in range(PER_REQUEST_MAX):
        document_add(**add, name="a.txt", content=f"{number}".encode())
    with pytest.raises(ApprovalDocumentRefused, match="At most"):
        document_add(**add, name="a.txt", content=b"one more")
    decide(request, bank.manager)
    with pytest.raises(Exception, match="executed"):
        document_add(**add, name="a.txt", content=b"too late")
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        ApprovalDocument.objects.filter(request=request).delete()


def test_the_pages_of_files_and_of_what_is_at_stake(
    bank: Bank, clients: dict[str, ApiClient], django_assert_max_num_queries: Any
) -> None:
    bank.roles["manager"].permissions = sorted({*bank.roles["manager"].permissions, "accounts.view"})
    bank.roles["manager"].save()
    member = MemberFactory(branch=bank.branch)
    for _ in range(3):
        cash_move(AccountFactory(member=member, branch=bank.branch), "250.00")
    bank.policy(bank.level("manager", 1))
    request = bank.submit(members=[str(member.pk)])
    browser = Client()
    browser.force_login(type(bank.manager).objects.get(pk=bank.manager.pk))
    page = f"/admin/approvals/task/{request.public_id}/"

    assert "No documents" in browser.get(f"{page}?tab=documents").content.decode()
    upload = {"action": "attach", "version": 1, "file": SimpleUploadedFile("deed.pdf", PDF)}
    said = browser.post(f"{page}?tab=documents", upload, follow=True).content.decode()
    assert "deed.pdf" in said
    file = browser.get(f"/admin/approvals/document/{ApprovalDocument.objects.get().public_id}/")
    assert b"".join(file.streaming_content) == PDF
    wrong = {"action": "attach", "version": 1, "file": SimpleUploadedFile("deed.pdf", b"MZ")}
    assert "What is in it is no pdf." in browser.post(f"{page}?tab=documents", wrong, follow=True).content.decode()

    shown = browser.get(f"{page}?tab=exposure").content.decode()
    assert shown.count("250.00") == 3
    clients["manager"].user = bank.manager
    url = f"approvals/{request.public_id}/exposure"
    with django_assert_max_num_queries(14):
        (accounts, *_) = ApiClient(type(bank.manager).objects.get(pk=bank.manager.pk)).get(url).json()["sections"]
    assert [row["amount"]["amount"] for row in accounts["rows"]] == ["250.00"] * 3
    (hidden, *_) = clients["maker"].get(url).json()["sections"]
    assert (hidden["hidden"], hidden["rows"]) == (True, [])
