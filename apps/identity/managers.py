"""How users are made and found: always by the canonical e-mail address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import BaseUserManager

from apps.identity.emails import email_canonical

if TYPE_CHECKING:
    from apps.identity.models import User


class UserManager(BaseUserManager["User"]):
    """Manager of User; `use_in_migrations` stays off, so that migrations import nothing from here."""

    def get_by_natural_key(self, username: str | None) -> User:
        """The user with this address in any case; DoesNotExist also for text that is no address."""
        try:
            email = email_canonical(username or "")
        except ValueError as error:
            raise self.model.DoesNotExist(str(error)) from None
        return self.get(email=email)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Store a user with a hashed password (None: one that never matches). Raises ValueError for a bad address."""
        user = self.model(email=email_canonical(email), **fields)
        user.set_password(password)
        user.save(using=self._db, force_insert=True)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A user who may do everything: for the first start of an installation, not for daily work."""
        fields.setdefault("full_name", "Superuser")
        return self.create_user(email, password, **{**fields, "is_staff": True, "is_superuser": True})
