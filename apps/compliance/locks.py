"""Row locks of compliance; docs/locking.md. A request comes before the member it is about."""

from __future__ import annotations

from uuid import UUID

from apps.compliance.models import Flag, PrivacyRequest


def flag_lock(*, pk: UUID) -> Flag | None:
    """The flag, locked, or None."""
    return Flag.objects.select_for_update(of=("self",), no_key=True).filter(pk=pk).first()


def request_lock(*, pk: UUID) -> PrivacyRequest | None:
    """The request with its member, locked, or None."""
    requests = PrivacyRequest.objects.select_related("member")
    return requests.select_for_update(of=("self",), no_key=True).filter(pk=pk).first()
