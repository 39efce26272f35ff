"""What all ways of signing in have in common."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.views import respond
from apps.identity import services
from apps.identity.api.serializers import MeSerializer
from apps.identity.rates import device_of


def client_of(request: Request | HttpRequest) -> services.Client:
    """The program and device that asks, by its own account; text that PostgreSQL takes."""
    agent = request.META.get("HTTP_USER_AGENT", "").replace("\x00", "").encode("utf-8", "replace").decode()
    return services.Client(user_agent=agent[:200], device=device_of(request))


def pair_show(pair: services.TokenPair) -> dict[str, Any]:
    """A pair of tokens as the API shows it."""
    return {
        "access": pair.access,
        "refresh": pair.refresh,
        "token_type": "Bearer",
        "expires_in": pair.expires_in,
    }


def signed_in(pair: services.TokenPair) -> Response:
    """The answer to a complete sign-in."""
    return respond({**pair_show(pair), "mfa_required": False, "user": MeSerializer(pair.user).data})
