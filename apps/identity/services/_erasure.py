"""A user without a person: for erasure requests. The row stays, since the trail names it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from apps.core.errors import NotFound
from apps.identity import locks
from apps.identity.models import User
from apps.identity.services._staff import user_deactivate


@transaction.atomic
def user_pseudonymise(*, acting_user: User | None, user_id: Any, at: datetime, reason: str) -> User:
    """Lock the user out for good, and empty e-mail, name and phone, in the history as well. Raises NotFound."""
    user_deactivate(acting_user=None, user_id=user_id, reason=reason, at=at)
    user = locks.user_lock(user_id=user_id)
    if user is None:
        raise NotFound
    emptied = {"email": f"erased-{user.pk}@erased.invalid", "full_name": "", "phone": ""}
    for name, value in emptied.items():
        setattr(user, name, value)
    user.set_unusable_password()
    user.save()
    user.history.update(**emptied)
    user.sessions.update(ip=None)
    return user
