"""Machines at which members take money: cash machines, shops' terminals, the online shop; and what they asked for."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from apps.core.models import BaseModel


class Terminal(BaseModel):
    """A place that asks for money by a channel. Amounts are minor units of its currency."""

    class Channel(models.TextChoices):
        ATM = "atm", "Cash machine"
        CARD = "card", "Shop"
        ONLINE = "online", "Online"
        MOBILE = "mobile", "Mobile"

    code = models.CharField(max_length=16, unique=True)
    name = models.CharField(max_length=80)
    channel = models.CharField(max_length=6, choices=Channel.choices)
    branch = models.ForeignKey("identity.Branch", null=True, on_delete=models.PROTECT, related_name="terminals")
    currency = models.CharField(max_length=3)
    amount_max = models.BigIntegerField(help_text="The most that one authorisation may ask for.")
    hold_minutes = models.PositiveIntegerField(help_text="How long an authorisation keeps the money aside.")
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ("code",)
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(amount_max__gt=0, hold_minutes__gte=1), name="payments_terminal_limits_sound"
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Authorisation(BaseModel):
    """What a terminal asked for under a reference of its own. Its state is that of the hold it placed."""

    terminal = models.ForeignKey(Terminal, on_delete=models.PROTECT, related_name="authorisations")
    account = models.ForeignKey("accounts.Account", on_delete=models.PROTECT, related_name="+")
    reference = models.CharField(max_length=40, help_text="The terminal's own, once for each authorisation.")
    hold = models.OneToOneField("balances.Hold", on_delete=models.PROTECT, related_name="+")
    capture_id = models.UUIDField(null=True, help_text="The transaction that took the money.")

    class Meta:
        ordering = ("-created_at", "-id")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["terminal", "reference"], name="payments_authorisation_once")
        ]

    def __str__(self) -> str:
        return f"{self.terminal_id} {self.reference}"
