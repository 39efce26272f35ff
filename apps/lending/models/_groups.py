"""Groups whose members answer for each other's loans, and what was collected at their meetings."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.core.models import BaseModel


class LoanGroup(BaseModel):
    """People who meet, save and borrow together. Each answers for the loans of all (joint liability)."""

    name = models.CharField(max_length=80)
    branch = models.ForeignKey("identity.Branch", on_delete=models.PROTECT, related_name="+")
    meets_on = models.PositiveSmallIntegerField(default=1, help_text="Day of the week, Monday 1.")
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = "loan group"
        constraints = [
            models.UniqueConstraint(fields=("branch", "name"), name="lending_group_name_once"),
            models.CheckConstraint(condition=Q(meets_on__range=(1, 7)), name="lending_group_weekday"),
        ]

    def __str__(self) -> str:
        return self.name


class LoanGroupMember(models.Model):
    """Who belongs to a group, from when until when."""

    id = models.BigAutoField(primary_key=True)
    group = models.ForeignKey(LoanGroup, on_delete=models.PROTECT, related_name="members")
    member = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="loan_groups")
    joined_on = models.DateField()
    left_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ("group", "id")
        constraints = [
            models.UniqueConstraint(
                fields=("member",), condition=Q(left_on__isnull=True), name="lending_group_one_a_member"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.member_id} in {self.group_id}"


class GroupMeeting(BaseModel):
    """A meeting at which payments were collected. `missing` is what was due and did not come: the group owes it."""

    group = models.ForeignKey(LoanGroup, on_delete=models.PROTECT, related_name="meetings")
    held_on = models.DateField()
    due = models.BigIntegerField(help_text="Minor units.")
    collected = models.BigIntegerField()
    missing = models.BigIntegerField()
    rows = models.JSONField(default=list, help_text="Loan, due, paid, the event that it made.")
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    transaction_id = models.UUIDField(unique=True, help_text="Of the key of whoever asked.")
    fingerprint = models.BinaryField(max_length=32)

    class Meta:
        ordering = ("-held_on", "-id")
        verbose_name = "meeting of a group"
        verbose_name_plural = "meetings of groups"

    def __str__(self) -> str:
        return f"{self.group_id} {self.held_on}"
