"""What the security parts of identity's API read and show: second factors, sessions, passwords, keys."""

from __future__ import annotations

from rest_framework import serializers

from apps.core.api.fields import BooleanField, ChoiceField, IntegerField, TextField, UUIDField
from apps.core.api.pagination import ListParams
from apps.core.api.serializers import StrictSerializer
from apps.identity.api.serializers import PASSWORD_MAX, AddressField, SecretField
from apps.identity.emails import EMAIL_MAX
from apps.identity.models import ApiKey, SecondFactor, Session

TOKEN_MAX = 64
CODE_MAX = 256
"""A code may be the password, where there is no second factor."""


class MethodSerializer(serializers.Serializer):
    """A way to answer: an app, a phone, a mailbox, a recovery code."""

    id = serializers.CharField(help_text="Id of the second factor; empty for recovery codes.")
    kind = serializers.ChoiceField(choices=["totp", "sms", "email", "recovery"])
    hint = serializers.CharField(help_text="Tells its owner which one it is.")


class ChallengeSerializer(serializers.Serializer):
    """A proof that is asked for."""

    mfa_required = serializers.BooleanField()
    mfa_token = serializers.CharField(help_text="Send it with the code.")
    methods = MethodSerializer(many=True)
    expires_in = serializers.IntegerField(help_text="Seconds to answer in.")


class CodeAskSerializer(StrictSerializer):
    """Which phone or mailbox is to get a code."""

    mfa_token = SecretField(max_length=TOKEN_MAX)
    factor_id = UUIDField()


class SentSerializer(serializers.Serializer):
    """The message is on its way, if there is somebody to send it to."""

    status = serializers.ChoiceField(choices=["sent"])


class CodeSerializer(StrictSerializer):
    """A code of a second factor, or a recovery code."""

    mfa_token = SecretField(max_length=TOKEN_MAX)
    code = SecretField(max_length=CODE_MAX)


class SteppedUpSerializer(serializers.Serializer):
    """Until when what asks for a second factor is open."""

    expires_at = serializers.DateTimeField()


class FactorSerializer(serializers.ModelSerializer):
    """A second factor of one's own."""

    kind = serializers.ChoiceField(choices=SecondFactor.Kind.choices)

    class Meta:
        model = SecondFactor
        fields = ("id", "kind", "name", "confirmed", "created_at", "last_used_at")
        read_only_fields = fields


class FactorListParams(ListParams):
    """Parameters of the list of one's second factors."""

    default_sort = "created_at"


class FactorCreateSerializer(StrictSerializer):
    """A second factor to set up."""

    kind = ChoiceField(choices=SecondFactor.Kind.choices)
    name = TextField(max_length=64, required=False, default="", allow_blank=True)
    address = TextField(
        max_length=32, required=False, default="", allow_blank=True, help_text="Phone, for sms; else one's own."
    )


class FactorBegunSerializer(serializers.Serializer):
    """A second factor that waits for its first code. The key of an app is shown this once."""

    factor = FactorSerializer()
    secret = serializers.CharField(help_text="Base32 key of an app; empty for sms and email.")
    uri = serializers.CharField(help_text="otpauth:// address of an app.")
    qr_svg = serializers.CharField(help_text="The same as a QR code in SVG.")


class ConfirmCodeSerializer(StrictSerializer):
    """The first code."""

    code = SecretField(max_length=16)


class RecoveryCodesSerializer(serializers.Serializer):
    """Recovery codes, shown this once; empty when there were some already."""

    recovery_codes = serializers.ListField(child=serializers.CharField())


class SessionSerializer(serializers.ModelSerializer):
    """A sign-in that is alive."""

    place = serializers.ChoiceField(choices=Session.Place.choices)
    ip = serializers.CharField(allow_null=True)
    current = serializers.SerializerMethodField(help_text="Is it the one that asks?")

    class Meta:
        model = Session
        fields = ("id", "place", "ip", "user_agent", "created_at", "refreshed_at", "expires_at", "current")
        read_only_fields = fields

    def get_current(self, session: Session) -> bool:
        return bool(session.pk == getattr(self.context["request"].user, "session_id", None))


class SessionListParams(ListParams):
    """Parameters of the list of one's sessions."""


class EndedSerializer(serializers.Serializer):
    """How many sessions were ended."""

    ended = serializers.IntegerField()


class PasswordChangeSerializer(StrictSerializer):
    """The present password and the new one."""

    current_password = SecretField(max_length=PASSWORD_MAX)
    new_password = SecretField(max_length=PASSWORD_MAX)


class EmailSerializer(StrictSerializer):
    """An e-mail address."""

    email = AddressField(max_length=EMAIL_MAX)


class LinkSerializer(StrictSerializer):
    """The token of a link that was sent."""

    token = SecretField(max_length=TOKEN_MAX)


class PasswordResetSerializer(LinkSerializer):
    """The token of a link that was sent, and the new password."""

    password = SecretField(max_length=PASSWORD_MAX)


class ApiKeySerializer(serializers.ModelSerializer):
    """A machine's key, without the key itself."""

    user_id = serializers.UUIDField()
    permissions = serializers.ListField(child=serializers.CharField())
    last_used_ip = serializers.CharField(allow_null=True)

    class Meta:
        model = ApiKey
        fields = (
            "id",
            "name",
            "prefix",
            "user_id",
            "permissions",
            "is_live",
            "created_at",
            "expires_at",
            "last_used_at",
            "last_used_ip",
            "revoked_at",
        )
        read_only_fields = fields


class ApiKeyListParams(ListParams):
    """Parameters of the list of keys."""

    user_id = UUIDField(required=False, help_text="Keys of this user only.")


class ApiKeyCreateSerializer(StrictSerializer):
    """A key to make."""

    user_id = UUIDField(help_text="As whom it acts.")
    name = TextField(max_length=80)
    permissions = serializers.ListField(
        child=TextField(max_length=80, identifier=True), min_length=1, max_length=100, help_text="Permission codes."
    )
    days = IntegerField(min_value=1, max_value=3650, default=90, help_text="How long it works.")
    live = BooleanField(default=True, help_text="False: a key for trying out, nk_test_.")


class NewApiKeySerializer(serializers.Serializer):
    """A key just made. `key` is shown this once."""

    key = serializers.CharField()
    api_key = ApiKeySerializer()


class RevokeSerializer(StrictSerializer):
    """Why a key is taken away."""

    reason = TextField(max_length=120)
