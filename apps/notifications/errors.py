"""What notifications refuse."""

from apps.core.errors import Conflict, NotAuthenticated, Unavailable, Unprocessable


class ChannelFixed(Unprocessable):
    """422: this kind always comes by this channel, at once."""

    code = "notification-channel-fixed"
    title = "The channel cannot be switched off"


class PushNotConfigured(Unavailable):
    """503: the bank has no VAPID key, so browsers cannot subscribe."""

    code = "push-not-configured"
    title = "Push messages are not set up"


class PushEndpointRefused(Unprocessable):
    """422: the endpoint is not one of a known push service."""

    code = "push-endpoint-refused"
    title = "The push endpoint is not accepted"


class DeliveryNotFailed(Conflict):
    """409: only what has failed or bounced can be sent again."""

    code = "delivery-not-failed"
    title = "The delivery has not failed"


class SuppressionLifted(Conflict):
    """409: the address is not held back any more."""

    code = "suppression-lifted"
    title = "The address is not held back any more"


class WebhookSignatureInvalid(NotAuthenticated):
    """401: the signature is missing, wrong or too old."""

    code = "webhook-signature-invalid"
    title = "The signature does not fit"
