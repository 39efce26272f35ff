"""Notifications over HTTP: one's own, what one chose, and what staff may see of deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.core.api.etag import has_already
from apps.core.api.pagination import page_of
from apps.core.api.parsers import json_object_read
from apps.core.api.permissions import ANY_USER
from apps.core.api.query import NoParams
from apps.core.api.serializers import NoBodySerializer, body_read
from apps.core.api.views import ApiView, respond
from apps.core.errors import NotFound
from apps.notifications import services
from apps.notifications.api import serializers as forms
from apps.notifications.errors import PushNotConfigured
from apps.notifications.selectors import (
    choices_of,
    deliveries_visible_to,
    delivery_get_for,
    notification_get_for,
    notifications_of,
    rhythm_of,
    subscriptions_of,
    suppression_get_for,
    suppressions_visible_to,
    unread_state,
)
from apps.notifications.services import Wish
from apps.notifications.signatures import signature_check

if TYPE_CHECKING:
    from apps.identity.models import User


def user_of(request: Request) -> User:
    """Who asks: views that are not public have a user."""
    return cast("User", request.user)


class NotificationsView(ApiView):
    """What the user was told."""

    permissions: ClassVar = {"GET": ANY_USER}

    @extend_schema(
        summary="List one's notifications",
        parameters=[forms.NotificationsQuery],
        responses=page_of(forms.NotificationSerializer),
    )
    def get(self, request: Request) -> Response:
        values = forms.NotificationsQuery.parse(request)
        rows = notifications_of(user_of(request))
        if values["unread"] is not None:
            rows = rows.filter(read_at__isnull=values["unread"])
        if values["kind"] is not None:
            rows = rows.filter(kind=values["kind"])
        return forms.NotificationsQuery.page(rows, request=request, values=values).response(
            forms.NotificationSerializer
        )


class NotificationView(ApiView):
    """One notification."""

    permissions: ClassVar = {"GET": ANY_USER}

    @extend_schema(summary="Read a notification", responses=forms.NotificationSerializer)
    def get(self, request: Request, notification_id: UUID) -> Response:
        NoParams.parse(request)
        found = notification_get_for(user=user_of(request), pk=notification_id)
        return respond(forms.NotificationSerializer(found).data)


class UnreadView(ApiView):
    """The number at the bell."""

    permissions: ClassVar = {"GET": ANY_USER}

    @extend_schema(
        summary="Count unread notifications",
        description="Made to be asked again and again: send If-None-Match with the last ETag; 304 means nothing new.",
        responses={200: forms.UnreadSerializer, 304: None},
    )
    def get(self, request: Request) -> Response:
        NoParams.parse(request)
        unread, tag = unread_state(user_of(request))
        headers = {"ETag": f'"{tag}"', "Cache-Control": "private, no-cache"}
        if has_already(request.headers, headers["ETag"]):
            return Response(status=304, headers=headers)
        return Response({"unread": unread}, headers=headers)


class ReadView(ApiView):
    """Marking one as read."""

    permissions: ClassVar = {"POST": ANY_USER}

    @extend_schema(
        summary="Mark a notification as read",
        request=None,
        responses={200: forms.NotificationSerializer},
    )
    def post(self, request: Request, notification_id: UUID) -> Response:
        NoParams.parse(request)
        body_read(NoBodySerializer, request)
        found = services.notification_mark_read(
            acting_user=user_of(request), notification_id=notification_id, at=clock.now()
        )
        return respond(forms.NotificationSerializer(found).data)


class ReadAllView(ApiView):
    """Marking all as read."""

    permissions: ClassVar = {"POST": ANY_USER}

    @extend_schema(
        operation_id="notifications_read_all",
        summary="Mark all notifications as read",
        request=None,
        responses={200: forms.ReadAllSerializer},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body_read(NoBodySerializer, request)
        return respond({"read": services.notification_mark_read_all(acting_user=user_of(request), at=clock.now())})


class PreferencesView(ApiView):
    """Which kinds reach the user by which channels."""

    permissions: ClassVar = {"GET": ANY_USER, "PATCH": ANY_USER}
    if_match_methods = frozenset()

    @extend_schema(summary="Read one's preferences", responses=forms.PreferencesSerializer)
    def get(self, request: Request) -> Response:
        NoParams.parse(request)
        return self._answer(request)

    @extend_schema(
        summary="Change one's preferences", request=forms.WishesSerializer, responses={200: forms.PreferencesSerializer}
    )
    def patch(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.WishesSerializer, request)
        wishes = [Wish(**wish) for wish in body["preferences"]]
        services.preference_set_many(acting_user=user_of(request), wishes=wishes)
        return self._answer(request)

    def _answer(self, request: Request) -> Response:
        return respond(forms.PreferencesSerializer({"preferences": choices_of(user_of(request))}).data)


class RhythmView(ApiView):
    """When the user wants to be left in peace."""

    permissions: ClassVar = {"GET": ANY_USER, "PUT": ANY_USER}
    if_match_methods = frozenset()

    @extend_schema(summary="Read one's quiet hours", responses=forms.RhythmSerializer)
    def get(self, request: Request) -> Response:
        NoParams.parse(request)
        return respond(forms.RhythmSerializer(rhythm_of(user_of(request))).data)

    @extend_schema(
        summary="Set one's quiet hours", request=forms.RhythmSerializer, responses={200: forms.RhythmSerializer}
    )
    def put(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.RhythmSerializer, request)
        return respond(forms.RhythmSerializer(services.rhythm_set(acting_user=user_of(request), **body)).data)


class PushKeyView(ApiView):
    """What a browser needs to subscribe."""

    permissions: ClassVar = {"GET": ANY_USER}

    @extend_schema(summary="Read the key of web push", responses={200: forms.PushKeySerializer})
    def get(self, request: Request) -> Response:
        NoParams.parse(request)
        key = settings.NUMINA["NOTIFICATIONS"]["PUSH"]["public_key"]
        if not key:
            raise PushNotConfigured
        return respond({"public_key": key})


class SubscriptionsView(ApiView):
    """The browsers that take push messages for the user."""

    permissions: ClassVar = {"GET": ANY_USER, "POST": ANY_USER}

    @extend_schema(
        summary="List one's push subscriptions",
        parameters=[forms.ListParams],
        responses=page_of(forms.SubscriptionSerializer),
    )
    def get(self, request: Request) -> Response:
        values = forms.ListParams.parse(request)
        rows = subscriptions_of(user_of(request))
        return forms.ListParams.page(rows, request=request, values=values).response(forms.SubscriptionSerializer)

    @extend_schema(
        summary="Subscribe a browser to push messages",
        description="The same browser again is the same subscription, and belongs to whoever subscribed it last.",
        request=forms.SubscriptionCreateSerializer,
        responses={201: forms.SubscriptionSerializer},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.SubscriptionCreateSerializer, request)
        found = services.subscription_create(
            acting_user=user_of(request),
            endpoint=body["endpoint"],
            at=clock.now(),
            device=body.get("device", ""),
            **body["keys"],
        )
        location = f"/api/v1/notifications/subscriptions/{found.pk}"
        return respond(forms.SubscriptionSerializer(found).data, status=201, location=location)


class SubscriptionView(ApiView):
    """One browser."""

    permissions: ClassVar = {"DELETE": ANY_USER}

    @extend_schema(summary="Unsubscribe a browser", responses={204: None})
    def delete(self, request: Request, subscription_id: UUID) -> Response:
        NoParams.parse(request)
        services.subscription_end(acting_user=user_of(request), subscription_id=subscription_id, at=clock.now())
        return Response(status=204)


class DeliveriesView(ApiView):
    """What was sent to whom."""

    permissions: ClassVar = {"GET": "notifications.view"}

    @extend_schema(
        summary="List deliveries",
        description="Messages by e-mail, SMS and push, of the whole bank or of the branch, by the user's role.",
        parameters=[forms.DeliveriesQuery],
        responses=page_of(forms.DeliverySerializer),
    )
    def get(self, request: Request) -> Response:
        values = forms.DeliveriesQuery.parse(request)
        rows = deliveries_visible_to(user_of(request))
        for name in ("channel", "status"):
            if values[name] is not None:
                rows = rows.filter(**{name: values[name]})
        return forms.DeliveriesQuery.page(rows, request=request, values=values).response(forms.DeliverySerializer)


class DeliveryView(ApiView):
    """One delivery."""

    permissions: ClassVar = {"GET": "notifications.view"}

    @extend_schema(summary="Read a delivery", responses=forms.DeliverySerializer)
    def get(self, request: Request, delivery_id: UUID) -> Response:
        NoParams.parse(request)
        return respond(forms.DeliverySerializer(delivery_get_for(user=user_of(request), pk=delivery_id)).data)


class DeliveryRetryView(ApiView):
    """Another try for what failed."""

    permissions: ClassVar = {"POST": "notifications.manage"}

    @extend_schema(
        summary="Send a failed delivery again",
        description="It goes back into the queue with all its tries; the next sweep sends it.",
        request=None,
        responses={200: forms.DeliverySerializer},
    )
    def post(self, request: Request, delivery_id: UUID) -> Response:
        NoParams.parse(request)
        body_read(NoBodySerializer, request)
        delivery_get_for(user=user_of(request), pk=delivery_id)
        services.delivery_retry(acting_user=user_of(request), delivery_id=delivery_id, at=clock.now())
        return respond(forms.DeliverySerializer(delivery_get_for(user=user_of(request), pk=delivery_id)).data)


class SuppressionsView(ApiView):
    """Addresses that nothing is sent to."""

    permissions: ClassVar = {"GET": "notifications.view"}

    @extend_schema(
        summary="List addresses that are held back",
        description="Those that do not work and those whose readers complained, of the whole bank or of the branch.",
        parameters=[forms.SuppressionsQuery],
        responses=page_of(forms.SuppressionSerializer),
    )
    def get(self, request: Request) -> Response:
        values = forms.SuppressionsQuery.parse(request)
        rows = suppressions_visible_to(user_of(request))
        if values["channel"] is not None:
            rows = rows.filter(channel=values["channel"])
        if values["standing"] is not None:
            rows = rows.filter(lifted_at__isnull=values["standing"])
        return forms.SuppressionsQuery.page(rows, request=request, values=values).response(forms.SuppressionSerializer)


class SuppressionLiftView(ApiView):
    """Writing to an address again."""

    permissions: ClassVar = {"POST": "notifications.manage"}

    @extend_schema(
        summary="Write to an address again",
        request=forms.SuppressionLiftSerializer,
        responses={200: forms.SuppressionSerializer},
    )
    def post(self, request: Request, suppression_id: UUID) -> Response:
        """What was held back meanwhile is not sent by this; each delivery can be sent again."""
        NoParams.parse(request)
        body = body_read(forms.SuppressionLiftSerializer, request)
        found = suppression_get_for(user=user_of(request), pk=suppression_id)
        row = services.suppression_lift(
            acting_user=user_of(request), suppression_id=found.pk, reason=body["reason"], at=clock.now()
        )
        return respond(forms.SuppressionSerializer(row).data)


class ReportsView(ApiView):
    """What providers of SMS and push report."""

    public = True
    max_body_bytes = 16 * 1024

    @extend_schema(
        summary="Report what became of a message",
        description="For providers. Signed as Standard Webhooks has it (webhook-id, webhook-timestamp, "
        "webhook-signature); the same webhook-id again changes nothing.",
        request=forms.ReportSerializer,
        responses={204: None},
        auth=[],
    )
    def post(self, request: Request, provider: str) -> Response:
        NoParams.parse(request)
        pairs = settings.NUMINA["NOTIFICATIONS"]["WEBHOOK_SECRETS"]
        secrets = [secret for name, secret in pairs if name == provider]
        if not secrets:
            raise NotFound("No such provider.")
        body = request._request.body
        at = clock.now()
        event_id = signature_check(secrets=secrets, headers=request.headers, body=body, now=at.timestamp())
        form = forms.ReportSerializer(data=json_object_read(body))
        form.is_valid(raise_exception=True)
        services.delivery_report(report=form.report(provider=provider, event_id=event_id), at=at)
        return Response(status=204)
