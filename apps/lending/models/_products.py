"""What the bank lends, and on which terms from when on."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from apps.core.models import BaseModel


class BorrowerKind(models.TextChoices):
    """Who may borrow."""

    PERSON = "person", "Person"
    BUSINESS = "business", "Business"


class LoanProduct(BaseModel):
    """What the bank lends. What changes with time is in its terms; a product never changes its currency or accounts."""

    class Kind(models.TextChoices):
        PERSONAL = "personal", "Personal"
        HOME = "home", "Home"
        CAR = "car", "Car"
        BUSINESS = "business", "Business"
        GROUP = "group", "Group"
        CREDIT_LINE = "credit_line", "Credit line"

    class Accounting(models.TextChoices):
        ACCRUAL = "accrual", "Accrual"
        CASH = "cash", "Cash"

    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    currency = models.ForeignKey("ledger.Currency", on_delete=models.PROTECT, related_name="+")
    borrowers = ArrayField(models.CharField(max_length=10, choices=BorrowerKind.choices), default=list)
    accounting = models.CharField(
        max_length=7,
        choices=Accounting.choices,
        default=Accounting.ACCRUAL,
        help_text="Cash: interest is income when it is paid; until then it is in suspense.",
    )
    mapping = models.JSONField(default=dict, help_text="Codes of the chart by role; see apps.lending.mapping.")
    number_prefix = models.CharField(max_length=4, help_text="Begins the numbers of its loans.")
    description = models.CharField(max_length=400, blank=True)
    is_active = models.BooleanField(default=True, help_text="Open for new applications.")
    history = HistoricalRecords(
        history_id_field=models.BigAutoField(),
        history_change_reason_field=models.TextField(null=True, blank=True),
    )

    class Meta:
        ordering = ("code",)
        verbose_name = "loan product"

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class LoanProductTerms(BaseModel):
    """The terms of a product from a day on, until the next version. Written once: a loan keeps those it began with.

    Amounts in minor units, rates annual fractions. The documents are read by apps.lending.conventions.
    """

    product = models.ForeignKey(LoanProduct, on_delete=models.PROTECT, related_name="terms")
    number = models.PositiveIntegerField(help_text="The version, from 1.")
    effective_from = models.DateField()
    principal_min = models.BigIntegerField()
    principal_max = models.BigIntegerField()
    instalments_min = models.PositiveSmallIntegerField()
    instalments_max = models.PositiveSmallIntegerField()
    rate = models.DecimalField(max_digits=9, decimal_places=6, help_text="A year; what is offered unless agreed.")
    rate_min = models.DecimalField(max_digits=9, decimal_places=6)
    rate_max = models.DecimalField(max_digits=9, decimal_places=6)
    conventions = models.JSONField(default=dict, help_text="How interest and instalments are worked out.")
    servicing = models.JSONField(default=dict, help_text="How payments, early money and closing work.")
    fees = models.JSONField(default=list, help_text="Fees: upfront, financed, per instalment.")
    penalties = models.JSONField(default=list, help_text="What lateness costs.")
    requirements = models.JSONField(default=dict, help_text="Documents, affordability, collateral, guarantors.")
    arrears = models.JSONField(default=dict, help_text="Buckets, provisions, when accrual stops.")

    class Meta:
        ordering = ("product", "-effective_from", "-number")
        verbose_name = "loan product terms"
        verbose_name_plural = "loan product terms"
        constraints = [
            models.UniqueConstraint(fields=("product", "number"), name="lending_terms_number_once"),
            models.UniqueConstraint(fields=("product", "effective_from"), name="lending_terms_day_once"),
            models.CheckConstraint(
                condition=Q(principal_min__gt=0, principal_max__gte=F("principal_min")), name="lending_terms_principal"
            ),
            models.CheckConstraint(
                condition=Q(instalments_min__gt=0, instalments_max__gte=F("instalments_min")),
                name="lending_terms_instalments",
            ),
            models.CheckConstraint(
                condition=Q(rate_min__gte=0, rate__gte=F("rate_min"), rate_max__gte=F("rate")),
                name="lending_terms_rate",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product_id} version {self.number} from {self.effective_from}"
