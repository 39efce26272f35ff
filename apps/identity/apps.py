"""The identity app: people who use Numina, their roles, the branches they work in."""

from django.apps import AppConfig


class IdentityConfig(AppConfig):
    name = "apps.identity"
    label = "identity"
    verbose_name = "People and access"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Offer the loaders of roles and branches; take over the writing of last_login."""
        from django.contrib.auth.signals import user_logged_in

        from apps.core.reference import loader_register
        from apps.identity import reference

        loader_register("roles", reference.roles_load)
        loader_register("branches", reference.branches_load)
        # Django's own receiver saves the whole user, and a sign-in would look like a change in the history.
        user_logged_in.disconnect(dispatch_uid="update_last_login")
