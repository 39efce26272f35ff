"""Files beside a request: added while it is open, read by whoever may see it, each time noted."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import IO
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from apps.approvals import locks
from apps.approvals.errors import ApprovalDocumentRefused, ApprovalNotFound, ApprovalStateConflict, NotYourApproval
from apps.approvals.files import PER_REQUEST_MAX, file_check
from apps.approvals.models import ApprovalDocument, ApprovalRequest
from apps.approvals.selectors import level_for, request_get_for
from apps.approvals.services._common import happened, request_write
from apps.approvals.services._execute import ADMINISTER
from apps.audit.services import record
from apps.core.errors import Unavailable
from apps.identity.models import User

OPEN = ("pending", "returned")


def document_add(
    *, acting_user: User, request_id: UUID, name: str, content: bytes, at: dt.datetime
) -> tuple[ApprovalDocument, bool]:
    """Put a file beside a request; the same content again is the same document, and the second value is then False.

    For the maker, for whom an open level asks, and for administrators, while the request is pending or returned. The
    request's version goes up: who has its page open is shown the file before deciding.
    Raises ApprovalNotFound, NotYourApproval, ApprovalStateConflict, ApprovalDocumentRefused.
    """
    facts = file_check(name=name, content=content)
    digest = hashlib.sha256(content).hexdigest()
    with transaction.atomic():
        request = locks.request_lock(public_id=request_id)
        if not _may_add(request, acting_user, at=at):
            raise NotYourApproval("Files come from the maker and from those who are asked.")
        known = request.documents.filter(sha256=digest).first()
        if known is not None:
            return known, False
        if request.state not in OPEN:
            raise ApprovalStateConflict(f"The request is {request.state}.", state=request.state)
        if request.documents.count() >= PER_REQUEST_MAX:
            raise ApprovalDocumentRefused(f"At most {PER_REQUEST_MAX} files.")
        document = ApprovalDocument(
            request=request,
            name=facts.name,
            content_type=facts.content_type,
            size=len(content),
            sha256=digest,
            added_by=acting_user,
            created_at=at,
        )
        # The name tells nothing of the content. A file whose row is undone stays behind unseen, never the reverse.
        wanted = f"approvals/{at:%Y/%m}/{request.public_id}/{document.public_id}"
        document.stored_as = default_storage.save(wanted, ContentFile(content))
        document.save(force_insert=True)
        request_write(request)
        happened(request, "attached", user=acting_user, at=at, file=facts.name, sha256=digest)
    return document, True


def document_open(*, acting_user: User, document_id: UUID, at: dt.datetime) -> tuple[ApprovalDocument, IO[bytes]]:
    """A document and its content, for whoever may see its request; who read it is noted in the access log.

    Raises ApprovalNotFound, and Unavailable when the storage does not have the file.
    """
    document = ApprovalDocument.objects.select_related("request").filter(public_id=document_id).first()
    if document is None:
        raise ApprovalNotFound  # in the words of one that is not yours
    request_get_for(user=acting_user, public_id=document.request.public_id, at=at)
    try:
        stream: IO[bytes] = default_storage.open(document.stored_as)
    except OSError:
        raise Unavailable("The storage does not give the file at the moment.") from None
    record(
        action="approvals.document.read",
        acting_user=acting_user,
        kind="access",
        object_type="approvals.approvalrequest",
        object_id=str(document.request.public_id),
        object_label=str(document.request),
        after={"document": str(document.public_id), "file": document.name},
        at=at,
    )
    return document, stream


def _may_add(request: ApprovalRequest, user: User, *, at: dt.datetime) -> bool:
    if request.maker_id == user.pk:
        return True
    request_get_for(user=user, public_id=request.public_id, at=at)
    return user.has_permission(ADMINISTER) or level_for(user=user, request=request, at=at) is not None
