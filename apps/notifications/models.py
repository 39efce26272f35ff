"""Notifications, their deliveries, what people chose, and the bank's own words."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from apps.core.models import BaseModel

ADDRESS_MAX = 254
ERROR_MAX = 500
ENDPOINT_MAX = 1_000


class Channel(models.TextChoices):
    """How somebody is told. The values are those of core.notices."""

    IN_APP = "in_app", "In the app"
    EMAIL = "email", "E-mail"
    SMS = "sms", "SMS"
    PUSH = "push", "Push"


class Notification(BaseModel):
    """Something that one person was told, in the words of the day: the outbox row and the entry behind the bell."""

    recipient = models.ForeignKey(
        "identity.User", on_delete=models.PROTECT, related_name="notifications", db_index=False
    )  # the unique constraint begins with it
    kind = models.CharField(max_length=80)
    context = models.JSONField(help_text="The facts of the kind, as its dataclass says.")
    title = models.CharField(max_length=200)
    body = models.CharField(max_length=500, blank=True)
    link = models.CharField(max_length=500, blank=True, help_text="A path of this site.")
    key = models.CharField(max_length=200, null=True, blank=True, help_text="Once for each person and kind.")
    in_app = models.BooleanField(default=True, help_text="Shown behind the bell.")
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["recipient", "kind", "key"], name="notification_key_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["recipient", "created_at", "id"], name="notification_list", condition=Q(in_app=True)),
            models.Index(
                fields=["recipient", "id"], name="notification_unread", condition=Q(in_app=True, read_at__isnull=True)
            ),
            BrinIndex(fields=["created_at"], name="notification_age"),
        ]

    def __str__(self) -> str:
        return self.title


class Delivery(BaseModel):
    """One message by one channel to one address. It stays `queued` until the channel has taken it.

    `leased_until` says that a worker has it in hand; once that is over, any other may take it.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        SENT = "sent", "Sent"
        DELIVERED = "delivered", "Delivered"
        BOUNCED = "bounced", "Bounced"
        FAILED = "failed", "Failed"
        SUPPRESSED = "suppressed", "Held back"

    notification = models.ForeignKey(Notification, on_delete=models.PROTECT, related_name="deliveries")
    recipient = models.ForeignKey("identity.User", on_delete=models.PROTECT, related_name="+", db_index=False)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    is_bulk = models.BooleanField(default=False, help_text="At the bank's rate, behind all other.")
    is_digest = models.BooleanField(default=False, help_text="Sent together with the others of the day.")
    subscription = models.ForeignKey("PushSubscription", null=True, on_delete=models.PROTECT, related_name="+")
    address = models.CharField(max_length=ADDRESS_MAX, blank=True)
    due_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    attempted_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True, help_text="Delivered, bounced, failed or held back.")
    provider = models.CharField(max_length=40, blank=True)
    provider_id = models.CharField(max_length=255, blank=True)
    error = models.CharField(max_length=ERROR_MAX, blank=True)

    class Meta:
        ordering = ("-created_at",)
        verbose_name_plural = "deliveries"
        indexes: ClassVar = [
            models.Index(fields=["is_bulk", "due_at"], name="delivery_due", condition=Q(status="queued")),
            models.Index(fields=["provider_id"], name="delivery_provider", condition=~Q(provider_id="")),
            models.Index(fields=["attempted_at"], name="delivery_bulk_rate", condition=Q(is_bulk=True)),
            models.Index(fields=["created_at", "id"], name="delivery_list"),
            models.Index(fields=["recipient", "created_at"], name="delivery_of_person"),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()} {self.address or self.recipient_id}"


class DeliveryEvent(models.Model):
    """What a provider reported. Its id is kept, so that the same report twice counts once."""

    id = models.BigAutoField(primary_key=True)
    provider = models.CharField(max_length=40)
    event_id = models.CharField(max_length=255)
    provider_id = models.CharField(max_length=255)
    status = models.CharField(max_length=10, choices=Delivery.Status.choices)
    detail = models.CharField(max_length=ERROR_MAX, blank=True)
    cause = models.CharField(max_length=10, blank=True, help_text="bounce or complaint: nothing more is sent there.")
    received_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provider", "event_id"], name="delivery_event_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["provider_id"], name="delivery_event_message"),
            BrinIndex(fields=["received_at"], name="delivery_event_age"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.event_id}"


class Suppression(BaseModel):
    """An address that nothing is sent to: it does not work, or who reads it complained. Staff may lift it."""

    class Reason(models.TextChoices):
        BOUNCE = "bounce", "Does not work"
        COMPLAINT = "complaint", "Complained"

    channel = models.CharField(max_length=10, choices=Channel.choices)
    address = models.CharField(max_length=ADDRESS_MAX, help_text="In lower case.")
    recipient = models.ForeignKey("identity.User", on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=10, choices=Reason.choices)
    detail = models.CharField(max_length=ERROR_MAX, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey("identity.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    lifted_because = models.CharField(max_length=ERROR_MAX, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["channel", "address"], name="suppression_once", condition=Q(lifted_at__isnull=True)
            ),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True) | Q(lifted_by__isnull=False), name="suppression_lifted_by_somebody"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["-created_at", "-id"], name="suppression_newest")]

    def __str__(self) -> str:
        return self.address


class Preference(models.Model):
    """What a person chose for one kind and channel; without a row the kind's own default holds."""

    class Mode(models.TextChoices):
        NOW = "now", "At once"
        DIGEST = "digest", "In the daily digest"
        OFF = "off", "Off"

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey("identity.User", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=80)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    mode = models.CharField(max_length=10, choices=Mode.choices)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "kind", "channel"], name="preference_once"),
            models.CheckConstraint(condition=~Q(mode="digest") | Q(channel="email"), name="preference_digest_by_email"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.channel} {self.mode}"


class Rhythm(models.Model):
    """When a person wants to be left in peace, and when the digest comes; in the person's own time zone."""

    user = models.OneToOneField("identity.User", primary_key=True, on_delete=models.PROTECT, related_name="+")
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    digest_at = models.TimeField(default=dt.time(8))

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="rhythm_quiet_has_both_ends",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}"


class PushSubscription(BaseModel):
    """A browser that takes push messages for a user, until it or its push service says otherwise."""

    user = models.ForeignKey("identity.User", on_delete=models.PROTECT, related_name="+")
    endpoint = models.CharField(max_length=ENDPOINT_MAX, unique=True)
    p256dh = models.CharField(max_length=100)
    auth = models.CharField(max_length=40)
    device = models.CharField(max_length=80, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)
        indexes: ClassVar = [
            models.Index(fields=["user", "created_at"], name="push_active", condition=Q(ended_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return self.device or str(self.pk)


class Template(BaseModel):
    """The bank's own words for a kind, channel and language, in place of those in the code."""

    kind = models.CharField(max_length=80)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    locale = models.CharField(max_length=16)
    subject = models.CharField(max_length=200, blank=True)
    text = models.TextField(max_length=10_000)

    history = HistoricalRecords(
        history_id_field=models.BigAutoField(),
        history_change_reason_field=models.TextField(null=True, blank=True),
    )

    class Meta:
        ordering = ("kind", "channel", "locale")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "channel", "locale"], name="template_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.channel} {self.locale}"
