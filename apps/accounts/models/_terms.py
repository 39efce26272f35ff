"""What a product pays and charges: versions that hold from a date on. Amounts in minor units, rates as fractions."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from apps.accounts.models._accounts import AccountProduct
from apps.core.models import BaseModel


class ProductTerms(BaseModel):
    """Interest and limits of a product from a date until the next version begins. What has begun is never changed.

    `rates` and `overdraft_rates` are tiers [[from minor units, "rate a year as a fraction"], ...], the first from zero;
    none means no interest. The meaning of each option is that of `apps.calculations.interest.InterestTerms`.
    """

    class Method(models.TextChoices):
        DAILY = "daily", "Balance of each day"
        MINIMUM = "minimum", "Lowest balance of the period"
        AVERAGE = "average", "Average daily balance of the period"

    class Tiering(models.TextChoices):
        WHOLE = "whole", "The tier's rate for the whole balance"
        BANDED = "banded", "Each slice at its own rate"

    class Compounding(models.TextChoices):
        NONE = "none", "None: interest earns interest once it is paid"
        DAILY = "daily", "Every day"
        WEEKLY = "weekly", "Every week"
        MONTHLY = "monthly", "Every month"
        QUARTERLY = "quarterly", "Every quarter"

    class Posting(models.TextChoices):
        DAILY = "daily", "Every day"
        WEEKLY = "weekly", "Every week"
        MONTHLY = "monthly", "Every month"
        QUARTERLY = "quarterly", "Every quarter"
        HALF_YEARLY = "half_yearly", "Every half-year"
        YEARLY = "yearly", "Every year"
        AT_END = "at_end", "At maturity or when the account is closed"

    class Rounding(models.TextChoices):
        HALF_EVEN = "half_even", "Half to even"
        HALF_UP = "half_up", "Half up"
        DOWN = "down", "Down"

    class Remainder(models.TextChoices):
        CARRY = "carry", "Carried to the next posting"
        DROP = "drop", "Dropped"

    product = models.ForeignKey(AccountProduct, on_delete=models.PROTECT, related_name="terms")
    effective_from = models.DateField()
    rates = models.JSONField(default=list, blank=True)
    overdraft_rates = models.JSONField(default=list, blank=True)
    balance_method = models.CharField(max_length=8, choices=Method.choices, default=Method.DAILY)
    tiering = models.CharField(max_length=6, choices=Tiering.choices, default=Tiering.WHOLE)
    day_count = models.CharField(max_length=20, default="ACT/365F")
    compounding = models.CharField(max_length=9, choices=Compounding.choices, default=Compounding.NONE)
    posting = models.CharField(max_length=11, choices=Posting.choices, default=Posting.MONTHLY)
    interest_minimum = models.BigIntegerField(default=0, help_text="A balance below it earns nothing.")
    accrual_decimals = models.PositiveSmallIntegerField(
        default=6, help_text="Decimals of a minor unit to which the interest of a day is rounded, half up."
    )
    posting_rounding = models.CharField(max_length=9, choices=Rounding.choices, default=Rounding.HALF_EVEN)
    posting_unit = models.PositiveIntegerField(default=1, help_text="Interest paid is a multiple of it.")
    remainder = models.CharField(max_length=5, choices=Remainder.choices, default=Remainder.CARRY)
    tax_rate = models.DecimalField(max_digits=7, decimal_places=6, default=0, help_text="Withheld from interest paid.")
    early_rate = models.DecimalField(
        max_digits=9,
        decimal_places=8,
        null=True,
        blank=True,
        help_text="Of a term deposit broken early: the rate a year paid instead; empty: no interest.",
    )
    grace_days = models.PositiveSmallIntegerField(
        default=0,
        db_default=0,
        help_text="Of recurring deposits: days after its date on which an instalment is in time.",
    )
    minimum_balance = models.BigIntegerField(default=0)
    minimum_kept = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Payments may not take the balance below the minimum.",
    )
    maximum_balance = models.BigIntegerField(null=True, blank=True)
    dormant_after_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="Days without a movement by its owner until an account is dormant."
    )
    channels = ArrayField(
        models.CharField(max_length=20), default=list, blank=True, help_text="Channels allowed; none: all."
    )
    note = models.CharField(max_length=200, blank=True, help_text="Why the terms change.")

    class Meta:
        ordering = ("product", "-effective_from")
        verbose_name = "product terms"
        verbose_name_plural = "product terms"
        constraints = [
            models.UniqueConstraint(fields=("product", "effective_from"), name="accounts_terms_once_a_date"),
            models.CheckConstraint(condition=Q(tax_rate__gte=0, tax_rate__lt=1), name="accounts_terms_tax_fraction"),
            models.CheckConstraint(
                condition=Q(maximum_balance__isnull=True) | Q(maximum_balance__gte=F("minimum_balance")),
                name="accounts_terms_maximum_not_below_minimum",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product_id} from {self.effective_from}"


class ProductFee(BaseModel):
    """A fee of a product, charged from `effective_from` to `effective_to`, both included. It ends, it never changes.

    `percent` is a fraction of what `basis` of the kind says: the movement's amount, or the balance. The fee is amount +
    percent x base, at least `fee_min`, at most `fee_max`; the first `free_quota` of a month are free.
    """

    class Kind(models.TextChoices):
        OPENING = "opening", "Opening the account"
        MONTHLY = "monthly", "Every month"
        TRANSACTION = "transaction", "Each movement out"
        BELOW_MINIMUM = "below_minimum", "A month with a balance below the minimum"
        DORMANCY = "dormancy", "Every month while dormant"
        CLOSING = "closing", "Closing the account"
        MISSED = "missed", "An instalment that was missed"

    product = models.ForeignKey(AccountProduct, on_delete=models.PROTECT, related_name="fees")
    kind = models.CharField(max_length=13, choices=Kind.choices)
    name = models.CharField(max_length=80)
    amount = models.BigIntegerField(default=0)
    percent = models.DecimalField(max_digits=9, decimal_places=8, default=0)
    fee_min = models.BigIntegerField(default=0)
    fee_max = models.BigIntegerField(null=True, blank=True)
    free_quota = models.PositiveIntegerField(default=0)
    channels = ArrayField(
        models.CharField(max_length=20), default=list, blank=True, help_text="Of movements: only these; none: all."
    )
    effective_from = models.DateField()
    effective_to = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ("product", "kind", "effective_from")
        verbose_name = "product fee"
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gte=0, percent__gte=0, fee_min__gte=0), name="accounts_fee_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(fee_max__isnull=True) | Q(fee_max__gte=F("fee_min")), name="accounts_fee_max_not_below_min"
            ),
            models.CheckConstraint(
                condition=Q(effective_to__isnull=True) | Q(effective_to__gte=F("effective_from")),
                name="accounts_fee_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return self.name
