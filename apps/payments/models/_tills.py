"""Tills, the sessions in which tellers work at them, what moved in a session, and cash between till and vault.

Money is in the ledger: a till is a ledger account of its own under cash at tills. Counts of notes and coins are objects
from the value of a piece in minor units to the number of pieces. Amounts are minor units of the till's currency.
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.core.models import BaseModel
from apps.identity.models import history


class Till(BaseModel):
    """A drawer at a branch, in one currency."""

    branch = models.ForeignKey("identity.Branch", on_delete=models.PROTECT, related_name="tills")
    number = models.PositiveSmallIntegerField(help_text="Within the branch.")
    name = models.CharField(max_length=60)
    currency = models.CharField(max_length=3)
    ledger_account = models.OneToOneField("ledger.LedgerAccount", on_delete=models.PROTECT, related_name="till")
    holding_limit = models.BigIntegerField(help_text="The most cash it may hold.")
    transaction_limit = models.BigIntegerField(help_text="The most that one cash transaction may take in or pay out.")
    tolerance = models.BigIntegerField(default=0, help_text="A larger difference at the count needs a supervisor.")
    is_active = models.BooleanField(default=True)

    history = history()

    class Meta:
        ordering = ("branch", "number")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["branch", "number"], name="payments_till_number_once"),
            models.CheckConstraint(
                condition=Q(number__gte=1, holding_limit__gt=0, transaction_limit__gt=0, tolerance__gte=0),
                name="payments_till_limits_sound",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class TillSession(BaseModel):
    """A teller's time at a till: opened with a count, closed with a count.

    `counted` waits for a supervisor: the difference is above the till's tolerance, or `closed_by` has counted for a
    teller who is away, and somebody else closes it. While a session is not closed,
    neither its till nor its teller has another.
    """

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        COUNTED = "counted", "Counted, to be confirmed"
        CLOSED = "closed", "Closed"

    till = models.ForeignKey(Till, on_delete=models.PROTECT, related_name="sessions")
    teller = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OPEN)
    business_date = models.DateField(help_text="The business date on which it was opened.")
    opened_at = models.DateTimeField()
    opening_books = models.BigIntegerField(help_text="Cash in the till by the books when it was opened.")
    opening_counted = models.BigIntegerField()
    opening_count = models.JSONField(default=dict)
    opened_entry = models.BigIntegerField(help_text="The till's newest entry at the opening.")
    counted_at = models.DateTimeField(null=True)
    counted_books = models.BigIntegerField(null=True)
    counted = models.BigIntegerField(null=True)
    count = models.JSONField(default=dict)
    count_note = models.CharField(max_length=200, blank=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    closed_entry = models.BigIntegerField(null=True)
    difference_id = models.UUIDField(null=True, help_text="The transaction that booked the difference.")

    class Meta:
        ordering = ("-opened_at", "-id")
        indexes: ClassVar = [models.Index(fields=["till", "-opened_at"], name="payments_session_by_till")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["till"], condition=~Q(status="closed"), name="payments_one_session_per_till"
            ),
            models.UniqueConstraint(
                fields=["teller"], condition=~Q(status="closed"), name="payments_one_session_per_teller"
            ),
            models.CheckConstraint(
                condition=Q(status="open", counted=None, closed_at=None)
                | Q(status="counted", counted__isnull=False, closed_at=None)
                | Q(status="closed", counted__isnull=False, closed_at__isnull=False),
                name="payments_session_status_sound",
            ),
            models.CheckConstraint(
                condition=Q(opening_counted__gte=0) & (Q(counted=None) | Q(counted__gte=0)),
                name="payments_session_counts_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.till} {self.business_date}"

    @property
    def currency(self) -> str:
        """The till's."""
        return self.till.currency

    @property
    def difference(self) -> int | None:
        """What was counted less what the books said, minor units: above zero is too much. None before the count."""
        if self.counted is None or self.counted_books is None:
            return None
        return self.counted - self.counted_books

    @property
    def opening_difference(self) -> int:
        """The same at the opening."""
        return self.opening_counted - self.opening_books


class TillMovement(models.Model):
    """Cash that came into a till (above zero) or left it, with the notes and coins where they were counted."""

    class Kind(models.TextChoices):
        DEPOSIT = "deposit", "Paid in"
        WITHDRAWAL = "withdrawal", "Paid out"
        FROM_VAULT = "from_vault", "From the vault"
        TO_VAULT = "to_vault", "To the vault"
        DIFFERENCE = "difference", "Difference at the count"

    id = models.BigAutoField(primary_key=True)
    session = models.ForeignKey(TillSession, on_delete=models.PROTECT, related_name="movements")
    transaction_id = models.UUIDField(unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    amount = models.BigIntegerField()
    account = models.ForeignKey("accounts.Account", null=True, on_delete=models.PROTECT, related_name="+")
    count = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        ordering = ("-id",)
        indexes: ClassVar = [models.Index(fields=["session", "-id"], name="payments_movements")]
        constraints: ClassVar = [models.CheckConstraint(condition=~Q(amount=0), name="payments_movement_not_zero")]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount}"

    @property
    def currency(self) -> str:
        """The till's."""
        return self.session.till.currency


class VaultTransfer(BaseModel):
    """Cash on its way between the branch's vault and a till: one person asks, another one confirms and it moves."""

    class Direction(models.TextChoices):
        TO_TILL = "to_till", "From the vault to the till"
        TO_VAULT = "to_vault", "From the till to the vault"

    class Status(models.TextChoices):
        ASKED = "asked", "Asked for"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"

    session = models.ForeignKey(TillSession, on_delete=models.PROTECT, related_name="vault_transfers")
    direction = models.CharField(max_length=8, choices=Direction.choices)
    amount = models.BigIntegerField()
    count = models.JSONField(default=dict)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.ASKED)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    transaction_id = models.UUIDField(null=True)

    class Meta:
        ordering = ("-created_at", "-id")
        indexes: ClassVar = [models.Index(fields=["session", "-created_at"], name="payments_vault_by_session")]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="payments_vault_amount_positive"),
            models.CheckConstraint(
                condition=~Q(status="done") | (Q(decided_by__isnull=False) & ~Q(decided_by=F("asked_by"))),
                name="payments_vault_takes_two",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_direction_display()} {self.amount}"

    @property
    def currency(self) -> str:
        """The till's."""
        return self.session.till.currency
