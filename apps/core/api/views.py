"""The base of all API views: closed by default, strict about methods, headers read before the view runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.api.etag import etag_of, if_match_required
from apps.core.api.limits import NO_HEADERS, limit_take
from apps.core.api.permissions import HasPermission, step_up_ask
from apps.core.idempotency import REPLAYED_HEADER, idempotency_key_read
from apps.core.trail import read_announce

NAMES_A_RECORD: Mapping[str, frozenset[int]] = {"POST": frozenset({404})}
"""For `also_answers`: the body names a record, which may not be there or not be the caller's."""

METHODS = ("get", "post", "put", "patch", "delete")


class ApiView(APIView):
    """A view of the API: parse the request, call one service or selector, present the result.

    `permissions` names the permission code of each method (`ANY_USER` for whoever is logged in); a view open to
    all says `public = True`. `max_body_bytes` replaces the size cap of 1 MiB. In methods listed in
    `idempotent_methods` the header Idempotency-Key is required and in `self.idempotency_key`; in those listed in
    `if_match_methods` If-Match is required and its version in `self.expected_version`; in those listed in `step_up` the
    caller must have shown a second factor lately, whatever is asked. `also_answers` names, by method,
    statuses that the document would not guess: a POST that names another record answers 404 when it is not there.
    `summary` is that of operations that declare none of their own, where one view serves several routes.
    `read_of` ("members.member") has each successful GET by staff noted in the access log, with the first id of the URL.
    """

    permissions: ClassVar[Mapping[str, str]] = {}
    public: ClassVar[bool] = False
    idempotent_methods: ClassVar[frozenset[str]] = frozenset()
    if_match_methods: ClassVar[frozenset[str]] = frozenset({"PATCH", "PUT"})
    step_up: ClassVar[frozenset[str]] = frozenset()
    max_body_bytes: ClassVar[int | None] = None
    also_answers: ClassVar[Mapping[str, frozenset[int]]] = {}
    read_of: ClassVar[str] = ""
    summary: ClassVar[str] = ""

    permission_classes = (HasPermission,)
    http_method_names = [*METHODS, "head"]

    idempotency_key: str = ""
    expected_version: int = 0
    limit_headers: Mapping[str, str] = NO_HEADERS

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """The view function. Raises ImproperlyConfigured when a method has no permission declared."""
        if not cls.public:
            open_ends = [name.upper() for name in METHODS if hasattr(cls, name) and name.upper() not in cls.permissions]
            if open_ends:
                raise ImproperlyConfigured(f"{cls.__name__} declares no permission for {', '.join(open_ends)}")
        return super().as_view(**initkwargs)

    def get_authenticators(self) -> list[BaseAuthentication]:
        """None on public views: a token that has expired must not stop anybody from logging in."""
        return [] if self.public else super().get_authenticators()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse unknown methods, authenticate, check permission, limits and second factor, read the headers; in this
        order."""
        method = str(request.method)
        if method.lower() not in self.http_method_names or not hasattr(self, method.lower()):
            raise MethodNotAllowed(method)
        super().initial(request, *args, **kwargs)
        limit_take(request, self)
        if method in self.step_up:
            step_up_ask(request)
        if method in self.idempotent_methods:
            self.idempotency_key = idempotency_key_read(request.headers)
        if method in self.if_match_methods:
            self.expected_version = if_match_required(request.headers)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Nothing of a bank is kept in caches, unless the view says so."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store"
        for name, value in self.limit_headers.items():
            response.headers[name] = value
        if self.read_of and response.status_code == 200 and request.method == "GET":
            self.read_note(request)
        return response

    def read_note(self, request: Any) -> None:
        """Have the access log note that the caller looked at the record that the URL names."""
        object_id = str(next(iter(self.kwargs.values()), ""))
        read_announce(acting_user=request.user, object_type=self.read_of, object_id=object_id)


def respond(
    data: Any, *, status: int = 200, version: int | None = None, location: str = "", replayed: bool = False
) -> Response:
    """A Response with ETag (of `version`), Location and Idempotency-Replayed where they are given."""
    headers = {}
    if version is not None:
        headers["ETag"] = etag_of(version)
    if location:
        headers["Location"] = location
    if replayed:
        headers[REPLAYED_HEADER] = "true"
    return Response(data, status=status, headers=headers)
