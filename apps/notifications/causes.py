"""Whether a refusal means that an address will never work, told from what the mail server said."""

from __future__ import annotations

import re

from apps.notifications.models import Suppression

BOUNCE = Suppression.Reason.BOUNCE.value
# RFC 3463: 5.1.x is about the address itself, 5.2.1 a mailbox that is closed. Others (5.2.2 full, 5.7.1 policy) pass.
_ENHANCED = re.compile(r"\b5\.(\d{1,3})\.(\d{1,3})\b")
_REPLY = re.compile(r"\s*(\d{3})\b")
# RFC 5321, where a server says no more: mailbox unavailable, user not local, mailbox name not allowed.
_NO_SUCH_MAILBOX = frozenset({"550", "551", "553"})


def cause_of(said: str) -> str:
    """`bounce` when a mail server's words mean that the address will never work; empty when it may work again."""
    enhanced = _ENHANCED.search(said)
    if enhanced is not None:
        return BOUNCE if enhanced[1] == "1" or enhanced.groups() == ("2", "1") else ""
    reply = _REPLY.match(said)
    return BOUNCE if reply is not None and reply[1] in _NO_SUCH_MAILBOX else ""
