"""Statements that left the bank, and batches of them."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.accounts.models._accounts import Account, AccountProduct
from apps.core.models import BaseModel


class StatementIssue(models.Model):
    """A statement that left the bank: what it said, found again by the code printed on it. Amounts in minor units."""

    id = models.BigAutoField(primary_key=True)
    code = models.CharField(max_length=20, unique=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="statements")
    starts_on = models.DateField()
    ends_on = models.DateField()
    opening = models.BigIntegerField()
    paid_in = models.BigIntegerField()
    paid_out = models.BigIntegerField()
    closing = models.BigIntegerField()
    line_count = models.PositiveIntegerField()
    last_entry = models.BigIntegerField(help_text="Number of the newest journal entry that it covers.")
    issued_at = models.DateTimeField()

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.code} {self.starts_on} to {self.ends_on}"


class StatementBatch(BaseModel):
    """Statements of many accounts, drawn up in parts by several workers and put into one archive.

    The job of the same id says how far it is. Which accounts is decided when it is asked for, and stays.
    """

    class Form(models.TextChoices):
        PDF = "pdf", "PDF"
        CSV = "csv", "CSV"
        XLSX = "xlsx", "XLSX"

    starts_on = models.DateField()
    ends_on = models.DateField()
    form = models.CharField(max_length=4, choices=Form.choices)
    product = models.ForeignKey(AccountProduct, null=True, on_delete=models.PROTECT, related_name="+")
    branch = models.ForeignKey("identity.Branch", null=True, on_delete=models.PROTECT, related_name="+")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    account_count = models.PositiveIntegerField()
    file = models.CharField(max_length=200, blank=True, help_text="The archive's name in the storage.")
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True, help_text="Nobody goes on with it; what was drawn up is removed.")

    class Meta:
        db_table = "accounts_statement_batch"
        ordering = ("-created_at", "-id")
        verbose_name = "batch of statements"
        verbose_name_plural = "batches of statements"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(finished_at=None) | models.Q(cancelled_at=None),
                name="accounts_statement_batch_ends_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.starts_on} to {self.ends_on}, {self.account_count} accounts"


class StatementPart(models.Model):
    """Some accounts of a batch: one transaction of one worker draws their statements up, into a file of its own."""

    id = models.BigAutoField(primary_key=True)
    batch = models.ForeignKey(StatementBatch, on_delete=models.PROTECT, related_name="parts")
    number = models.PositiveIntegerField()
    account_ids = ArrayField(models.UUIDField())
    file = models.CharField(max_length=200, blank=True)
    made = models.PositiveIntegerField(default=0)
    refused = models.JSONField(default=list, help_text="Account numbers with the code of what was in the way.")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "accounts_statement_part"
        ordering = ("batch", "number")
        constraints = [models.UniqueConstraint(fields=("batch", "number"), name="accounts_statement_part_once")]

    def __str__(self) -> str:
        return f"{self.batch_id} {self.number}"
