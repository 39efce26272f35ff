"""Statements that left the bank."""

from django.db import models

from apps.accounts.models._accounts import Account


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
