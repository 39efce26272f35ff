"""Fees that fell due on accounts."""

from django.db import models
from django.db.models import Q

from apps.accounts.models._accounts import Account
from apps.accounts.models._terms import ProductFee


class FeeCharge(models.Model):
    """A fee that an account owes for a period, once; charged at the close, or at a later one when it was refused."""

    class Status(models.TextChoices):
        DUE = "due", "Due"
        CHARGED = "charged", "Charged"
        WAIVED = "waived", "Waived"

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="fee_charges")
    fee = models.ForeignKey(ProductFee, on_delete=models.PROTECT, related_name="+")
    period = models.DateField(help_text="The day, or the first of the month, that it is for.")
    base = models.BigIntegerField(help_text="What a percentage was taken of, minor units.")
    count = models.PositiveIntegerField(default=1, help_text="Movements that it is for.")
    amount = models.BigIntegerField()
    due_on = models.DateField()
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.DUE)
    charged_on = models.DateField(null=True)
    transaction_id = models.UUIDField(null=True)

    class Meta:
        db_table = "accounts_fee_charge"
        ordering = ("-period", "-id")
        indexes = [models.Index(fields=("account",), condition=Q(status="due"), name="accounts_fee_due")]
        constraints = [
            models.UniqueConstraint(fields=("account", "fee", "period"), name="accounts_fee_once_a_period"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="accounts_fee_charge_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.fee_id} {self.period}: {self.amount}"
