"""The lean way through a view for the hottest requests, with the manners of all others.

DRF's request, negotiation, parsing and serializers cost more than the transfer itself. A `LeanView` answers its
`lean_methods` without them: the same authenticators, permission, headers and problem documents. A `MoneyView` does so
for POST, with a typed decoder in front of the serializer, which stays the authority on what is accepted and explains
what is not.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Generic, TypeVar

import msgspec
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework import serializers

from apps.core.api.etag import etag_of
from apps.core.api.limits import limit_take
from apps.core.api.parsers import BODY_BYTES_MAX, json_object_read
from apps.core.api.permissions import HasPermission
from apps.core.api.problems import domain_error_of, exception_handler, problem_body, problem_headers
from apps.core.api.query import NoParams, QueryParams
from apps.core.api.renderers import json_encode
from apps.core.api.views import ApiView
from apps.core.errors import (
    DomainError,
    MalformedBody,
    NotAuthenticated,
    PayloadTooLarge,
    UnsupportedMediaType,
)
from apps.core.gather import Alone, gathered
from apps.core.idempotency import REPLAYED_HEADER, idempotency_key_check

S = TypeVar("S", bound=msgspec.Struct)

PEEKED_MAX = 64 * 1024
_UTF8 = frozenset({"utf-8", "utf8"})
_permission = HasPermission()


class BodyReader(Generic[S]):
    """Reads bodies of one kind: typed and fast when all is well, through the serializer when anything is not.

    `struct` and `serializer` describe the same JSON object. The fast way may refuse what the serializer takes, never
    the other way round: what it refuses goes the slow way, whose word is final and whose errors name every fault.
    """

    def __init__(self, struct: type[S], serializer: type[serializers.Serializer]) -> None:
        self._struct = struct
        self._serializer = serializer
        self._decoder = msgspec.json.Decoder(struct, strict=True)
        self._encoder = msgspec.json.Encoder()

    def read(self, raw: bytes) -> tuple[S, bytes]:
        """The body and its canonical form: the same content gives the same bytes, however it was spelt.

        Raises MalformedBody, or DRF's ValidationError with every fault.
        """
        # Escapes are rare in honest bodies, and may hide NUL, surrogates and colons: the slow way looks closely.
        if b"\\" not in raw:
            try:
                body = self._decoder.decode(raw)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                return self.read_slowly(raw)
            canonical = self._encoder.encode(body)
            # msgspec keeps the last of duplicate keys in silence; a key that comes twice leaves a colon too many.
            if canonical.count(b":") == raw.count(b":"):
                return body, canonical
        return self.read_slowly(raw)

    def read_slowly(self, raw: bytes) -> tuple[S, bytes]:
        """The same by the strict JSON reader and the serializer. Raises as `read`."""
        data = json_object_read(raw)
        self._serializer(data=data).is_valid(raise_exception=True)
        try:
            body = msgspec.convert(data, self._struct, strict=True)
        except msgspec.ValidationError as error:
            raise MalformedBody(str(error)) from error
        return body, self._encoder.encode(body)


def body_peek(environ: dict[str, Any]) -> bytes | None:
    """The body of a small request, which can be read again afterwards; None of a large one, or of unknown length."""
    length = environ.get("CONTENT_LENGTH") or ""
    if not (length.isascii() and length.isdigit()) or int(length) > PEEKED_MAX:
        return None
    raw: bytes = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = io.BytesIO(raw)
    return raw


class LeanView(ApiView):
    """An ApiView whose `lean_methods` get Django's request, with `request.user` the caller, and return `answer(...)`.

    Answers are JSON whatever Accept says. A query parameter is refused unless `lean_query` declares it; the values are
    then in `self.query`, None for what was not sent. Other methods go DRF's way.
    """

    never_answers: ClassVar[tuple[int, ...]] = (406,)
    lean_methods: ClassVar[frozenset[str]] = frozenset({"GET"})
    lean_query: ClassVar[type[QueryParams]] = NoParams
    query: Mapping[str, Any] = MappingProxyType({})

    @classmethod
    def gathers(cls, environ: dict[str, Any]) -> bool:  # noqa: ARG003 - for those below
        """Whether a request is worth handling in company. Nothing is known of it yet, and nobody may be asked."""
        return False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Authenticate, check the permission, read query and key, do it; any error becomes a problem document."""
        method = request.method or ""
        if method not in self.lean_methods:
            return super().dispatch(request, *args, **kwargs)
        self.args, self.kwargs = args, kwargs
        try:
            self._authenticate(request)
            _permission.has_permission(request, self)  # type: ignore[arg-type]
            limit_take(request, self)
            if request.META.get("QUERY_STRING"):
                request.query_params = request.GET  # type: ignore[attr-defined]
                self.query = self.lean_query.parse(request)
            if method in self.idempotent_methods:
                # Of all headers, `request.headers` would be made for this one alone.
                self.idempotency_key = idempotency_key_check(request.META.get("HTTP_IDEMPOTENCY_KEY"))
            response: HttpResponseBase = getattr(self, method.lower())(request, *args, **kwargs)
            if self.read_of and method == "GET" and response.status_code == 200:
                self.read_note(request)
        except Exception as error:  # noqa: BLE001 - as DRF: every error has an answer
            response = self._problem(request, error)
        response["Cache-Control"] = "no-store"
        for name, value in self.limit_headers.items():
            response.headers[name] = value
        return response

    def body_bytes(self, request: HttpRequest) -> bytes:
        """The body, of at most `max_body_bytes`. Raises UnsupportedMediaType and PayloadTooLarge."""
        if request.content_type != "application/json":
            raise UnsupportedMediaType("Send Content-Type: application/json.")
        charset = (request.content_params or {}).get("charset")
        if charset is not None and charset.lower() not in _UTF8:
            raise UnsupportedMediaType("The body must be UTF-8.")
        if request.META.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
            raise UnsupportedMediaType("Bodies are not compressed.")
        limit = self.max_body_bytes or BODY_BYTES_MAX
        announced = request.META.get("CONTENT_LENGTH") or "0"
        if announced.isdigit() and int(announced) > limit:
            raise PayloadTooLarge(f"At most {limit} bytes.")
        body = request.read(limit + 1)
        if len(body) > limit:
            raise PayloadTooLarge(f"At most {limit} bytes.")
        return body

    def _authenticate(self, request: HttpRequest) -> None:
        for authenticator in self.get_authenticators():
            found = authenticator.authenticate(request)  # type: ignore[arg-type]
            if found is not None:
                request.user = found[0]
                return
        raise NotAuthenticated("Send an access token: Authorization: Bearer ...")

    def _problem(self, request: HttpRequest, error: Exception) -> HttpResponse:
        if gathered() and not isinstance(error, DomainError) and domain_error_of(error).status >= 500:
            raise Alone from error  # nobody foresaw it: perhaps it is the company's
        response = exception_handler(error, {"request": request, "view": self})
        known = domain_error_of(error)
        headers = dict(response.headers)
        headers.pop("Content-Type", None)
        body = response.data if response.data is not None else problem_body(known, instance=request.path)
        return HttpResponse(
            json_encode(body),
            status=response.status_code,
            content_type="application/problem+json",
            headers=headers,
        )


class MoneyView(LeanView):
    """A LeanView whose POST moves money: `self.idempotency_key` is the key, `self.body_bytes(request)` the body."""

    lean_methods: ClassVar[frozenset[str]] = frozenset({"POST"})
    idempotent_methods: ClassVar[frozenset[str]] = frozenset({"POST"})


def answer(
    data: Mapping[str, Any],
    *,
    status: int = 200,
    version: int | None = None,
    location: str = "",
    replayed: bool = False,
) -> HttpResponse:
    """A JSON answer of the lean way; ETag (of `version`), Location and Idempotency-Replayed where they are given."""
    response = HttpResponse(json_encode(data), status=status, content_type="application/json")
    if version is not None:
        response["ETag"] = etag_of(version)
    if location:
        response["Location"] = location
    if replayed:
        response[REPLAYED_HEADER] = "true"
    return response


def refusal(request: HttpRequest, error: DomainError, *, replayed: bool) -> HttpResponse:
    """A refusal that is kept under its key, as a problem document: the same code however often it is asked for."""
    response = HttpResponse(
        json_encode(problem_body(error, instance=request.path)),
        status=error.status,
        content_type="application/problem+json",
        headers=problem_headers(error),
    )
    if replayed:
        response[REPLAYED_HEADER] = "true"
    return response
