"""What time does to access: what has long ended goes, and keys of apps move into the vault."""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from apps.core.trail import trail_record
from apps.identity.models import Challenge, RecoveryCode, SecondFactor, Session
from apps.identity.seals import secret_open

ROWS = 1_000
"""Deleted or moved at once: short transactions, whatever has piled up."""


def access_tidy(*, at: datetime) -> dict[str, int]:
    """Delete what ended more than NUMINA["ACCESS_KEEP_DAYS"] days ago; returns how many rows of each sort.

    Sessions that are over, used and expired challenges and links, used recovery codes, second factors that were begun
    and given up, and expired sessions of the staff site. What they did stays in the trail. Keys of machines stay: the
    trail names them.
    """
    before = at - timedelta(days=settings.NUMINA["ACCESS_KEEP_DAYS"])
    ended = Q(expires_at__lt=before) | Q(revoked_at__lt=before)
    gone = {
        # Challenges first: they name sessions and factors.
        "challenges": _delete(
            Challenge.objects.filter(Q(expires_at__lt=before) | Q(session__in=Session.objects.filter(ended)))
        ),
        "sessions": _delete(Session.objects.filter(ended)),
        "recovery_codes": _delete(RecoveryCode.objects.filter(used_at__lt=before)),
        "factors": _delete(SecondFactor.objects.filter(confirmed=False, created_at__lt=before)),
    }
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    if any(gone.values()):
        trail_record(
            action="identity.access.tidied", acting_user=None, object_type="identity.session",
            object_label=f"before {before:%Y-%m-%d}", after=gone, at=at,
        )  # fmt: skip
    return gone


def factors_reseal() -> int:
    """Move keys of apps that are still kept under SECRET_KEY into the vault; returns how many were moved.

    One that was sealed under a secret that is not here any more is left as it is: its owner sets up a new app.
    """
    moved, rows = 0, SecondFactor.objects.exclude(secret="").order_by("pk")
    stretch = list(rows[:ROWS])
    while stretch:
        for factor in stretch:
            try:
                factor.app_key = secret_open(factor.secret)
            except ValueError:
                continue
            factor.secret = ""
            factor.save(update_fields=["app_key", "secret"])
            moved += 1
        stretch = list(rows.filter(pk__gt=stretch[-1].pk)[:ROWS])
    return moved


def _delete(rows: QuerySet[Any]) -> int:
    """Delete by stretches of ROWS, each its own transaction unless the caller holds one."""
    deleted = 0
    while True:
        ids = list(rows.order_by().values_list("pk", flat=True)[:ROWS])
        if not ids:
            return deleted
        with transaction.atomic():
            rows.model._base_manager.filter(pk__in=ids).delete()
        deleted += len(ids)
