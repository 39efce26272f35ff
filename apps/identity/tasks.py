"""Messages of identity, sent by workers: codes and links are born here, so that no broker carries one."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from celery import shared_task

from apps.core import clock
from apps.identity import services

RETRIES: dict[str, Any] = {"autoretry_for": (OSError,), "max_retries": 3, "retry_backoff": 2}
"""A mail server that is away is tried three times more; the person can ask again meanwhile."""


@shared_task(name="identity.code_send", ignore_result=True, **RETRIES)
def code_send(*, challenge_id: str, **_: Any) -> None:
    """Make a code and send it to the phone or mailbox that was chosen."""
    services.challenge_code_send(challenge_id=UUID(challenge_id), at=clock.now())


@shared_task(name="identity.reset_send", ignore_result=True, **RETRIES)
def reset_send(*, email: str, **_: Any) -> None:
    """Send a link for a new password, if the address has a user."""
    services.password_reset_begin(email=email, at=clock.now())


@shared_task(name="identity.invitation_send", ignore_result=True, **RETRIES)
def invitation_send(*, user_id: str, **_: Any) -> None:
    """Send a link to set the first password to somebody who was invited."""
    services.invitation_deliver(user_id=UUID(user_id), at=clock.now())


@shared_task(name="identity.confirm_send", ignore_result=True, **RETRIES)
def confirm_send(*, email: str, **_: Any) -> None:
    """Send a link that confirms an address, if it still has to be."""
    services.email_confirm_begin(email=email, at=clock.now())


@shared_task(name="identity.notice_send", ignore_result=True, **RETRIES)
def notice_send(*, user_id: str, what: str, at: str, **_: Any) -> None:
    """Tell a user that something of their security was changed."""
    services.change_notice_send(user_id=UUID(user_id), what=what, at=datetime.fromisoformat(at))


@shared_task(name="identity.housekeeping", ignore_result=True)
def housekeeping(**_: Any) -> None:
    """Delete what has long ended, and move keys of apps into the vault. Beat runs it every day."""
    services.access_tidy(at=clock.now())
    services.factors_reseal()
