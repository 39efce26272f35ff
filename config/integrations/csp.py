"""Content-Security-Policy: strict everywhere, relaxed only where the staff site's toolkit cannot do without.

Unfold runs Alpine, which evaluates expressions found in attributes (`unsafe-eval`), and sets style attributes
(`unsafe-inline` for styles). Scripts stay limited to our own files everywhere.
"""

from typing import Any

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware, PolicyParts
from django.http import HttpRequest, HttpResponseBase

STAFF_SITE_PREFIX = "/admin/"

STRICT_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}
STAFF_SITE_RELAXED = {"script-src": [SELF, UNSAFE_EVAL], "style-src": [SELF, UNSAFE_INLINE]}


class PathCSPMiddleware(CSPMiddleware):
    """Sets the policy by path, so that no view of the staff site has to remember it."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request=request, response=response, report_only=report_only)
        if parts.replace is None and request.path_info.startswith(STAFF_SITE_PREFIX):
            parts.replace = STAFF_SITE_RELAXED
        return parts
