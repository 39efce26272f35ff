"""Money that is placed for a time."""

from django.db import models
from django.db.models import F, Q

from apps.accounts.models._accounts import Account
from apps.accounts.models._terms import ProductTerms
from apps.core.models import BaseModel


class TermDeposit(BaseModel):
    """A term of a fixed-term account: principal (minor units), first day, and the day on which it is due.

    Its terms are those of its first day until the end. A renewal is a term of its own.
    """

    class Instruction(models.TextChoices):
        PAYOUT = "payout", "Pay everything out"
        RENEW_PRINCIPAL = "renew_principal", "Renew, pay the interest out"
        RENEW_ALL = "renew_all", "Renew with the interest"

    class Status(models.TextChoices):
        ACTIVE = "active", "Running"
        MATURED = "matured", "Paid out"
        RENEWED = "renewed", "Renewed"
        BROKEN = "broken", "Broken early"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="term_deposits")
    terms = models.ForeignKey(ProductTerms, on_delete=models.PROTECT, related_name="+")
    principal = models.BigIntegerField()
    months = models.PositiveSmallIntegerField()
    starts_on = models.DateField()
    matures_on = models.DateField()
    instruction = models.CharField(max_length=15, choices=Instruction.choices)
    payout_account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.ACTIVE)
    ended_on = models.DateField(null=True)

    class Meta:
        db_table = "accounts_term_deposit"
        ordering = ("-starts_on", "-id")
        indexes = [models.Index(fields=("matures_on",), condition=Q(status="active"), name="accounts_term_due")]
        constraints = [
            models.UniqueConstraint(fields=("account",), condition=Q(status="active"), name="accounts_term_runs_once"),
            models.CheckConstraint(condition=Q(matures_on__gt=F("starts_on")), name="accounts_term_ends_after_start"),
            models.CheckConstraint(condition=Q(principal__gt=0), name="accounts_term_principal_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} until {self.matures_on}"
