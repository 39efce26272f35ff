"""OpenAPI: what all operations have in common is written here once."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, is_list_serializer
from drf_spectacular.utils import Direction, OpenApiParameter

from apps.core.api.permissions import ANY_USER
from apps.core.api.schema_names import component_name

PROBLEM_EXAMPLE = {
    "type": "/api/v1/docs/errors#not-found",
    "title": "Not found",
    "status": 404,
    "code": "not-found",
    "detail": "Not found",
    "instance": "/api/v1/accounts/019a9d0c-4d1e-7c5e-8f3b-2a1d0c9b8a7f",
    "trace_id": "019a9d0c4d1e7c5e8f3b2a1d0c9b8a7f",
    "errors": [],
}

PROBLEM = {
    "type": "object",
    "description": "An error as RFC 9457 describes it. Decide by `code`; show `detail`; quote `trace_id`.",
    "required": ["type", "title", "status", "code", "detail", "instance", "trace_id", "errors"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "description": "Where the error is explained."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable name of the error, listed in docs/api-errors.md."},
        "detail": {"type": "string", "description": "For people; may change."},
        "instance": {"type": "string", "description": "The path of the request."},
        "trace_id": {"type": "string", "description": "Finds the request in the logs; also in X-Request-ID."},
        "errors": {
            "type": "array",
            "description": "The single faults, when the request has some.",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "JSON pointer into the body; /query/... otherwise."},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
    "example": PROBLEM_EXAMPLE,
}

ERRORS: dict[int, tuple[str, str]] = {
    400: ("BadRequest", "Malformed, an unknown field or parameter, or a value that cannot be."),
    401: ("Unauthorized", "No access token, or one that is not accepted."),
    403: ("Forbidden", "The permission is missing. The attempt is recorded."),
    404: ("NotFound", "Does not exist, or is not yours."),
    406: ("NotAcceptable", "Not available in the media type asked for."),
    409: ("Conflict", "The present state does not allow it, or the first request with this key is not finished."),
    412: ("PreconditionFailed", "Changed since the version in If-Match."),
    413: ("PayloadTooLarge", "The body is too large."),
    415: ("UnsupportedMediaType", "The body is not of a media type that is read here."),
    422: ("Unprocessable", "Against a business rule, or the key was used with another body."),
    428: ("PreconditionRequired", "If-Match is missing."),
    429: ("TooManyRequests", "Too many requests; see Retry-After."),
    503: ("Unavailable", "Not available at this moment; see Retry-After. Nothing was changed."),
}

SUCCESSES = {
    "200": "The answer.",
    "201": "Made.",
    "202": "Accepted: a worker goes on with it, or somebody else is asked first.",
    "204": "Done.",
}

_RETRY_AFTER = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}
_LOCATION = {"schema": {"type": "string", "format": "uri-reference"}, "description": "Where it is, or where to look."}
_ETAG = {"schema": {"type": "string"}, "description": "The version of the record, for If-Match."}
_REPLAYED = {
    "schema": {"type": "string", "enum": ["true"]},
    "description": "The key was used before: this is the first answer again, and nothing was done.",
}
_VERBS = {"GET": "retrieve", "POST": "create", "PUT": "update", "PATCH": "partial_update", "DELETE": "destroy"}

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[!-~]+$"},
    OpenApiParameter.HEADER,
    required=True,
    description="A new one for each new operation. Sent again with the same body, it gives the first answer again.",
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    {"type": "string", "pattern": r'^"[0-9]{1,10}"$', "example": '"1"'},
    OpenApiParameter.HEADER,
    required=True,
    description="The ETag of the record as it was read.",
)


class NuminaSchema(AutoSchema):
    """Adds operation ids, headers, security and the usual errors to what drf-spectacular finds out."""

    def get_operation_id(self) -> str:
        """`transfers_create`, `members_list`, `accounts_balance_retrieve`: path without parameters, then the verb."""
        words = [re.sub(r"\W", "_", word) for word in self._tokenize_path()]
        return "_".join([*words, self._verb()])

    def get_serializer_name(self, serializer: Any, direction: Direction) -> str:
        """The noun, one rule for all apps."""
        return component_name(type(serializer).__name__, sent=direction == "request")

    def get_summary(self) -> str | None:
        """The view's, where the operation declares none."""
        return getattr(self.view, "summary", "") or None

    def get_tags(self) -> list[str]:
        """The first word of the path."""
        return self._tokenize_path()[:1] or ["api"]

    def get_auth(self) -> list[dict[str, Any]]:
        """A bearer token, or nothing for public views."""
        if getattr(self.view, "public", False):
            return [{}]
        scheme = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
        self._register("bearerAuth", ResolvedComponent.SECURITY_SCHEMA, scheme)
        return [{"bearerAuth": []}]

    def get_override_parameters(self) -> list[Any]:
        """The headers that the view demands for this method."""
        headers = []
        if self.method in getattr(self.view, "idempotent_methods", ()):
            headers.append(IDEMPOTENCY_KEY)
        if self.method in getattr(self.view, "if_match_methods", ()):
            headers.append(IF_MATCH)
        return [*super().get_override_parameters(), *headers]

    def _is_list_view(self, serializer: Any = None) -> bool:
        # Lists are pages and say so; nothing is wrapped in an array by guess.
        return is_list_serializer(serializer if serializer is not None else self.get_response_serializers())

    def _get_response_bodies(self, direction: Direction = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for status in self._error_statuses():
            if str(status) not in bodies:
                bodies[str(status)] = self._problem_response(status)
        for code in SUCCESSES.keys() & bodies.keys():
            self._success_describe(code, bodies[code])
        return dict(sorted(bodies.items()))

    def _success_describe(self, status: str, response: dict[str, Any]) -> None:
        """What a success means, and the headers it may have."""
        if str(response.get("description", "")) in {"", "No response body"}:
            response["description"] = SUCCESSES[status]
        headers = dict(response.get("headers", {}))
        if status in {"201", "202"}:
            headers["Location"] = _LOCATION
        if self.method in getattr(self.view, "idempotent_methods", ()):
            headers["Idempotency-Replayed"] = _REPLAYED
        changes = self.method in {"PATCH", "PUT"} and self.method in getattr(self.view, "if_match_methods", ())
        if status in {"200", "201"} and (changes or self._has_version(response)):
            headers["ETag"] = _ETAG
        if headers:
            response["headers"] = headers

    def _has_version(self, response: dict[str, Any]) -> bool:
        """Whether the answer is a record with a version: those have an ETag."""
        reference = response.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
        name = reference.rpartition("/")[2]
        if not name:
            return False
        return "version" in (self.registry[(name, ResolvedComponent.SCHEMA)].schema or {}).get("properties", {})

    def _verb(self) -> str:
        if self.method == "GET" and self._answers_page():
            return "list"
        return _VERBS.get(self.method, self.method.lower())

    def _answers_page(self) -> bool:
        found: Any = self.get_response_serializers()
        if isinstance(found, dict):  # by status, or by status and media type
            statuses = {key[0] if isinstance(key, tuple) else key: value for key, value in found.items()}
            found = statuses.get(200, statuses.get("200"))
        found = getattr(found, "response", found)
        return bool(getattr(found, "is_page", False)) or is_list_serializer(found)

    def _error_statuses(self) -> list[int]:
        statuses = {400, 406, 429, 503}
        view, method = self.view, self.method
        if not getattr(view, "public", False):
            statuses.add(401)
            if getattr(view, "permissions", {}).get(method) != ANY_USER or method in getattr(view, "step_up", ()):
                statuses.add(403)
        if "{" in self.path:
            statuses.add(404)
        if method in {"POST", "PUT", "PATCH"}:
            statuses |= {409, 413, 415, 422}
        if method in getattr(view, "if_match_methods", ()):
            statuses |= {409, 412, 428}
        statuses |= getattr(view, "also_answers", {}).get(method, frozenset())
        return sorted(statuses - set(getattr(view, "never_answers", ())))

    def _problem_response(self, status: int) -> dict[str, Any]:
        name, description = ERRORS[status]
        problem = self._register("Problem", ResolvedComponent.SCHEMA, PROBLEM)
        response: dict[str, Any] = {
            "description": description,
            "content": {"application/problem+json": {"schema": problem.ref}},
        }
        if status in {429, 503}:
            response["headers"] = _RETRY_AFTER
        if status == 401:
            response["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
        return dict(self._register(name, ResolvedComponent.RESPONSE, response).ref)

    def _register(self, name: str, kind: str, schema: dict[str, Any]) -> ResolvedComponent:
        component = ResolvedComponent(name=name, type=kind, schema=schema, object=name)
        self.registry.register_on_missing(component)
        return component


class MoneyFieldSchema(OpenApiSerializerFieldExtension):
    """Money as one component for answers and one for requests."""

    target_class = "apps.core.api.money_fields.MoneyField"

    def map_serializer_field(self, auto_schema: Any, direction: Direction) -> dict[str, Any]:
        """A reference to the component."""
        asked = direction == "request"
        amount = {
            "type": "string",
            "pattern": r"^[0-9]{1,13}(\.[0-9]{1,4})?$" if asked else r"^-?[0-9]+(\.[0-9]+)?$",
            "description": "A decimal string with at most as many decimals as the currency has.",
        }
        schema: dict[str, Any] = {
            "type": "object",
            "required": ["amount", "currency"],
            "properties": {"amount": amount, "currency": CURRENCY},
            "example": {"amount": "12.50", "currency": "KES"},
        }
        if asked:
            schema["additionalProperties"] = False
        name = "MoneyRequest" if asked else "Money"
        component = ResolvedComponent(name=name, type=ResolvedComponent.SCHEMA, schema=schema, object=name)
        auto_schema.registry.register_on_missing(component)
        return dict(component.ref)


class CurrencyFieldSchema(OpenApiSerializerFieldExtension):
    """An ISO 4217 code."""

    target_class = "apps.core.api.fields.CurrencyField"

    def map_serializer_field(self, auto_schema: Any, direction: Direction) -> dict[str, Any]:
        """Three capital letters."""
        return dict(CURRENCY)


CURRENCY: dict[str, Any] = {
    "type": "string",
    "pattern": "^[A-Z]{3}$",
    "description": "ISO 4217 code.",
    "example": "KES",
}
