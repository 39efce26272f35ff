"""Reports that were drawn up and kept, and when which report is drawn up by itself."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.core.models import BaseModel

KINDS = [
    ("balance-sheet", "Balance sheet"),
    ("income-statement", "Income statement"),
    ("changes-in-equity", "Changes in equity"),
    ("cash-flow", "Cash flow statement"),
]
FORMS = [("csv", "CSV"), ("xlsx", "XLSX"), ("pdf", "PDF")]


class ReportSchedule(BaseModel):
    """A report drawn up after the close of business days, for all who hold a role and may see it."""

    class Rhythm(models.TextChoices):
        DAY = "day", "Every business day"
        MONTH = "month", "The last day of a month"
        QUARTER = "quarter", "The last day of a quarter"
        YEAR = "year", "The last day of a year"

    report = models.CharField(max_length=30, choices=KINDS)
    form = models.CharField(max_length=4, choices=FORMS)
    rhythm = models.CharField(max_length=10, choices=Rhythm.choices)
    currency = models.CharField(max_length=3)
    compares = models.BooleanField(default=False, help_text="With the same days a year before beside it.")
    role = models.ForeignKey("identity.Role", on_delete=models.PROTECT, related_name="+")
    is_active = models.BooleanField(default=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("report", "rhythm", "id")
        verbose_name = "report schedule"
        constraints = [
            models.UniqueConstraint(
                fields=("report", "form", "rhythm", "currency", "role"),
                condition=Q(is_active=True),
                name="reporting_schedule_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_report_display()}, {self.get_rhythm_display().lower()}"


class ReportRun(BaseModel):
    """A report as it was drawn up: what was asked, the file, its hash. The job of the same id says how far it is."""

    report = models.CharField(max_length=30, choices=KINDS)
    form = models.CharField(max_length=4, choices=FORMS)
    since = models.DateField()
    as_of = models.DateField()
    currency = models.CharField(max_length=3)
    compares = models.BooleanField(default=False)
    branch_code = models.CharField(max_length=20, blank=True, help_text="Empty: all branches in reach.")
    branch_ids = ArrayField(models.UUIDField(), null=True, help_text="The branches added up; null is the whole bank.")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    schedule = models.ForeignKey(ReportSchedule, null=True, on_delete=models.PROTECT, related_name="runs")
    file = models.CharField(max_length=200, blank=True, help_text="Its name in the storage.")
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    as_of_entry = models.BigIntegerField(null=True)
    is_proven = models.BooleanField(null=True)
    drawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = "report"
        constraints = [
            models.UniqueConstraint(
                fields=("schedule", "as_of"), condition=Q(schedule__isnull=False), name="reporting_run_once_a_date"
            ),
            models.CheckConstraint(condition=Q(since__lte=models.F("as_of")), name="reporting_run_period"),
        ]

    def __str__(self) -> str:
        return f"{self.get_report_display()} {self.as_of.isoformat()}"
