"""The bank's own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction

from apps.audit.services import record
from apps.core.api.etag import version_check
from apps.core.errors import NotFound, PreconditionFailed, ValidationFailed
from apps.core.notices import CHANNELS, SMS, kind_get, template_fault
from apps.core.text import text_clean
from apps.core.trail import history_stamp
from apps.notifications.locks import template_lock
from apps.notifications.models import Template
from apps.notifications.rendering import locale_of

if TYPE_CHECKING:
    from apps.identity.models import User

SUBJECT_MAX, TEXT_MAX = 200, 10_000


@transaction.atomic
def template_save(
    *,
    acting_user: User,
    kind: str,
    channel: str,
    locale: str,
    subject: str,
    text: str,
    expected_version: int,
) -> Template:
    """Set the bank's own words for a kind, channel and language. `expected_version` is 0 when there are none yet.

    Raises `NotFound` for a kind that does not exist, `ValidationFailed` for an unknown channel or language, empty text
    or placeholders that the kind does not have, `InvalidText`, `PreconditionFailed`.
    """
    subject, text = template_check(kind=kind, channel=channel, locale=locale, subject=subject, text=text)
    row = template_lock(kind=kind, channel=channel, locale=locale)
    version_check(current=row.version if row else 0, expected=expected_version)
    before: dict[str, Any] = {"subject": row.subject, "text": row.text} if row else {}
    if row is None:
        row = Template(kind=kind, channel=channel, locale=locale, version=0)
    row.subject, row.text = subject, text
    row.version += 1
    history_stamp(row, acting_user=acting_user, reason="saved")
    try:
        with transaction.atomic():
            row.save(force_insert=not before)
    except IntegrityError as error:  # somebody wrote the first ones at this moment
        raise PreconditionFailed from error
    after = {"subject": subject, "text": text}
    record(action="notifications.template.saved", acting_user=acting_user, target=row, before=before, after=after)
    return row


@transaction.atomic
def template_remove(*, acting_user: User, kind: str, channel: str, locale: str) -> None:
    """Go back to the words of the code. Raises `NotFound` when the bank has none of its own."""
    row = template_lock(kind=kind, channel=channel, locale=locale)
    if row is None:
        raise NotFound("The bank has no words of its own here.")
    before = {"subject": row.subject, "text": row.text}
    record(action="notifications.template.removed", acting_user=acting_user, target=row, before=before)
    history_stamp(row, acting_user=acting_user, reason="removed")
    row.delete()


def template_check(*, kind: str, channel: str, locale: str, subject: str, text: str) -> tuple[str, str]:
    """Subject and text as they may be kept. Raises as `template_save`."""
    found = kind_get(kind)
    if found is None:
        raise NotFound("There is no such kind.")
    faults = []
    if channel not in CHANNELS:
        faults.append({"pointer": "/channel", "code": "unknown", "detail": "There is no such channel."})
    if str(locale_of(locale)).replace("_", "-") != locale:
        faults.append({"pointer": "/locale", "code": "unknown", "detail": "Not a language such as en or sw."})
    subject = text_clean(subject, max_length=SUBJECT_MAX, pointer="/subject")
    text = text_clean(text, max_length=TEXT_MAX, multiline=True, pointer="/text")
    if channel != SMS and not subject:
        faults.append({"pointer": "/subject", "code": "required", "detail": "Must not be empty."})
    if not text and channel in ("email", SMS):
        faults.append({"pointer": "/text", "code": "required", "detail": "Must not be empty."})
    for pointer, words in (("/subject", subject), ("/text", text)):
        fault = template_fault(words, names=found.names)
        if fault:
            faults.append({"pointer": pointer, "code": "placeholder", "detail": fault})
    if faults:
        raise ValidationFailed(faults)
    return subject, text
