"""Reports that were drawn up and kept, and when which report is drawn up by itself."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.core.display import kind_text
from apps.core.models import BaseModel

KINDS = [
    ("balance-sheet", "Balance sheet"),
    ("income-statement", "Income statement"),
    ("changes-in-equity", "Changes in equity"),
    ("cash-flow", "Cash flow statement"),
]
TITLES = dict(KINDS)
FORMS = [("csv", "CSV"), ("xlsx", "XLSX"), ("pdf", "PDF")]


class ReportSchedule(BaseModel):
    """A report drawn up after the close of business days, for all who hold a role and may see it."""

    class Rhythm(models.TextChoices):
        DAY = "day", "Every business day"
        MONTH = "month", "The last day of a month"
        QUARTER = "quarter", "The last day of a quarter"
        YEAR = "year", "The last day of a year"

    report = models.CharField(max_length=60, help_text="Code of the report.")
    definition = models.ForeignKey(
        "reporting.ReportDefinition", null=True, on_delete=models.PROTECT, related_name="+", help_text="Of users' own."
    )
    params = models.JSONField(default=dict, blank=True, help_text="What the report asks for beyond days and currency.")
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
                fields=("report", "definition", "params", "form", "rhythm", "currency", "role"),
                condition=Q(is_active=True),
                nulls_distinct=False,
                name="reporting_schedule_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.title}, {self.get_rhythm_display().lower()}"

    @property
    def title(self) -> str:
        """What people call the report."""
        return self.definition.title if self.definition else TITLES.get(self.report, kind_text(self.report))


class ReportRun(BaseModel):
    """A report as it was drawn up: what was asked, the file, its hash. The job of the same id says how far it is."""

    report = models.CharField(max_length=60, help_text="Code of the report.")
    definition = models.ForeignKey(
        "reporting.ReportDefinition", null=True, on_delete=models.PROTECT, related_name="+", help_text="Of users' own."
    )
    params = models.JSONField(default=dict, blank=True, help_text="What the report asks for beyond days and currency.")
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
        return f"{self.title} {self.as_of.isoformat()}"

    @property
    def title(self) -> str:
        """What people call the report."""
        return self.definition.title if self.definition else TITLES.get(self.report, kind_text(self.report))


class ReportOpening(models.Model):
    """That somebody opened a report, and by which way."""

    class Way(models.TextChoices):
        API = "api", "API"
        PAGE = "page", "Staff site"
        LINK = "link", "Link in a message"

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(ReportRun, on_delete=models.PROTECT, related_name="openings")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    way = models.CharField(max_length=4, choices=Way.choices)
    opened_at = models.DateTimeField()

    class Meta:
        ordering = ("-opened_at", "-id")
        verbose_name = "opening of a report"

    def __str__(self) -> str:
        return f"{self.user} {self.opened_at.isoformat()}"
