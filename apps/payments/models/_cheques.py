"""Cheques: those of other banks that members pay in, and the bank's own books, leaf by leaf.

Amounts are minor units of the account's currency.
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.core.models import BaseModel
from apps.vault.fields import BlindIndexField, EncryptedTextField

DRAWER = "payments.chequedeposit.drawer_account"
"""The context under which accounts at other banks are encrypted: never changed."""


class ChequeDeposit(BaseModel):
    """A cheque of another bank that was paid in: booked at once, held until it has cleared, or returned."""

    class Status(models.TextChoices):
        CLEARING = "clearing", "In clearing"
        CLEARED = "cleared", "Cleared"
        RETURNED = "returned", "Returned"

    account = models.ForeignKey("accounts.Account", on_delete=models.PROTECT, related_name="cheque_deposits")
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    drawer_bank = models.CharField(max_length=40, help_text="Code of the bank that it is drawn on.")
    drawer_account = EncryptedTextField(context=DRAWER, max_length=34, db_column="drawer_account_sealed")
    drawer_account_index = BlindIndexField(source="drawer_account")
    number = models.CharField(max_length=20)
    drawer_name = models.CharField(max_length=140, blank=True)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.CLEARING)
    deposited_on = models.DateField()
    clears_on = models.DateField(help_text="The business date at whose close it clears unless it was returned.")
    hold = models.OneToOneField("balances.Hold", on_delete=models.PROTECT, related_name="+")
    transaction_id = models.UUIDField(unique=True)
    deposited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    return_reason = models.CharField(max_length=200, blank=True)
    settlement_id = models.UUIDField(null=True, help_text="The transaction that settled it, or took it back.")
    fee = models.BigIntegerField(default=0, help_text="Taken for the return.")
    fee_unpaid = models.BigIntegerField(default=0, help_text="Due for the return, and not there to take.")
    fee_id = models.UUIDField(null=True)

    class Meta:
        ordering = ("-created_at", "-id")
        indexes: ClassVar = [
            models.Index(fields=["clears_on"], condition=Q(status="clearing"), name="payments_cheque_clearing"),
            models.Index(fields=["account", "-created_at"], name="payments_cheque_by_account"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["drawer_bank", "drawer_account_index", "number"],
                condition=~Q(status="returned"),
                name="payments_cheque_paid_in_once",
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0, fee__gte=0, fee_unpaid__gte=0), name="payments_cheque_amounts_sound"
            ),
        ]

    def __str__(self) -> str:
        return f"Cheque {self.number} of {self.drawer_bank}"


class ChequeBook(BaseModel):
    """A run of numbered leaves that was issued on an account."""

    account = models.ForeignKey("accounts.Account", on_delete=models.PROTECT, related_name="cheque_books")
    first_number = models.PositiveIntegerField()
    last_number = models.PositiveIntegerField()
    issued_on = models.DateField()
    issued_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("-created_at", "-id")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(first_number__gte=1, last_number__gte=F("first_number")), name="payments_book_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_number:06d} to {self.last_number:06d}"


class ChequeLeaf(models.Model):
    """One leaf: unused, paid once, or stopped."""

    class Status(models.TextChoices):
        UNUSED = "unused", "Unused"
        PAID = "paid", "Paid"
        STOPPED = "stopped", "Stopped"

    id = models.BigAutoField(primary_key=True)
    book = models.ForeignKey(ChequeBook, on_delete=models.PROTECT, related_name="leaves")
    account = models.ForeignKey("accounts.Account", on_delete=models.PROTECT, related_name="cheque_leaves")
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.UNUSED)
    amount = models.BigIntegerField(null=True)
    transaction_id = models.UUIDField(null=True, unique=True)
    stop_reason = models.CharField(max_length=200, blank=True)
    changed_at = models.DateTimeField(null=True)
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("number",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "number"], name="payments_leaf_once"),
            models.CheckConstraint(
                condition=Q(status="paid", amount__gt=0, transaction_id__isnull=False)
                | (~Q(status="paid") & Q(amount=None, transaction_id=None)),
                name="payments_leaf_paid_has_payment",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number:06d}"

    @property
    def currency(self) -> str:
        """The account's."""
        return self.account.currency
