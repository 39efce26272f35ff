"""Django's middleware for pages, switched off for the API.

The API knows no sessions, cookies or forms: it authenticates each request by its token. Passing these layers by
saves it time on each request, and keeps a browser's session from ever standing in for a token. The protection of
forms is not here: Django's own stays in place, and the API's views, which take no cookies, are exempt from it.
"""

from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
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
