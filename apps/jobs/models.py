"""Background jobs, what is left of failed ones, runs of schedules and of the close of business, business calendars.

The rows are the truth and messages of the broker only wake a worker: a lost message, a lost worker or a broker that was
emptied lose no work.
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from apps.core.models import BaseModel

QUEUES = ("critical", "default", "bulk", "mail")
SATURDAY, SUNDAY = 6, 7


def weekend_usual() -> list[int]:
    """Saturday and Sunday, as ISO numbers of days."""
    return [SATURDAY, SUNDAY]


class Job(BaseModel):
    """One piece of long work: what was asked for, how far it is, what came of it."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    kind = models.CharField(max_length=80, help_text="As its app registered it.")
    queue = models.CharField(max_length=20, choices=[(name, name) for name in QUEUES])
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    payload = models.JSONField(default=dict)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    branch = models.ForeignKey("identity.Branch", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    key = models.CharField(max_length=255, null=True, help_text="The same owner and key start one job.")

    attempts = models.PositiveSmallIntegerField(default=0)
    attempts_max = models.PositiveSmallIntegerField()
    available_at = models.DateTimeField(help_text="Not run before: pauses between tries.")
    sent_at = models.DateTimeField(null=True, help_text="When the broker was last told.")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    cancel_asked_at = models.DateTimeField(null=True)

    run_token = models.UUIDField(null=True, help_text="The execution that may write to this row.")
    lease_until = models.DateTimeField(null=True, help_text="Its worker is lost when this has passed.")
    worker = models.CharField(max_length=100, blank=True)

    progress_done = models.PositiveBigIntegerField(default=0)
    progress_total = models.PositiveBigIntegerField(default=0)
    progress_message = models.CharField(max_length=200, blank=True)
    result = models.JSONField(null=True)
    result_url = models.CharField(max_length=400, blank=True)
    error = models.JSONField(null=True, help_text="The problem document of the last failure.")

    class Meta:
        ordering = ("-created_at", "-id")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["owner", "key"], name="job_key_once", nulls_distinct=False, condition=Q(key__isnull=False)
            ),
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running", "done", "failed", "cancelled"]), name="job_status_known"
            ),
            models.CheckConstraint(condition=Q(queue__in=QUEUES), name="job_queue_known"),
            models.CheckConstraint(
                condition=~Q(status="running") | Q(run_token__isnull=False, lease_until__isnull=False),
                name="job_running_has_a_lease",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["-created_at", "-id"], name="job_newest"),
            models.Index(fields=["owner", "-created_at", "-id"], name="job_owner"),
            models.Index(fields=["branch", "-created_at", "-id"], name="job_branch"),
            # The sweep reads open jobs only, however many are finished.
            models.Index(fields=["queue", "available_at"], name="job_queued", condition=Q(status="queued")),
            models.Index(fields=["lease_until"], name="job_running", condition=Q(status="running")),
            models.Index(fields=["finished_at"], name="job_finished", condition=Q(finished_at__isnull=False)),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.kind} {self.created_at:%Y-%m-%d %H:%M:%S}"

    @property
    def is_open(self) -> bool:
        """Waiting or at work."""
        return self.status in (self.Status.QUEUED, self.Status.RUNNING)

    @property
    def percent(self) -> int:
        """How far it is, 0 to 100; 100 only once it is done."""
        if self.status == self.Status.DONE:
            return 100
        return min(100 * self.progress_done // self.progress_total, 99) if self.progress_total else 0


class DeadLetter(BaseModel):
    """A job that failed for good, kept with all that is needed to decide: try it again, or let it go."""

    class Reason(models.TextChoices):
        REFUSED = "refused", "Refused by a rule"
        ERROR = "error", "Unforeseen error"
        EXHAUSTED = "exhausted", "All tries used up"
        LOST = "lost", "Its worker was lost each time"
        TIME_LIMIT = "time-limit", "Took too long"

    class Decision(models.TextChoices):
        OPEN = "open", "Open"
        RETRIED = "retried", "Tried again"
        DISCARDED = "discarded", "Discarded"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="letters")
    kind = models.CharField(max_length=80)
    queue = models.CharField(max_length=20)
    payload = models.JSONField(default=dict)
    reason = models.CharField(max_length=12, choices=Reason.choices)
    error = models.JSONField(default=dict, help_text="The problem document.")
    traceback = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField()
    decision = models.CharField(max_length=10, choices=Decision.choices, default=Decision.OPEN)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    note = models.CharField(max_length=400, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["job"], condition=Q(decision="open"), name="dead_letter_open_once"),
            models.CheckConstraint(
                condition=Q(decision="open") | Q(decided_at__isnull=False), name="dead_letter_decided_has_a_time"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["-created_at", "-id"], name="dead_letter_newest"),
            models.Index(fields=["-created_at", "-id"], name="dead_letter_open", condition=Q(decision="open")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.created_at:%Y-%m-%d %H:%M:%S}"


class ScheduleRun(models.Model):
    """A schedule's run for one business date, at one branch or for the whole bank: there is never a second one."""

    class Outcome(models.TextChoices):
        STARTED = "started", "Started"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"
        SKIPPED = "skipped", "Skipped"

    id = models.BigAutoField(primary_key=True)
    schedule = models.CharField(max_length=80)
    branch = models.ForeignKey("identity.Branch", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    business_date = models.DateField()
    due_at = models.DateTimeField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.STARTED)
    job = models.OneToOneField(Job, null=True, on_delete=models.SET_NULL, related_name="schedule_run")

    class Meta:
        ordering = ("-business_date", "-id")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["schedule", "branch", "business_date"], name="schedule_run_once", nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        return f"{self.schedule} {self.business_date}"


class CloseRun(BaseModel):
    """The close of one business date. Started again after a failure, it goes on where it stopped."""

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    business_date = models.DateField(unique=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RUNNING)
    starts = models.PositiveSmallIntegerField(default=0, help_text="How often it was begun or taken up again.")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        ordering = ("-business_date",)
        verbose_name = "close of business"
        verbose_name_plural = "closes of business"

    def __str__(self) -> str:
        return f"Close of {self.business_date}"


class ClosePart(models.Model):
    """One partition of one step of a close."""

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(CloseRun, on_delete=models.CASCADE, related_name="parts")
    position = models.PositiveIntegerField(help_text="The step's place in the order.")
    step = models.CharField(max_length=80)
    partition = models.CharField(max_length=80)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    result = models.JSONField(default=dict)
    error = models.CharField(max_length=400, blank=True)

    class Meta:
        ordering = ("position", "step", "id")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "step", "partition"], name="close_part_once"),
        ]

    def __str__(self) -> str:
        return f"{self.step} {self.partition}"


class BusinessCalendar(BaseModel):
    """On which days the bank, or some of its branches, does business: public holidays, weekend, own closures."""

    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=120)
    country = models.CharField(max_length=2, blank=True, help_text="ISO 3166 code whose public holidays are closed.")
    subdivision = models.CharField(max_length=10, blank=True, help_text="Part of the country, where holidays differ.")
    weekend = ArrayField(
        models.PositiveSmallIntegerField(),
        default=weekend_usual,
        blank=True,
        help_text="Days closed: 1 Monday, 7 Sunday.",
    )
    is_default = models.BooleanField(default=False, help_text="For the bank and all branches without one of their own.")
    branches = models.ManyToManyField("identity.Branch", blank=True, related_name="calendars")

    history = HistoricalRecords(
        history_id_field=models.BigAutoField(),
        history_change_reason_field=models.TextField(null=True, blank=True),
        m2m_fields=[branches],
    )

    class Meta:
        ordering = ("code",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["is_default"], condition=Q(is_default=True), name="one_default_calendar"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class OpeningHours(models.Model):
    """From when to when a calendar's branches work on one day of the week; without a row from 8 to 17."""

    class Weekday(models.IntegerChoices):
        MONDAY = 1, "Monday"
        TUESDAY = 2, "Tuesday"
        WEDNESDAY = 3, "Wednesday"
        THURSDAY = 4, "Thursday"
        FRIDAY = 5, "Friday"
        SATURDAY = 6, "Saturday"
        SUNDAY = 7, "Sunday"

    id = models.BigAutoField(primary_key=True)
    calendar = models.ForeignKey(BusinessCalendar, on_delete=models.PROTECT, related_name="hours")
    weekday = models.PositiveSmallIntegerField(choices=Weekday.choices)
    opens = models.TimeField()
    closes = models.TimeField(help_text="By the branch's own clock.")

    class Meta:
        ordering = ("weekday",)
        verbose_name_plural = "opening hours"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["calendar", "weekday"], name="opening_hours_once"),
            models.CheckConstraint(condition=Q(weekday__gte=1, weekday__lte=7), name="opening_hours_weekday"),
            models.CheckConstraint(condition=Q(closes__gt=models.F("opens")), name="opening_hours_have_length"),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.opens:%H:%M} to {self.closes:%H:%M}"


class Closure(BaseModel):
    """A day that a calendar's rules do not know: closed, or open although the rules close it."""

    calendar = models.ForeignKey(BusinessCalendar, on_delete=models.PROTECT, related_name="closures")
    day = models.DateField()
    name = models.CharField(max_length=120)
    is_open = models.BooleanField(default=False, help_text="The bank works on this day although it would be closed.")

    history = HistoricalRecords(
        history_id_field=models.BigAutoField(),
        history_change_reason_field=models.TextField(null=True, blank=True),
    )

    class Meta:
        ordering = ("-day",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["calendar", "day"], name="closure_once"),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.name}"
