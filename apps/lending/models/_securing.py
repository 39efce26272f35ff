"""What stands behind a loan: things pledged, and people who vouch with their savings."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.core.models import BaseModel


class Collateral(BaseModel):
    """A thing pledged for a loan. What it is worth is its newest valuation; `share` of that counts as cover."""

    class Kind(models.TextChoices):
        LAND = "land", "Land or building"
        VEHICLE = "vehicle", "Vehicle"
        EQUIPMENT = "equipment", "Equipment"
        STOCK = "stock", "Stock"
        DEPOSIT = "deposit", "Deposit"
        OTHER = "other", "Other"

    loan = models.ForeignKey("lending.Loan", on_delete=models.PROTECT, related_name="collateral")
    kind = models.CharField(max_length=9, choices=Kind.choices)
    description = models.CharField(max_length=200)
    owner = models.CharField(max_length=160, blank=True, help_text="Empty: the borrower.")
    reference = models.CharField(max_length=64, blank=True, help_text="Of the title, the logbook, the register.")
    share = models.DecimalField(
        max_digits=5, decimal_places=4, default=Decimal(1), help_text="Of the value that counts."
    )
    value = models.BigIntegerField(default=0, help_text="The newest valuation, minor units.")
    valued_on = models.DateField(null=True, blank=True)
    released_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ("loan", "created_at")
        verbose_name_plural = "collateral"
        constraints = [
            models.CheckConstraint(condition=Q(share__range=(0, 1), value__gte=0), name="lending_collateral_in_range"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.description}"


class CollateralValuation(models.Model):
    """What somebody found a thing to be worth on a day. Minor units."""

    id = models.BigAutoField(primary_key=True)
    collateral = models.ForeignKey(Collateral, on_delete=models.PROTECT, related_name="valuations")
    valued_on = models.DateField()
    amount = models.BigIntegerField()
    valuer = models.CharField(max_length=160)
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ("-valued_on", "-id")
        verbose_name = "valuation"
        constraints = [models.CheckConstraint(condition=Q(amount__gte=0), name="lending_valuation_not_negative")]

    def __str__(self) -> str:
        return f"{self.valued_on} {self.amount}"


class Guarantor(BaseModel):
    """A member who vouches for a loan up to an amount; with an account, so much of its savings is held."""

    loan = models.ForeignKey("lending.Loan", on_delete=models.PROTECT, related_name="guarantors")
    member = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="guarantees")
    amount = models.BigIntegerField(help_text="Minor units.")
    account = models.ForeignKey(
        "accounts.Account", null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        help_text="Whose savings are held; empty: nothing is held.",
    )  # fmt: skip
    hold_id = models.UUIDField(null=True, blank=True)
    released_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ("loan", "created_at")
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="lending_guarantor_positive"),
            models.UniqueConstraint(
                fields=("loan", "member"), condition=Q(released_on__isnull=True), name="lending_guarantor_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.member_id} for {self.loan_id}"
