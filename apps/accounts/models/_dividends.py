"""Dividends on shares: what a bank declares for a period, and what each account gets of it."""

from django.db import models
from django.db.models import F, Q

from apps.accounts.models._accounts import Account, AccountProduct
from apps.core.models import BaseModel


class Dividend(BaseModel):
    """A rate on the shares of a product for a period, and the shares of each account in it, worked out once.

    What was drawn up is what is decided on and what is paid: later movements change nothing of it. Amounts in minor
    units, rates as fractions of the base, not by the year.
    """

    class Basis(models.TextChoices):
        MINIMUM = "minimum", "Lowest balance of the period"
        AVERAGE = "average", "Average daily balance of the period"
        CLOSING = "closing", "Balance at the end of the period"

    class PayTo(models.TextChoices):
        SHARES = "shares", "The share account"
        DEPOSITS = "deposits", "The owner's savings or current account"

    class Status(models.TextChoices):
        DRAFT = "draft", "Drawn up"
        PAYING = "paying", "Being paid"
        PAID = "paid", "Paid"
        WITHDRAWN = "withdrawn", "Withdrawn"

    product = models.ForeignKey(AccountProduct, on_delete=models.PROTECT, related_name="dividends")
    starts_on = models.DateField()
    ends_on = models.DateField()
    rate = models.DecimalField(max_digits=9, decimal_places=8)
    tax_rate = models.DecimalField(max_digits=7, decimal_places=6, default=0)
    basis = models.CharField(max_length=7, choices=Basis.choices)
    pay_to = models.CharField(max_length=8, choices=PayTo.choices)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.DRAFT)
    accounts = models.PositiveIntegerField(default=0, help_text="Accounts that get something.")
    gross = models.BigIntegerField(default=0)
    tax = models.BigIntegerField(default=0)
    job_id = models.UUIDField(null=True)
    paid_on = models.DateField(null=True)

    class Meta:
        db_table = "accounts_dividend"
        ordering = ("-ends_on", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=("product", "ends_on"), condition=~Q(status="withdrawn"), name="accounts_dividend_once_a_period"
            ),
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="accounts_dividend_ends_after_start"),
            models.CheckConstraint(condition=Q(rate__gt=0, rate__lte=1), name="accounts_dividend_rate_fraction"),
            models.CheckConstraint(condition=Q(tax_rate__gte=0, tax_rate__lt=1), name="accounts_dividend_tax_fraction"),
        ]

    def __str__(self) -> str:
        return f"{self.product_id} {self.starts_on} to {self.ends_on}"


class DividendShare(models.Model):
    """What one share account gets: base x rate, half up; tax of it, half up; the rest on `target`."""

    class Status(models.TextChoices):
        DUE = "due", "Due"
        PAID = "paid", "Paid"
        REFUSED = "refused", "Refused by the account"

    id = models.BigAutoField(primary_key=True)
    dividend = models.ForeignKey(Dividend, on_delete=models.CASCADE, related_name="shares")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    target = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    base = models.BigIntegerField()
    gross = models.BigIntegerField()
    tax = models.BigIntegerField()
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.DUE)
    transaction_id = models.UUIDField(null=True)

    class Meta:
        db_table = "accounts_dividend_share"
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(fields=("dividend", "account"), name="accounts_dividend_once_an_account"),
            models.CheckConstraint(
                condition=Q(gross__gt=0, tax__gte=0, tax__lt=F("gross")), name="accounts_dividend_share_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.gross - self.tax}"
