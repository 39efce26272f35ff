"""The identity app: people who use Numina, their roles, the branches they work in."""

from typing import Any

from django.apps import AppConfig


class IdentityConfig(AppConfig):
    name = "apps.identity"
    label = "identity"
    verbose_name = "People and access"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Offer the loaders of roles and branches; take over the writing of last_login."""
        from django.contrib.auth.signals import user_logged_in

        from apps.core.api.limits import limiter_register
        from apps.core.api.permissions import step_up_register
        from apps.core.reference import loader_register
        from apps.identity import reference
        from apps.identity.throttle import request_limit

        limiter_register(request_limit)
        step_up_register(_step_up)

        loader_register("roles", reference.roles_load)
        loader_register("branches", reference.branches_load)
        loader_register("rate_limits", reference.rate_limits_load)
        loader_register("amount_limits", reference.amount_limits_load)
        # Django's own receiver saves the whole user, and a sign-in would look like a change in the history.
        user_logged_in.disconnect(dispatch_uid="update_last_login")
        user_logged_in.connect(_signed_in, dispatch_uid="identity.marks")


def _step_up(request: Any) -> None:
    from apps.core import clock
    from apps.identity.guards import step_up_check

    step_up_check(request.user, at=clock.now())


def _signed_in(*, request: Any, **_: Any) -> None:
    """Mark a new session of the staff site with its age; a session without marks is over."""
    from apps.identity.staff_login import SECOND, marks

    marks(request, second_factor=bool(request.session.get(SECOND, False)))
