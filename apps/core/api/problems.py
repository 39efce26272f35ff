"""Every error as application/problem+json (RFC 9457): one place, so that all look alike and none leaks."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from django.core import exceptions as django_errors
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.views import defaults
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from rest_framework import exceptions as drf
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import set_rollback

from apps.core import errors
from apps.core.api.permissions import denied_announce
from apps.core.api.renderers import JSONRenderer, json_encode
from apps.core.trace import trace_id

CONTENT_TYPE = "application/problem+json"
API_PREFIX = "/api/"
ERRORS_PAGE = "/api/v1/docs/errors"
ERRORS_SHOWN_MAX = 50
AUTHENTICATE = 'Bearer realm="numina"'

logger = logging.getLogger(__name__)


def exception_handler(exc: Exception, context: Mapping[str, Any]) -> Response:
    """The answer to any exception in a view: DRF's EXCEPTION_HANDLER."""
    request, view = context["request"], context["view"]
    error = domain_error_of(exc)
    set_rollback()
    if error.status >= 500:
        _report(exc, error, view, request)
    elif isinstance(error, errors.PermissionDenied):
        denied_announce(request, view, error)
    # Views that answer in CSV or PDF still fail in JSON.
    request.accepted_renderer, request.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
    headers = problem_headers(error)
    if isinstance(error, errors.MethodNotAllowed):
        headers["Allow"] = ", ".join(view.allowed_methods)
    return Response(
        problem_body(error, instance=request.path),
        status=error.status,
        headers=headers,
        content_type=CONTENT_TYPE,
    )


def domain_error_of(exc: Exception) -> errors.DomainError:
    """The DomainError that stands for an exception; ServerError, saying nothing, for one that nobody foresaw."""
    if isinstance(exc, errors.DomainError):
        return exc
    if isinstance(exc, drf.APIException):
        return _of_framework(exc)
    if isinstance(exc, Http404):
        return errors.NotFound()
    if isinstance(exc, django_errors.PermissionDenied):
        return errors.PermissionDenied()
    if isinstance(exc, django_errors.RequestDataTooBig):
        return errors.PayloadTooLarge()
    if isinstance(exc, django_errors.ValidationError):
        return errors.ValidationFailed(list(_flatten_django(exc)))
    if isinstance(exc, django_errors.BadRequest | django_errors.SuspiciousOperation):
        return errors.InvalidRequest()
    if isinstance(exc, OperationalError | InterfaceError | RedisConnectionError | RedisTimeoutError):
        return errors.Unavailable("The database is not available or too busy. Nothing was changed.")
    return errors.ServerError()


def problem_body(error: errors.DomainError, *, instance: str) -> dict[str, Any]:
    """The problem document of an error, ready for JSON."""
    faults: list[dict[str, str]] = []
    detail = error.detail
    if isinstance(error, errors.ValidationFailed):
        faults = error.errors[:ERRORS_SHOWN_MAX]
        if detail == error.title and faults:
            detail = _summary(faults)
    elif getattr(error, "errors", None):
        faults = list(error.errors)[:ERRORS_SHOWN_MAX]  # type: ignore[attr-defined]
    elif error.pointer is not None:
        faults = [{"pointer": error.pointer, "code": error.code, "detail": error.detail}]
    return {
        **error.extra,
        "type": f"{ERRORS_PAGE}#{error.code}",
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": detail,
        "instance": instance,
        "trace_id": trace_id(),
        "errors": faults,
    }


def problem_headers(error: errors.DomainError) -> dict[str, str]:
    """WWW-Authenticate of a 401, Retry-After of a 429 or 503."""
    headers = {}
    if error.status == 401:
        invalid = ', error="invalid_token"' if isinstance(error, errors.InvalidToken) else ""
        headers["WWW-Authenticate"] = AUTHENTICATE + invalid
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        headers["Retry-After"] = str(max(1, int(retry_after)))
    return headers


def problem_response(request: HttpRequest, error: errors.DomainError) -> HttpResponse:
    """The same answer outside of DRF: for middleware and Django's own handlers."""
    body = json_encode(problem_body(error, instance=request.path))
    return HttpResponse(body, status=error.status, content_type=CONTENT_TYPE, headers=problem_headers(error))


def bad_request(request: HttpRequest, exception: Exception, *args: Any, **kwargs: Any) -> HttpResponse:
    """handler400: a problem below /api/, Django's page elsewhere."""
    if not request.path_info.startswith(API_PREFIX):
        return defaults.bad_request(request, exception)
    return problem_response(request, domain_error_of(exception))


def permission_denied(request: HttpRequest, exception: Exception, *args: Any, **kwargs: Any) -> HttpResponse:
    """handler403: a problem below /api/, Django's page elsewhere."""
    if not request.path_info.startswith(API_PREFIX):
        return defaults.permission_denied(request, exception)
    return problem_response(request, errors.PermissionDenied())


def not_found(request: HttpRequest, exception: Exception, *args: Any, **kwargs: Any) -> HttpResponse:
    """handler404: a problem below /api/, Django's page elsewhere."""
    if not request.path_info.startswith(API_PREFIX):
        return defaults.page_not_found(request, exception)
    return problem_response(request, errors.NotFound("No such resource."))


def server_error(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """handler500: a problem below /api/, Django's page elsewhere."""
    if not request.path_info.startswith(API_PREFIX):
        return defaults.server_error(request)
    return problem_response(request, errors.ServerError())


def pointer_join(*parts: str | int) -> str:
    """A JSON pointer (RFC 6901) of its parts."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def validation_errors_of(detail: Any, *, root: tuple[str | int, ...] = ()) -> list[dict[str, str]]:
    """DRF's nested error detail as a flat list of {pointer, code, detail}."""
    return list(_flatten(detail, root))


def _of_framework(exc: drf.APIException) -> errors.DomainError:
    if isinstance(exc, drf.ValidationError):
        return errors.ValidationFailed(validation_errors_of(exc.detail))
    if isinstance(exc, drf.Throttled):
        return errors.TooManyRequests(retry_after=int(getattr(exc, "wait", None) or 1))
    known: tuple[tuple[type[drf.APIException], type[errors.DomainError]], ...] = (
        (drf.ParseError, errors.MalformedBody),
        (drf.AuthenticationFailed, errors.InvalidToken),
        (drf.NotAuthenticated, errors.NotAuthenticated),
        (drf.PermissionDenied, errors.PermissionDenied),
        (drf.NotFound, errors.NotFound),
        (drf.MethodNotAllowed, errors.MethodNotAllowed),
        (drf.NotAcceptable, errors.NotAcceptable),
        (drf.UnsupportedMediaType, errors.UnsupportedMediaType),
    )
    for theirs, ours in known:
        if isinstance(exc, theirs):
            return ours()
    return errors.ServerError() if exc.status_code >= 500 else errors.InvalidRequest()


def _flatten(detail: Any, path: tuple[str | int, ...]) -> Iterator[dict[str, str]]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            here = path if name == api_settings.NON_FIELD_ERRORS_KEY else (*path, name)
            yield from _flatten(inner, here)
    elif isinstance(detail, list | tuple):
        for index, inner in enumerate(detail):
            # A list of messages belongs to the field; a list of mappings to the items of a list.
            here = (*path, index) if isinstance(inner, Mapping | list | tuple) else path
            yield from _flatten(inner, here)
    else:
        code = str(getattr(detail, "code", "") or "invalid").replace("_", "-")
        yield {"pointer": pointer_join(*path), "code": code, "detail": str(detail)}


def _flatten_django(exc: django_errors.ValidationError) -> Iterator[dict[str, str]]:
    if hasattr(exc, "error_dict"):
        for name, faults in exc.error_dict.items():
            path = () if name == django_errors.NON_FIELD_ERRORS else (name,)
            for fault in faults:
                yield from _django_messages(fault, path)
    else:
        for fault in exc.error_list:
            yield from _django_messages(fault, ())


def _django_messages(exc: django_errors.ValidationError, path: tuple[str | int, ...]) -> Iterator[dict[str, str]]:
    code = (exc.code or "invalid").replace("_", "-")
    for message in exc.messages:
        yield {"pointer": pointer_join(*path), "code": code, "detail": str(message)}


def _summary(faults: list[dict[str, str]]) -> str:
    first = faults[0]
    where = first["pointer"].removeprefix("/").partition("/")[0]
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"{where}: {first['detail']}{more}" if where else f"{first['detail']}{more}"


def _report(exc: Exception, error: errors.DomainError, view: Any, request: Any) -> None:
    """Log what the caller is not told. Foreseen 503s are warnings; the unforeseen goes to error tracking as well."""
    if isinstance(error, errors.ServerError) and not isinstance(exc, errors.DomainError):
        logger.error("unforeseen error in %s", type(view).__name__, exc_info=exc)
        got_request_exception.send(sender=type(view), request=getattr(request, "_request", request))
    else:
        logger.warning("answered %d %s in %s: %s", error.status, error.code, type(view).__name__, exc)
