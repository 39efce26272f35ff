"""What the API reads and shows of changes of rights."""

from __future__ import annotations

from rest_framework import serializers

from apps.core.api.fields import ChoiceField, CurrencyField, TextField
from apps.core.api.pagination import ListParams
from apps.core.api.serializers import StrictSerializer
from apps.identity.api.serializers import AddressField
from apps.identity.emails import EMAIL_MAX
from apps.identity.limits import amount_plain
from apps.identity.models import AmountLimit, Role

REASON_MAX = 200


class AccessReasonSerializer(StrictSerializer):
    """Why it is done."""

    reason = TextField(max_length=REASON_MAX)


class UserRolesSerializer(AccessReasonSerializer):
    """The roles that a user is to hold: these and no others."""

    roles = serializers.ListField(
        child=TextField(max_length=40, identifier=True), max_length=20, help_text="Codes of roles."
    )


class UserInviteSerializer(UserRolesSerializer):
    """Somebody who is to work here, or a machine."""

    email = AddressField(max_length=EMAIL_MAX)
    full_name = TextField(max_length=160)
    branch = TextField(max_length=20, identifier=True, allow_null=True, help_text="Its code; null: the whole bank.")


class UserBranchSerializer(AccessReasonSerializer):
    """Where a user is to work."""

    branch = TextField(max_length=20, identifier=True, allow_null=True, help_text="Its code; null: the whole bank.")


class RolePermissionsSerializer(AccessReasonSerializer):
    """What a role is to allow: this and nothing else."""

    permissions = serializers.ListField(
        child=TextField(max_length=80, identifier=True), max_length=300, help_text="Permission codes."
    )
    scope = ChoiceField(choices=Role.Scope.choices, required=False, help_text="How far it reaches.")


class AmountLimitSetSerializer(AccessReasonSerializer):
    """A limit from now on, in place of the one in force. Null is no limit of that sort."""

    role = TextField(max_length=40, identifier=True, help_text="Code of the role.")
    permission = TextField(max_length=80, identifier=True, help_text="Permission code, such as payments.transfer.")
    currency = CurrencyField()
    amount_max = TextField(
        max_length=18, identifier=True, allow_null=True, help_text='The most in one transaction, such as "100000.00".'
    )
    step_up_above = TextField(
        max_length=18, identifier=True, allow_null=True, help_text="Above it a second factor is asked for."
    )


class AmountLimitSerializer(serializers.ModelSerializer):
    """The most that holders of a role move at once, and above what they show a second factor."""

    role = serializers.CharField(source="role.code", help_text="Code of the role.")
    amount_max = serializers.SerializerMethodField(help_text="Of the currency; null: no limit.")
    step_up_above = serializers.SerializerMethodField(help_text="Of the currency; null: never asked.")
    ends_at = serializers.DateTimeField(allow_null=True, help_text="Null while it is in force.")

    class Meta:
        model = AmountLimit
        fields = ("id", "role", "permission", "currency", "amount_max", "step_up_above", "starts_at", "ends_at")
        read_only_fields = fields

    def get_amount_max(self, limit: AmountLimit) -> str | None:
        return amount_plain(limit.amount_max, currency=limit.currency)

    def get_step_up_above(self, limit: AmountLimit) -> str | None:
        return amount_plain(limit.step_up_above, currency=limit.currency)


class AmountLimitListParams(ListParams):
    """Parameters of the list of limits by amount, the newest first."""

    sorts = {"starts_at": "starts_at"}
    default_sort = "-starts_at"

    role = TextField(max_length=40, required=False, identifier=True, help_text="Code of a role.")


class ChangeWaitingSerializer(serializers.Serializer):
    """Nothing has changed yet: somebody else has to approve first."""

    status = serializers.ChoiceField(choices=["waiting"])
    approval_id = serializers.UUIDField(help_text="The request for approval.")
    approval_number = serializers.CharField()
