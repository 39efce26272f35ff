"""Requests for approval, their levels, who was asked, who decided, and what is to happen when."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from viewflow.workflow.models import Process, Task

from apps.core import clock
from apps.core.ids import uuid7


class ApprovalRequest(Process):
    """An action that somebody asked for and others decide on. A process of Viewflow with columns of its own."""

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        RETURNED = "returned", "Returned"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"
        CANCELLED = "cancelled", "Cancelled"
        EXPIRED = "expired", "Expired"
        EXECUTED = "executed", "Executed"
        FAILED = "failed", "Failed"

    objects: ClassVar[models.Manager[ApprovalRequest]] = models.Manager()

    OPEN_STATES: ClassVar = ("pending", "returned", "approved", "failed")

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    kind = models.CharField(max_length=60, help_text="Name of the registered action.")
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    state_at = models.DateTimeField(default=clock.now)
    state_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    state_reason = models.TextField(blank=True)

    maker = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    branch = models.ForeignKey("identity.Branch", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    idempotency_key = models.CharField(max_length=255, blank=True)
    payload = models.JSONField()
    payload_hash = models.CharField(max_length=64, help_text="SHA-256 of kind and canonical payload.")
    changes = models.JSONField(default=list, help_text="Rows of label, before, after: what the decision is about.")
    subject_key = models.CharField(max_length=120, blank=True, help_text="At most one open request for this.")
    subject_url = models.CharField(max_length=200, blank=True)
    member_label = models.CharField(max_length=200, blank=True)
    member_status = models.CharField(max_length=40, blank=True)
    member_ids = ArrayField(models.UUIDField(), default=list, help_text="Members concerned.")
    interested_ids = ArrayField(models.UUIDField(), default=list, help_text="Users whose own affair it is.")
    risk_flags = ArrayField(models.CharField(max_length=40), default=list)
    facts = models.JSONField(default=dict, help_text="What the policy looked at.")
    amount_minor = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    base_minor = models.BigIntegerField(null=True, blank=True, help_text="In the base currency; empty if unknown.")

    policy = models.ForeignKey(
        "approvals.ApprovalPolicy", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    rule = models.JSONField(default=dict, help_text="The rule as it was when it asked for this.")
    round = models.PositiveSmallIntegerField(default=1, help_text="Goes up when a returned request is sent again.")
    stage = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True, blank=True, help_text="When the earliest open level is late.")
    expires_at = models.DateTimeField(null=True, blank=True)

    attempts = models.PositiveSmallIntegerField(default=0)
    refusals = models.PositiveSmallIntegerField(default=0, help_text="Attempts that ended in a definite no.")
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True, help_text="An executor is at work until then.")
    error_code = models.CharField(max_length=80, blank=True)
    result = models.JSONField(null=True, blank=True)
    result_url = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("-created_at",)
        verbose_name = "approval request"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "pending", "returned", "approved", "rejected", "cancelled", "expired", "executed", "failed",
                    ]
                ),
                name="approval_state_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="executed") | Q(result__isnull=False), name="approval_executed_has_result"
            ),
            models.UniqueConstraint(
                fields=["maker", "idempotency_key"], condition=~Q(idempotency_key=""), name="approval_key_once"
            ),
            models.UniqueConstraint(
                fields=["subject_key"],
                condition=~Q(subject_key="") & Q(state__in=["pending", "returned", "approved", "failed"]),
                name="approval_subject_open_once",
            ),
        ]  # fmt: skip
        indexes: ClassVar = [
            models.Index(fields=["maker", "-created_at"], name="approval_sent"),
            models.Index(fields=["state", "-created_at"], name="approval_state"),
            models.Index(fields=["next_attempt_at"], name="approval_to_execute", condition=Q(state="approved")),
        ]

    route: tuple[str, ...] = ()
    """Where the flow goes when the present task is completed: names of its nodes. Not a column."""

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    @cached_property
    def reached(self) -> list[Task]:
        """The tasks that following the route has made. Not a column."""
        return []

    @property
    def number(self) -> str:
        """What people quote: A and the running number."""
        return f"A{self.pk or 0:06d}"

    @property
    def url(self) -> str:
        """Where the API has it."""
        return f"/api/v1/approvals/{self.public_id}"


class ApprovalLevel(models.Model):
    """One level of one round, as the policy had it when the round began. Levels of a stage are open side by side."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        OPEN = "open", "Open"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"
        RETURNED = "returned", "Returned"
        SKIPPED = "skipped", "Skipped"
        CLOSED = "closed", "Closed"

    id = models.BigAutoField(primary_key=True)
    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    request = models.ForeignKey(ApprovalRequest, on_delete=models.PROTECT, related_name="levels")
    round = models.PositiveSmallIntegerField()
    stage = models.PositiveSmallIntegerField()
    place = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=80)
    rule = models.JSONField(help_text="The level as the policy had it.")
    need = models.PositiveSmallIntegerField(default=1, help_text="How many must approve; set when the level opens.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    task = models.OneToOneField(Task, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    opened_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    escalations = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("round", "stage", "place")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["request", "round", "place"], name="approval_level_once"),
            models.CheckConstraint(condition=Q(need__gte=1), name="approval_level_needs_somebody"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at", "id"], name="approval_level_due", condition=Q(state="open")),
            models.Index(fields=["assignee", "due_at"], name="approval_level_mine", condition=Q(state="open")),
        ]

    def __str__(self) -> str:
        return self.name


class ApprovalCandidate(models.Model):
    """Whom a level asks: everybody who is all that the row says. Rows of a level are alternatives."""

    class Origin(models.TextChoices):
        POLICY = "policy", "Policy"
        ESCALATION = "escalation", "Escalation"
        PERSON = "person", "Handed on"

    id = models.BigAutoField(primary_key=True)
    level = models.ForeignKey(ApprovalLevel, on_delete=models.PROTECT, related_name="candidates")
    role_code = models.CharField(max_length=40, blank=True)
    branch = models.ForeignKey("identity.Branch", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    group = models.ForeignKey(
        "approvals.ApproverGroup", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.POLICY)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~Q(role_code="") | Q(branch__isnull=False) | Q(group__isnull=False) | Q(user__isnull=False),
                name="approval_candidate_is_somebody",
            ),
        ]

    def __str__(self) -> str:
        return " ".join(str(part) for part in (self.role_code, self.branch_id, self.group_id, self.user_id) if part)


class ApprovalDecision(models.Model):
    """What one person decided, in whose authority, on exactly which payload. Append-only by trigger.

    `maker` repeats the request's, held equal by a composite foreign key, so that PostgreSQL itself refuses a maker who
    decides. `authority` is the actor, or the one in whose place the actor stands: neither counts twice in a round.
    """

    class Verdict(models.TextChoices):
        APPROVE = "approve", "Approve"
        REJECT = "reject", "Reject"
        RETURN = "return", "Return for changes"

    id = models.BigAutoField(primary_key=True)
    request = models.ForeignKey(ApprovalRequest, on_delete=models.PROTECT, related_name="decisions")
    level = models.ForeignKey(ApprovalLevel, on_delete=models.PROTECT, related_name="decisions")
    round = models.PositiveSmallIntegerField()
    maker = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    authority = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    comment = models.TextField(blank=True)
    payload_hash = models.CharField(max_length=64)
    decided_at = models.DateTimeField()

    class Meta:
        ordering = ("id",)
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(actor=F("maker")), name="approval_maker_is_not_checker"),
            models.CheckConstraint(condition=~Q(authority=F("maker")), name="approval_maker_lends_no_authority"),
            models.UniqueConstraint(fields=["request", "round", "actor"], name="approval_nobody_twice"),
            models.UniqueConstraint(fields=["request", "round", "authority"], name="approval_no_authority_twice"),
        ]
        indexes: ClassVar = [models.Index(fields=["actor", "-decided_at"], name="approval_done_by")]

    def __str__(self) -> str:
        return f"{self.verdict} {self.request_id}"


class ApprovalTimer(models.Model):
    """Something that is to happen at a time. Beat's sweep fires it, once, under the lock of its request."""

    class What(models.TextChoices):
        REMIND = "remind", "Remind"
        ESCALATE = "escalate", "Escalate"
        EXPIRE = "expire", "Expire"

    id = models.BigAutoField(primary_key=True)
    request = models.ForeignKey(ApprovalRequest, on_delete=models.PROTECT, related_name="timers")
    level = models.ForeignKey(ApprovalLevel, null=True, blank=True, on_delete=models.PROTECT, related_name="timers")
    what = models.CharField(max_length=10, choices=What.choices)
    due_at = models.DateTimeField()
    fired_at = models.DateTimeField(null=True, blank=True)
    effect = models.CharField(max_length=40, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["due_at", "id"], name="approval_timer_due", condition=Q(fired_at=None))
        ]

    def __str__(self) -> str:
        return f"{self.what} {self.due_at:%Y-%m-%d %H:%M}"
