"""GET /metrics: what Prometheus reads. For operators, not for the world.

Apps register their collectors in the default registry; figures that all processes share are counted when asked for.
"""

from __future__ import annotations

import hmac
import ipaddress

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

BEARER = "Bearer "


@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures, for who shows NUMINA_METRICS_TOKEN; without one set, for the machine itself. 404 for all others."""
    if not _may_read(request):
        return HttpResponse(status=404)
    response = HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)
    response["Cache-Control"] = "no-store"
    return response


def _may_read(request: HttpRequest) -> bool:
    token: str = settings.NUMINA.get("METRICS_TOKEN", "")
    if token:
        sent = request.headers.get("Authorization", "")
        return sent.startswith(BEARER) and hmac.compare_digest(sent[len(BEARER) :].encode(), token.encode())
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False  # a proxy of this machine speaks for somebody else
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
