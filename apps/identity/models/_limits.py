"""How much may be asked of the API, and how much money a role may move at once. Both have dates."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from apps.core import clock
from apps.core.display import money_text
from apps.core.models import BaseModel
from apps.identity.models._people import Role, history
from apps.identity.permissions import PERMISSIONS

ALL_OPERATIONS = "*"


class RateLimit(BaseModel):
    """A token bucket: `requests` tokens flow in during `per_seconds`, at most `burst` are saved up.

    It applies to one operation or all (`*`), to holders of a role, to a plan, or to everybody where both are empty.
    A rule for the operation comes before one for all; of those for the caller's roles and plan, the widest applies.
    """

    operation = models.CharField(
        max_length=80, default=ALL_OPERATIONS, help_text="Name of the route, such as payments:transfers; * for all."
    )
    role = models.ForeignKey(Role, null=True, blank=True, on_delete=models.PROTECT, related_name="rate_limits")
    plan = models.CharField(max_length=20, blank=True)
    requests = models.PositiveIntegerField()
    per_seconds = models.PositiveIntegerField(default=60)
    burst = models.PositiveIntegerField()
    starts_at = models.DateTimeField(default=clock.now)
    ends_at = models.DateTimeField(null=True, blank=True)

    history = history()

    class Meta:
        ordering = ("operation", "role", "plan", "starts_at")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(requests__gte=1, per_seconds__gte=1, burst__gte=1), name="rate_limit_positive"
            ),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")), name="rate_limit_dates_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.requests}/{self.per_seconds}s"


class AmountLimit(BaseModel):
    """The most that holders of a role may move in one transaction, and above what they must show a second factor.

    Amounts are minor units of `currency`. Empty means no limit of that sort. Of several roles the widest counts.
    """

    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="amount_limits")
    permission = models.CharField(max_length=80, help_text="Permission code, such as payments.transfer.")
    currency = models.CharField(max_length=3)
    amount_max = models.BigIntegerField(null=True, blank=True)
    step_up_above = models.BigIntegerField(null=True, blank=True)
    starts_at = models.DateTimeField(default=clock.now)
    ends_at = models.DateTimeField(null=True, blank=True)

    history = history()

    class Meta:
        ordering = ("role", "permission", "currency", "starts_at")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=(Q(amount_max=None) | Q(amount_max__gte=0))
                & (Q(step_up_above=None) | Q(step_up_above__gte=0)),
                name="amount_limit_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")), name="amount_limit_dates_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.permission} {self.currency}"

    @property
    def permission_text(self) -> str:
        """What the permission allows, in words."""
        return PERMISSIONS.get(self.permission, self.permission)

    @property
    def amount_max_text(self) -> str:
        """The limit as people read it."""
        return _shown(self.amount_max, self.currency)

    @property
    def step_up_text(self) -> str:
        """The amount above which a second factor is asked for, as people read it."""
        return _shown(self.step_up_above, self.currency)


def _shown(minor: int | None, currency: str) -> str:
    return "No limit" if minor is None else f"{money_text(minor, currency)} {currency}"
