"""Second factors, recovery codes, one-time proofs and past passwords. Nothing here can be used by who reads it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django_otp.models import Device

from apps.core import clock
from apps.core.ids import uuid7
from apps.identity.models._people import User
from apps.identity.models._sessions import Session
from apps.vault.fields import EncryptedTextField


class SecondFactor(Device):
    """What a user has beside the password: an app that shows codes (TOTP), a phone, a mailbox.

    `app_key` is what an app makes its codes of, encrypted by the vault; `secret` is how it was kept before, until
    `factors_reseal` has moved it. `last_step` is the newest time step whose code was accepted: none of it or before it
    is ever accepted again.
    """

    class Kind(models.TextChoices):
        TOTP = "totp", "Authenticator app"
        SMS = "sms", "Text message"
        EMAIL = "email", "E-mail"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="second_factors")
    confirmed = models.BooleanField(default=False, help_text="A code of it was shown once.")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    app_key = EncryptedTextField(context="identity.secondfactor.app_key", max_length=128)
    secret = models.TextField(blank=True, help_text="Empty: the form before app_key.")
    address = EncryptedTextField(
        context="identity.secondfactor.address",
        max_length=254,
        db_column="address_sealed",
        help_text="Phone number or e-mail address.",
    )
    last_step = models.BigIntegerField(default=-1)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("created_at",)
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(kind__in=["totp", "sms", "email"]), name="factor_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.name}"


class RecoveryCode(models.Model):
    """One of ten codes for the day on which the phone is lost. Each works once."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="recovery_codes")
    code_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.user_id} {'used' if self.used_at else 'unused'}"


class Challenge(models.Model):
    """A one-time proof that is asked for: of a second factor, or of a mailbox by a link.

    Found by the hash of its token; used once; five wrong codes end it.
    """

    class Purpose(models.TextChoices):
        SIGN_IN = "sign_in", "Sign in"
        STEP_UP = "step_up", "Step up"
        CONFIRM_FACTOR = "factor", "Confirm a factor"
        CONFIRM_EMAIL = "email", "Confirm an address"
        RESET_PASSWORD = "reset", "Reset the password"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="challenges")
    session = models.ForeignKey(Session, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    factor = models.ForeignKey(SecondFactor, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    token_hash = models.CharField(max_length=64, unique=True)
    code_hash = models.CharField(max_length=64, blank=True, help_text="Of the code that was sent, keyed.")
    codes_sent = models.PositiveSmallIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["user", "purpose"], name="challenge_user"),
            models.Index(fields=["expires_at"], name="challenge_expires"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.user_id}"


class PastPassword(models.Model):
    """The hash of a password that a user had, so that it is not taken again."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="past_passwords")
    password = models.CharField(max_length=128)
    set_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("-set_at",)

    def __str__(self) -> str:
        return f"{self.user_id} {self.set_at:%Y-%m-%d}"
