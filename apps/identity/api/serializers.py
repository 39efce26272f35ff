"""What identity's API reads and shows."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.core.api.fields import BooleanField, CurrencyField, EmailField, TextField
from apps.core.api.pagination import ListParams
from apps.core.api.serializers import StrictSerializer
from apps.identity.emails import EMAIL_MAX, email_canonical
from apps.identity.models import Branch, Role, User
from apps.vault.crypto import masked

PASSWORD_MAX = 256


class AddressField(EmailField):
    """An e-mail address in its one spelling. Look-alike letters before the @ are refused, not folded."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("not_text")
        try:
            return email_canonical(data)
        except ValueError as error:
            raise serializers.ValidationError(str(error), code="invalid-email") from None

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Judged as it was sent: the folding of identifiers would hide look-alikes."""
        return serializers.Field.run_validation(self, data)


class SecretField(serializers.CharField):
    """A password or token: exactly as sent, bounded, never shown."""

    def __init__(self, *, max_length: int, **kwargs: Any) -> None:
        kwargs.setdefault("style", {"input_type": "password"})
        super().__init__(max_length=max_length, trim_whitespace=False, write_only=True, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("Must be a string.", code="not-text")
        return data


class BranchSerializer(serializers.ModelSerializer):
    """A branch."""

    parent_id = serializers.UUIDField(allow_null=True, help_text="The branch above it.")
    email = serializers.CharField(help_text="Empty when there is none.")

    class Meta:
        model = Branch
        fields = ("id", "code", "name", "parent_id", "time_zone", "address", "phone", "email", "is_active")
        read_only_fields = fields


class RoleSerializer(serializers.ModelSerializer):
    """A role and what it allows."""

    permissions = serializers.ListField(child=serializers.CharField(), help_text="Permission codes.")

    class Meta:
        model = Role
        fields = ("id", "code", "name", "description", "scope", "permissions", "is_staff_role")
        read_only_fields = fields


class BranchShortSerializer(serializers.Serializer):
    """The branch somebody works in."""

    id = serializers.UUIDField()
    code = serializers.CharField()
    name = serializers.CharField()


class UserSerializer(serializers.ModelSerializer):
    """A user as staff see them."""

    phone = serializers.SerializerMethodField(help_text="Masked, but for oneself.")
    branch = BranchShortSerializer(allow_null=True)
    created_at = serializers.DateTimeField(source="date_joined")
    last_login_at = serializers.DateTimeField(source="last_login", allow_null=True)
    roles = serializers.ListField(child=serializers.CharField(), source="role_codes", help_text="Codes of the roles.")

    class Meta:
        model = User
        fields = (
            "id",
            "email",
            "full_name",
            "phone",
            "branch",
            "roles",
            "is_staff",
            "is_active",
            "locale",
            "time_zone",
            "preferred_currency",
            "created_at",
            "last_login_at",
            "mfa_enabled_at",
        )
        read_only_fields = fields

    def get_phone(self, user: User) -> str:
        return masked(user.phone)


class MeSerializer(UserSerializer):
    """The user who asks, with everything the roles allow."""

    permissions = serializers.SerializerMethodField(help_text="Permission codes held.")
    scope = serializers.ChoiceField(
        choices=Role.Scope.choices, source="reach", help_text="How far the permissions reach."
    )

    class Meta:
        model = User
        fields = (*UserSerializer.Meta.fields, "permissions", "scope")
        read_only_fields = fields

    def get_phone(self, user: User) -> str:
        return user.phone

    def get_permissions(self, user: User) -> list[str]:
        return sorted(user.permission_codes)


class RegisterSerializer(StrictSerializer):
    """A new user of the public API."""

    email = AddressField(max_length=EMAIL_MAX)
    password = SecretField(max_length=PASSWORD_MAX)
    full_name = TextField(max_length=160, required=False, default="", allow_blank=True)
    phone = TextField(max_length=32, required=False, default="", allow_blank=True, identifier=True)


class RegisteredSerializer(serializers.Serializer):
    """The same whether the address was free or taken."""

    email = serializers.CharField()
    status = serializers.ChoiceField(choices=["registered"])


class LoginSerializer(StrictSerializer):
    """An e-mail address and a password."""

    email = AddressField(max_length=EMAIL_MAX)
    password = SecretField(max_length=PASSWORD_MAX)


class RefreshSerializer(StrictSerializer):
    """The refresh token of the last answer; it works once."""

    refresh = SecretField(max_length=4096)


class LogoutSerializer(StrictSerializer):
    """A refresh token of another session of the same user, to end that one too."""

    refresh = SecretField(max_length=4096, required=False)


class TokenPairSerializer(serializers.Serializer):
    """Access for the API, refresh for the next pair."""

    access = serializers.CharField()
    refresh = serializers.CharField()
    token_type = serializers.ChoiceField(choices=["Bearer"])
    expires_in = serializers.IntegerField(help_text="Life of the access token in seconds.")


class LoginResultSerializer(TokenPairSerializer):
    """Tokens, and who they belong to."""

    mfa_required = serializers.BooleanField(help_text="False: the sign-in is complete.")
    user = MeSerializer()


class MePatchSerializer(StrictSerializer):
    """What people may change about themselves."""

    full_name = TextField(max_length=160, required=False, allow_blank=True)
    phone = TextField(max_length=32, required=False, allow_blank=True, identifier=True)
    locale = TextField(max_length=16, required=False, help_text="For example en-KE.")
    time_zone = TextField(max_length=64, required=False, help_text="IANA name, for example Africa/Nairobi.")
    preferred_currency = CurrencyField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """An empty change is a mistake of the caller."""
        if not attrs:
            raise serializers.ValidationError("Send at least one field.", code="empty")
        return attrs


class BranchListParams(ListParams):
    """Parameters of the list of branches."""

    sorts = {"code": "code"}
    default_sort = "code"

    is_active = BooleanField(required=False)


class RoleListParams(ListParams):
    """Parameters of the list of roles."""

    sorts = {"code": "code"}
    default_sort = "code"


class UserListParams(ListParams):
    """Parameters of the list of users."""

    sorts = {"email": "email", "created_at": "date_joined"}
    default_sort = "email"

    role = TextField(max_length=40, required=False, identifier=True, help_text="Code of a role.")
    branch = TextField(max_length=20, required=False, identifier=True, help_text="Code of a branch.")
    email = AddressField(max_length=EMAIL_MAX, required=False)
    is_active = BooleanField(required=False)
