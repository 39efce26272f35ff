"""Who may call a view. Nobody, unless the view says so."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apps.core.errors import NotAuthenticated, PermissionDenied

if TYPE_CHECKING:
    from rest_framework.views import APIView

    from apps.core.api.views import ApiView

logger = logging.getLogger(__name__)

ANY_USER = "*"
"""In `permissions`: whoever is logged in; the view itself limits what is seen to the user's own."""

DeniedHook = Callable[[Any, Any, PermissionDenied], None]
_denied_hooks: list[DeniedHook] = []


def denied_register(hook: DeniedHook) -> None:
    """Have `hook(request, view, error)` called for every 403 of the API. The audit app registers itself so."""
    if hook not in _denied_hooks:
        _denied_hooks.append(hook)


def denied_announce(request: Any, view: Any, error: PermissionDenied) -> None:
    """Tell all hooks. A hook that fails is logged; the caller still gets 403."""
    for hook in _denied_hooks:
        try:
            hook(request, view, error)
        except Exception:
            logger.exception("a hook of denied requests failed")


StepUp = Callable[[Any], None]
_step_ups: list[StepUp] = []


def step_up_register(step_up: StepUp) -> None:
    """Make `step_up(request)` the one that asks for a second factor shown lately. Called once, by the identity app."""
    _step_ups[:] = [step_up]


def step_up_ask(request: Any) -> None:
    """Raises PermissionDenied unless the caller showed a second factor lately; RuntimeError where nobody can tell."""
    if not _step_ups:
        raise RuntimeError("nobody asks for second factors: is apps.identity in INSTALLED_APPS?")
    _step_ups[0](request)


class DenyAll(BasePermission):
    """The default for views that forgot to choose: refused."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Always refused, by raising PermissionDenied."""
        raise PermissionDenied("This operation is not open to anybody.")


class HasPermission(BasePermission):
    """Checks the permission code that the view declares for the method."""

    def has_permission(self, request: Request, view: ApiView) -> bool:  # type: ignore[override]
        """True, or NotAuthenticated or PermissionDenied is raised."""
        if view.public:
            return True
        user = request.user
        if user is None or not user.is_authenticated:
            raise NotAuthenticated("Send an access token: Authorization: Bearer ...")
        method = "GET" if request.method == "HEAD" else str(request.method)
        code = view.permissions.get(method)
        if code is None:
            raise PermissionDenied("This operation is not open to anybody.")
        if code != ANY_USER and not user.has_permission(code):
            raise PermissionDenied(f"This needs the permission {code}.", permission=code)
        return True
