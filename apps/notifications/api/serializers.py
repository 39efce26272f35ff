"""What the notifications API reads and shows."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.core.api.fields import BooleanField, ChoiceField, TextField
from apps.core.api.pagination import ListParams
from apps.core.api.serializers import StrictSerializer
from apps.notifications.models import (
    ENDPOINT_MAX,
    ERROR_MAX,
    Channel,
    Delivery,
    Notification,
    Preference,
    Suppression,
)
from apps.notifications.services import Report

REPORTABLE = [(status, Delivery.Status(status).label) for status in ("delivered", "bounced", "failed")]
WISHES_MAX = 400
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


@extend_schema_field({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$", "example": "22:00"})
class TimeOfDayField(serializers.Field):
    """A time of day as HH:MM."""

    default_error_messages = {"not_time": "Must be a time of day as HH:MM."}

    def to_internal_value(self, data: Any) -> dt.time:
        if not isinstance(data, str) or not _TIME.fullmatch(data):
            self.fail("not_time")
        return dt.time.fromisoformat(data)

    def to_representation(self, value: dt.time) -> str:
        return value.strftime("%H:%M")


class NotificationSerializer(serializers.ModelSerializer):
    """Something that the user was told."""

    link = serializers.CharField(help_text="A path of this site to what it is about; empty when there is none.")

    class Meta:
        model = Notification
        fields = ("id", "kind", "title", "body", "link", "created_at", "read_at")
        read_only_fields = fields


class NotificationsQuery(ListParams):
    """Filters of the list of one's own notifications."""

    unread = BooleanField(required=False, help_text="true: only those not read yet; false: only those read.")
    kind = TextField(max_length=80, required=False, identifier=True)


class UnreadSerializer(serializers.Serializer):
    """How many are unread."""

    unread = serializers.IntegerField()


class ReadAllSerializer(serializers.Serializer):
    """How many were marked as read."""

    read = serializers.IntegerField()


class PreferenceSerializer(serializers.Serializer):
    """How one kind reaches the user by one channel."""

    kind = serializers.CharField()
    title = serializers.CharField(help_text="What the kind is called.")
    channel = serializers.ChoiceField(choices=Channel.choices)
    mode = serializers.ChoiceField(choices=Preference.Mode.choices)
    is_fixed = serializers.BooleanField(help_text="It cannot be switched off.")


class PreferencesSerializer(serializers.Serializer):
    """Every kind and channel with what holds for the user."""

    preferences = PreferenceSerializer(many=True)


class WishSerializer(StrictSerializer):
    """One choice."""

    kind = TextField(max_length=80, identifier=True)
    channel = ChoiceField(choices=Channel.choices)
    mode = ChoiceField(choices=Preference.Mode.choices)


class WishesSerializer(StrictSerializer):
    """Choices; those not named stay as they are."""

    preferences = WishSerializer(many=True, min_length=1, max_length=WISHES_MAX)  # type: ignore[call-arg]


class RhythmSerializer(StrictSerializer):
    """Quiet hours and the time of the digest, by the user's own time zone. Quiet hours may reach over midnight."""

    quiet_from = TimeOfDayField(allow_null=True)
    quiet_to = TimeOfDayField(source="quiet_until", allow_null=True)
    digest_time = TimeOfDayField(source="digest_at")


class PushKeySerializer(serializers.Serializer):
    """The bank's VAPID key, as a browser's `applicationServerKey` takes it."""

    public_key = serializers.CharField()


class SubscriptionKeysSerializer(StrictSerializer):
    """The browser's keys, base64url, as PushSubscription.toJSON() gives them."""

    p256dh = TextField(max_length=100, identifier=True)
    auth = TextField(max_length=40, identifier=True)


class SubscriptionCreateSerializer(StrictSerializer):
    """A browser that is to take push messages."""

    endpoint = TextField(max_length=ENDPOINT_MAX, identifier=True)
    keys = SubscriptionKeysSerializer()
    device = TextField(max_length=80, required=False, allow_blank=True, help_text="What the user calls the browser.")


class SubscriptionSerializer(serializers.Serializer):
    """A browser that takes push messages. Its address and keys are not shown."""

    id = serializers.UUIDField()
    device = serializers.CharField()
    created_at = serializers.DateTimeField()


class DeliverySerializer(serializers.ModelSerializer):
    """One message and what became of it."""

    kind = serializers.CharField(source="notification.kind")
    title = serializers.CharField(source="notification.title")
    address = serializers.CharField(help_text="Where it went; empty before the first success.")
    recipient_id = serializers.UUIDField()

    class Meta:
        model = Delivery
        fields = (
            "id",
            "kind",
            "title",
            "recipient_id",
            "channel",
            "status",
            "address",
            "attempts",
            "due_at",
            "sent_at",
            "settled_at",
            "provider",
            "provider_id",
            "error",
            "created_at",
        )
        read_only_fields = fields


class DeliveriesQuery(ListParams):
    """Filters of the list of deliveries."""

    channel = ChoiceField(choices=Channel.choices, required=False)
    status = ChoiceField(choices=Delivery.Status.choices, required=False)


class SuppressionSerializer(serializers.ModelSerializer):
    """An address that nothing is sent to, or was not for a time."""

    recipient_id = serializers.UUIDField()
    lifted_by = serializers.UUIDField(source="lifted_by_id", allow_null=True)

    class Meta:
        model = Suppression
        fields = (
            "id", "channel", "address", "recipient_id", "reason", "detail", "created_at", "lifted_at", "lifted_by",
            "lifted_because",
        )  # fmt: skip
        read_only_fields = fields


class SuppressionsQuery(ListParams):
    """Filters of the list of addresses that nothing is sent to."""

    channel = ChoiceField(choices=Channel.choices, required=False)
    standing = BooleanField(required=False, help_text="true: only those that hold; false: only those that were lifted.")


class SuppressionLiftSerializer(StrictSerializer):
    """Why an address may be written to again."""

    reason = TextField(max_length=ERROR_MAX, help_text="What has changed, for example: the mailbox was opened again.")


class ReportSerializer(StrictSerializer):
    """A provider's report on one message."""

    message_id = TextField(max_length=255, identifier=True, help_text="As the provider answered when it took it.")
    status = ChoiceField(choices=REPORTABLE)
    detail = TextField(max_length=500, required=False, allow_blank=True)

    def report(self, *, provider: str, event_id: str) -> Report:
        """The validated report."""
        values = self.validated_data
        cause = "bounce" if values["status"] == "bounced" else ""
        return Report(provider, event_id, values["message_id"], values["status"], values.get("detail", ""), cause)
