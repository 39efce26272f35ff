"""What compliance refuses."""

from __future__ import annotations

from apps.core.errors import Conflict, Unprocessable


class FlagDecided(Conflict):
    """409: the flag has been decided."""

    code = "flag-decided"
    title = "The flag is decided"


class RequestDecided(Conflict):
    """409: the request has been decided."""

    code = "privacy-request-decided"
    title = "The request is decided"


class RequestOpen(Conflict):
    """409: the member has an open request of this kind."""

    code = "privacy-request-open"
    title = "A request is open already"


class HeldByLaw(Unprocessable):
    """422: a legal hold keeps everything about the member as it is."""

    code = "legal-hold"
    title = "A legal hold is in place"


class StillInBusiness(Unprocessable):
    """422: accounts are open, so the bank needs the member's data."""

    code = "member-in-business"
    title = "The member still has accounts"


class OwnRequest(Unprocessable):
    """422: whoever asked cannot decide."""

    code = "own-privacy-request"
    title = "Somebody else has to decide"


class NotAvailable(Unprocessable):
    """422: the request has no such file, or its days are over."""

    code = "privacy-file-not-available"
    title = "There is no such file"
