"""Differences between sub-ledgers and the general ledger, from the close that found them until they were gone."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class ReconciliationBreak(models.Model):
    """A comparison that did not agree at a close of business. Minor units, credit-positive, as of `seen_on`.

    `key` tells breaks of one account apart where a check has several, as lines of a bank's statement.
    """

    id = models.BigAutoField(primary_key=True)
    what = models.CharField(max_length=30, help_text="The check.")
    gl_account = models.ForeignKey("ledger.GLAccount", on_delete=models.PROTECT, related_name="+", db_index=False)
    branch = models.ForeignKey(
        "identity.Branch", null=True, on_delete=models.PROTECT, related_name="+", db_index=False,
        help_text="Empty: all of them together.",
    )  # fmt: skip
    currency = models.CharField(max_length=3)
    key = models.CharField(max_length=64, blank=True, default="", db_default="")
    since = models.DateField(help_text="The first business date whose close found it.")
    seen_on = models.DateField(help_text="The last one.")
    until = models.DateField(null=True, help_text="The business date whose close found it no more.")
    kept = models.DecimalField(max_digits=30, decimal_places=0)
    booked = models.DecimalField(max_digits=30, decimal_places=0)

    class Meta:
        verbose_name = "reconciliation break"
        indexes = [models.Index(fields=("since",), name="reporting_break_by_day")]
        constraints = [
            models.UniqueConstraint(
                fields=("what", "gl_account", "branch", "currency", "key"),
                condition=Q(until=None),
                nulls_distinct=False,
                name="reporting_break_open_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.what} {self.gl_account_id} {self.currency} since {self.since.isoformat()}"
