"""How much of the loans of a product is provided for, and what was provided for each."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from apps.core.models import BaseModel


class ProvisionPolicy(BaseModel):
    """How loans of a product are provided for from a day on; without one, by the buckets of their terms.

    IFRS 9: expected loss = exposure x probability of default x loss given default, in stage 1 with the probability of
    12 months, in stage 2 of the whole life; stage 3 is the default itself.
    """

    class Method(models.TextChoices):
        BUCKETS = "buckets", "By bucket of arrears"
        IFRS9 = "ifrs9", "Expected losses by IFRS 9"

    product = models.ForeignKey("lending.LoanProduct", on_delete=models.PROTECT, related_name="provision_policies")
    effective_from = models.DateField()
    method = models.CharField(max_length=7, choices=Method.choices, default=Method.IFRS9)
    stage_2_after = models.PositiveIntegerField(default=30, help_text="Days past due.")
    stage_3_after = models.PositiveIntegerField(default=90, help_text="Days past due.")
    cure_days = models.PositiveIntegerField(default=0, help_text="Without arrears before a loan goes a stage back.")
    pd_12_months = models.DecimalField(max_digits=9, decimal_places=8, default=0)
    pd_lifetime = models.DecimalField(max_digits=9, decimal_places=8, default=0)
    lgd = models.DecimalField(max_digits=9, decimal_places=8, default=1, help_text="Loss given default.")
    with_interest = models.BooleanField(default=True, help_text="Interest that is income counts as exposure.")

    class Meta:
        ordering = ("product", "-effective_from")
        verbose_name = "provision policy"
        verbose_name_plural = "provision policies"
        constraints = [
            models.UniqueConstraint(fields=("product", "effective_from"), name="lending_policy_day_once"),
            models.CheckConstraint(
                condition=Q(
                    pd_12_months__range=(0, 1), pd_lifetime__range=(0, 1), lgd__range=(0, 1),
                    stage_3_after__gte=F("stage_2_after"),
                ),
                name="lending_policy_fractions",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.product_id} from {self.effective_from}"


class ProvisionChange(models.Model):
    """A change of the allowance of a loan at a close, with what it was worked out from. Minor units."""

    id = models.BigAutoField(primary_key=True)
    loan = models.ForeignKey("lending.Loan", on_delete=models.PROTECT, related_name="provision_changes")
    business_date = models.DateField()
    from_stage = models.PositiveSmallIntegerField(null=True)
    to_stage = models.PositiveSmallIntegerField()
    held = models.BigIntegerField()
    required = models.BigIntegerField()
    exposure = models.BigIntegerField()
    days = models.PositiveIntegerField(help_text="Days late that count.")
    bucket = models.CharField(max_length=30, blank=True)
    method = models.CharField(max_length=7, choices=ProvisionPolicy.Method.choices)
    pd = models.DecimalField(max_digits=9, decimal_places=8, help_text="By bucket: the share provided for.")
    lgd = models.DecimalField(max_digits=9, decimal_places=8, default=1)

    class Meta:
        ordering = ("-business_date", "-id")
        verbose_name = "change of a provision"
        verbose_name_plural = "changes of provisions"
        constraints = [
            models.UniqueConstraint(fields=("loan", "business_date"), name="lending_provision_change_once"),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id} {self.business_date} {self.required}"
