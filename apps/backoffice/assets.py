"""Addresses of the staff site's own style sheet and script, with the hash of their content in production."""

from django.http import HttpRequest
from django.templatetags.static import static


def style(request: HttpRequest) -> str:
    """The one style sheet."""
    return static("numina/numina.css")


def script(request: HttpRequest) -> str:
    """The one script, for keys."""
    return static("numina/keys.js")


def favicon(request: HttpRequest) -> str:
    """The bank's symbol in the browser's tab."""
    return static("numina/icon.svg")
