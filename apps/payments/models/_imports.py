"""Imports of transactions."""

from django.db import models

from apps.core.models import BaseModel


class ImportRun(BaseModel):
    """One reading of a file of transactions: what was read, posted, skipped and refused."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    source = models.CharField(max_length=40, help_text="Where external ids come from; an id is posted once a source.")
    file_name = models.CharField(max_length=200)
    file_sha256 = models.CharField(max_length=64, blank=True)
    is_dry_run = models.BooleanField(default=False)
    allow_overdraft = models.BooleanField(default=False)
    create_accounts = models.BooleanField(default=False)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RUNNING)
    uploaded = models.BooleanField(default=False, help_text="Sent by the API and executed by a worker.")
    error = models.CharField(max_length=400, blank=True)
    bytes_total = models.PositiveBigIntegerField(default=0)
    bytes_done = models.PositiveBigIntegerField(default=0)
    rows_read = models.PositiveBigIntegerField(default=0)
    rows_posted = models.PositiveBigIntegerField(default=0)
    rows_skipped = models.PositiveBigIntegerField(default=0)
    rows_refused = models.PositiveBigIntegerField(default=0)
    accounts_created = models.PositiveBigIntegerField(default=0)
    balances_compared = models.PositiveBigIntegerField(default=0)
    balances_differing = models.PositiveBigIntegerField(default=0)
    report = models.JSONField(default=dict, blank=True, help_text="Refusals by code, differences, unknown channels.")
    started_by = models.UUIDField(null=True)
    branch = models.ForeignKey(
        "identity.Branch", null=True, on_delete=models.PROTECT, related_name="+", help_text="Of accounts it opens."
    )
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = "import run"

    def __str__(self) -> str:
        return f"{self.file_name} {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def progress(self) -> dict[str, int]:
        """How far it is, by bytes of the file."""
        total = self.bytes_total
        percent = 100 if self.status == self.Status.DONE else min(100 * self.bytes_done // total, 99) if total else 0
        return {"done": self.bytes_done, "total": total, "percent": percent}


class ImportRefusal(models.Model):
    """A row that was refused, with the reason; the first 10,000 of a run are kept."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="refusals")
    row_number = models.PositiveBigIntegerField()
    external_id = models.CharField(max_length=255, blank=True)
    code = models.CharField(max_length=60)
    detail = models.CharField(max_length=400)

    class Meta:
        ordering = ("row_number",)

    def __str__(self) -> str:
        return f"row {self.row_number}: {self.code}"
