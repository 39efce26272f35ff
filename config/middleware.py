"""Django's middleware for pages, switched off for the API.

The API knows no sessions, cookies or forms: it authenticates each request by its token. Passing these layers by
saves it about 100 microseconds a request, and keeps a browser's session from ever standing in for a token.
"""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponseBase, HttpResponseForbidden
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.deprecation import MiddlewareMixin

API_PREFIX = "/api/"


class PagesOnly(MiddlewareMixin):
    """Mixed in before a middleware class: requests of the API go straight to the next layer."""

    async_capable = False

    def __call__(self, request: HttpRequest) -> Any:
        if request.path_info.startswith(API_PREFIX):
            return self.get_response(request)
        return super().__call__(request)


class PageSessionMiddleware(PagesOnly, SessionMiddleware):
    """Sessions of the staff site."""


class PageAuthenticationMiddleware(PagesOnly, AuthenticationMiddleware):
    """`request.user` from the session, on pages."""


class PageMessageMiddleware(PagesOnly, MessageMiddleware):
    """One-time messages, on pages."""


class PageCsrfMiddleware(PagesOnly, CsrfViewMiddleware):
    """Protection of forms against foreign sites, on pages. The API takes no cookies, so it has nothing to forge."""

    def process_view(
        self,
        request: HttpRequest,
        callback: Callable[..., HttpResponseBase],
        callback_args: tuple[Any, ...],
        callback_kwargs: dict[str, Any],
    ) -> HttpResponseForbidden | None:
        if request.path_info.startswith(API_PREFIX):
            return None
        return super().process_view(request, callback, callback_args, callback_kwargs)
