"""Errors with a stable code. One handler (core.api.problems) turns them into problem+json.

Every app subclasses these in its own errors.py. A code, once published in docs/api-errors.md, keeps its meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar


class DomainError(Exception):
    """A refusal that the caller can understand: never a bug, never a surprise.

    `detail` is for people and may change; `code` is for programs and may not. `pointer` is the JSON pointer
    (RFC 6901) of the member of the request that is at fault. `extra` members are added to the problem document,
    so they must be safe to show and ready for JSON. A subclass has its own `code`, a `title`, a docstring whose first
    paragraph is the meaning in docs/api-errors.md and, where the usual words for its status do not do, `advice`.
    """

    code: ClassVar[str] = "domain-error"
    status: ClassVar[int] = 422
    title: ClassVar[str] = "The request cannot be carried out"
    advice: ClassVar[str] = ""

    def __init__(self, detail: str | None = None, *, pointer: str | None = None, **extra: Any) -> None:
        self.detail = detail if detail is not None else self.title
        self.pointer = pointer
        self.extra = extra
        super().__init__(self.detail)


class InvalidRequest(DomainError):
    """400: the request is malformed. Sending it again unchanged cannot work."""

    code = "invalid-request"
    status = 400
    title = "The request is not valid"


class ValidationFailed(InvalidRequest):
    """400: fields of the body are not valid. `errors` lists every fault with its pointer, code and detail."""

    code = "validation-failed"
    title = "Some fields are not valid"

    def __init__(self, errors: Sequence[dict[str, str]], detail: str | None = None) -> None:
        super().__init__(detail)
        self.errors = list(errors)


class MalformedBody(InvalidRequest):
    """400: the body is not JSON as this API reads it (UTF-8, one object, no duplicate key, no NaN)."""

    code = "malformed-body"
    title = "The body cannot be read"


class UnknownField(InvalidRequest):
    """400: the body has a field that the operation does not take."""

    code = "unknown-field"
    title = "Unknown field"


class UnknownParameter(InvalidRequest):
    """400: the query string has a parameter that the operation does not take, or has one twice."""

    code = "unknown-parameter"
    title = "Unknown query parameter"


class InvalidParameter(ValidationFailed):
    """400: query parameters have values that cannot be used."""

    code = "invalid-parameter"
    title = "A query parameter is not valid"


class InvalidCursor(InvalidRequest):
    """400: the cursor was not made by this list with these filters."""

    code = "invalid-cursor"
    title = "The cursor does not belong to this list"


class InvalidAmount(InvalidRequest):
    """400: an amount is not a decimal string that fits its currency."""

    code = "invalid-amount"
    title = "The amount is not valid"


class InvalidCurrency(InvalidRequest):
    """400: not an ISO 4217 code of a currency that money can be held in."""

    code = "invalid-currency"
    title = "The currency is not known"


class InvalidText(InvalidRequest):
    """400: text with characters that are refused (controls, invisible, bidirectional), or of a wrong length."""

    code = "invalid-text"
    title = "The text is not acceptable"


class IdempotencyKeyMissing(InvalidRequest):
    """400: an operation that moves money came without an Idempotency-Key."""

    code = "idempotency-key-missing"
    title = "Idempotency-Key is required"


class IdempotencyKeyInvalid(InvalidRequest):
    """400: the Idempotency-Key is not 1 to 255 visible ASCII characters."""

    code = "idempotency-key-invalid"
    title = "Idempotency-Key is not valid"


class NotAuthenticated(DomainError):
    """401: no credentials, or credentials that are not accepted."""

    code = "not-authenticated"
    status = 401
    title = "Authentication is required"


class InvalidToken(NotAuthenticated):
    """401: the token is malformed, expired, revoked or not ours."""

    code = "invalid-token"
    title = "The token is not accepted"


class PermissionDenied(DomainError):
    """403: known, and not allowed. Recorded as a security event with the permission that was missing."""

    code = "permission-denied"
    status = 403
    title = "Not allowed"

    def __init__(self, detail: str | None = None, *, permission: str = "", **extra: Any) -> None:
        if permission:
            extra["permission"] = permission
        super().__init__(detail, **extra)
        self.permission = permission
        self.acting_user: Any = None  # who it was, where that is known before the request knows it


class NotFound(DomainError):
    """404: does not exist, or is not yours; the two look the same."""

    code = "not-found"
    status = 404
    title = "Not found"


class MethodNotAllowed(DomainError):
    """405: the resource has no such method; the Allow header lists those it has."""

    code = "method-not-allowed"
    status = 405
    title = "Method not allowed"


class NotAcceptable(DomainError):
    """406: the answer cannot be given in the media type asked for."""

    code = "not-acceptable"
    status = 406
    title = "Not available in the format asked for"


class Conflict(DomainError):
    """409: the state of things does not allow it now."""

    code = "conflict"
    status = 409
    title = "In conflict with the present state"


class IdempotencyInFlight(Conflict):
    """409: the first request with this Idempotency-Key is still being worked on."""

    code = "idempotency-in-flight"
    title = "The first request with this key is not finished"
    advice = "Wait as many seconds as Retry-After says, then send the same request with the same key."

    def __init__(self, detail: str | None = None, *, retry_after: int = 1, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.retry_after = retry_after


class PreconditionFailed(DomainError):
    """412: the record changed since the version named in If-Match."""

    code = "stale-version"
    status = 412
    title = "Changed since you read it"


class PayloadTooLarge(DomainError):
    """413: the body is larger than this operation reads."""

    code = "payload-too-large"
    status = 413
    title = "The body is too large"


class UnsupportedMediaType(DomainError):
    """415: the body is of a media type that the operation does not read."""

    code = "unsupported-media-type"
    status = 415
    title = "Media type not supported"


class Unprocessable(DomainError):
    """422: well formed, and against a business rule."""

    code = "unprocessable"
    status = 422
    title = "Against a business rule"


class CurrencyMismatch(Unprocessable):
    """422: two amounts, or an amount and an account, are in different currencies."""

    code = "currency-mismatch"
    title = "Currencies differ"


class IdempotencyKeyReused(Unprocessable):
    """422: the Idempotency-Key was used before with another request."""

    code = "idempotency-key-reused"
    title = "Idempotency-Key was used with another request"


class PreconditionRequired(DomainError):
    """428: If-Match is required for this change."""

    code = "precondition-required"
    status = 428
    title = "If-Match is required"


class TooManyRequests(DomainError):
    """429: over the limit; `retry_after` is in whole seconds."""

    code = "rate-limited"
    status = 429
    title = "Too many requests"

    def __init__(self, detail: str | None = None, *, retry_after: int = 1, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.retry_after = retry_after


class ServerError(DomainError):
    """500: our fault. The trace_id finds it in the logs."""

    code = "server-error"
    status = 500
    title = "Something went wrong on our side"


class Unavailable(DomainError):
    """503: cannot be done at this moment; `retry_after` is in whole seconds. Nothing was changed."""

    code = "unavailable"
    status = 503
    title = "Not available at this moment"

    def __init__(self, detail: str | None = None, *, retry_after: int = 2, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.retry_after = retry_after
