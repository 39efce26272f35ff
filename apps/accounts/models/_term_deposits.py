"""Money that is placed for a time, at once or by instalments."""

from django.db import models
from django.db.models import F, Q

from apps.accounts.models._accounts import Account
from apps.accounts.models._terms import ProductTerms
from apps.core.models import BaseModel


class TermDeposit(BaseModel):
    """A term of a fixed-term account: principal (minor units), first day, and the day on which it is due.

    Its terms are those of its first day until the end. A renewal is a term of its own. A recurring deposit is a term
    with instalments: `principal` is what has been put in so far, the first instalment on the first day.
    """

    class Instruction(models.TextChoices):
        PAYOUT = "payout", "Pay everything out"
        RENEW_PRINCIPAL = "renew_principal", "Renew, pay the interest out"
        RENEW_ALL = "renew_all", "Renew with the interest"

    class Frequency(models.TextChoices):
        WEEKLY = "weekly", "Every week"
        MONTHLY = "monthly", "Every month"
        QUARTERLY = "quarterly", "Every quarter"

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
    payout_account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Where it came from; instalments come from it too.",
    )
    instalment = models.BigIntegerField(null=True, help_text="Of a recurring deposit: agreed for each date.")
    frequency = models.CharField(max_length=9, choices=Frequency.choices, blank=True)
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
            models.CheckConstraint(
                condition=Q(instalment__isnull=True, frequency="") | (Q(instalment__gt=0) & ~Q(frequency="")),
                name="accounts_term_instalment_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} until {self.matures_on}"


class TermInstalment(models.Model):
    """An instalment that was agreed for a date. One that is not there by the end of its days of grace is missed; it may
    still be paid, but its penalty stays."""

    class Status(models.TextChoices):
        DUE = "due", "Due"
        PAID = "paid", "Paid"
        MISSED = "missed", "Missed"
        DROPPED = "dropped", "Not called for any more"

    id = models.BigAutoField(primary_key=True)
    term = models.ForeignKey(TermDeposit, on_delete=models.PROTECT, related_name="instalments")
    number = models.PositiveSmallIntegerField()
    due_on = models.DateField()
    amount = models.BigIntegerField()
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.DUE)
    paid_on = models.DateField(null=True)
    transaction_id = models.UUIDField(null=True)

    class Meta:
        db_table = "accounts_term_instalment"
        ordering = ("number",)
        indexes = [models.Index(fields=("due_on",), condition=Q(status="due"), name="accounts_instalment_due")]
        constraints = [
            models.UniqueConstraint(fields=("term", "number"), name="accounts_instalment_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="accounts_instalment_positive"),
            models.CheckConstraint(
                condition=(Q(status="paid") & Q(paid_on__isnull=False)) | (~Q(status="paid") & Q(paid_on__isnull=True)),
                name="accounts_instalment_paid_has_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} on {self.due_on}: {self.amount}"
