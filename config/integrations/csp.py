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


HEADER = "Content-Security-Policy"
API_PREFIX = "/api/"
_OWN_POLICY = ("_csp_config", "_csp_exempt", "_csp_replace", "_csp_update")


class PathCSPMiddleware(CSPMiddleware):
    """Sets the policy by path, so that no view of the staff site has to remember it.

    Answers of the API all have one policy: it is built once and kept, since building it costs a tenth of a transfer.
    """

    _api_policy: str | None = None

    def process_request(self, request: HttpRequest) -> None:
        """Nothing of the API has scripts or styles of its own, so nothing there needs a nonce."""
        if not request.path_info.startswith(API_PREFIX):
            super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Add the header; the kept one for the API, unless the view asked for a policy of its own."""
        has_own = hasattr(request, "_csp_nonce") or any(hasattr(response, name) for name in _OWN_POLICY)
        if has_own or not request.path_info.startswith(API_PREFIX):
            return super().process_response(request, response)
        if self._api_policy is None:
            response = super().process_response(request, response)
            type(self)._api_policy = response.headers.get(HEADER)
        else:
            response.headers[HEADER] = self._api_policy
        return response

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request=request, response=response, report_only=report_only)
        if parts.replace is None and request.path_info.startswith(STAFF_SITE_PREFIX):
            parts.replace = STAFF_SITE_RELAXED
        return parts
