"""What the members API reads and shows."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.core.api.fields import ChoiceField, DateField, EmailField, TextField, UUIDField
from apps.core.api.pagination import ListParams
from apps.core.api.serializers import StrictSerializer
from apps.members.models import Member
from apps.vault.crypto import masked

SETTABLE = [(status.value, status.label) for status in (Member.Status.ACTIVE, Member.Status.BLOCKED)]


class BranchRefSerializer(serializers.Serializer):
    """The branch of a member or an account."""

    id = serializers.UUIDField()
    code = serializers.CharField()
    name = serializers.CharField()


class MemberSerializer(serializers.ModelSerializer):
    """A person or a business."""

    display_name = serializers.CharField(help_text="The name as shown to people.")
    email = serializers.CharField(help_text="Empty when there is none.")
    branch = BranchRefSerializer()
    national_id = serializers.SerializerMethodField(help_text="Masked; in full by `reveal`.")
    tax_id = serializers.SerializerMethodField(help_text="Masked; in full by `reveal`.")
    phone = serializers.SerializerMethodField(help_text="Masked, but for the member; in full by `reveal`.")

    class Meta:
        model = Member
        fields = (
            "id",
            "number",
            "kind",
            "status",
            "display_name",
            "first_name",
            "last_name",
            "business_name",
            "registration_number",
            "date_of_birth",
            "email",
            "phone",
            "address",
            "city",
            "country",
            "national_id",
            "tax_id",
            "branch",
            "joined_on",
            "exited_on",
            "created_at",
            "updated_at",
            "version",
        )
        read_only_fields = fields

    def get_national_id(self, member: Member) -> str:
        return masked(member.national_id)

    def get_phone(self, member: Member) -> str:
        return member.phone if getattr(member, "is_own", False) else masked(member.phone)

    def get_tax_id(self, member: Member) -> str:
        return masked(member.tax_id)


class _Facts(StrictSerializer):
    """Facts of a member; the service decides what fits a person and what a business."""

    first_name = TextField(max_length=80, required=False, allow_blank=True, help_text="Persons only.")
    last_name = TextField(max_length=80, required=False, allow_blank=True, help_text="Persons only.")
    business_name = TextField(max_length=160, required=False, allow_blank=True, help_text="Businesses only.")
    registration_number = TextField(
        max_length=40, required=False, allow_blank=True, identifier=True, help_text="Businesses only."
    )
    date_of_birth = DateField(required=False, allow_null=True, help_text="Persons only.")
    email = EmailField(required=False, allow_blank=True)
    phone = TextField(
        max_length=40,
        required=False,
        allow_blank=True,
        identifier=True,
        help_text="With country code; kept as E.164. Shown masked.",
    )
    address = TextField(max_length=200, required=False, allow_blank=True)
    city = TextField(max_length=80, required=False, allow_blank=True)
    country = TextField(
        max_length=2, required=False, allow_blank=True, identifier=True, help_text="ISO 3166-1, two letters."
    )
    national_id = TextField(
        max_length=40,
        required=False,
        allow_blank=True,
        identifier=True,
        help_text="Persons only. Encrypted; shown masked.",
    )
    tax_id = TextField(
        max_length=40, required=False, allow_blank=True, identifier=True, help_text="Encrypted; shown masked."
    )
    branch_id = UUIDField(required=False)


class MemberCreateSerializer(_Facts):
    """A new member. Without a branch it is the branch of the user."""

    kind = ChoiceField(choices=Member.Kind.choices)


class MemberUpdateSerializer(_Facts):
    """Changes of a member; what is not sent stays."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """An empty change is a mistake of the caller."""
        if not attrs:
            raise serializers.ValidationError("Send at least one field.", code="empty")
        return attrs


class MemberStatusSerializer(StrictSerializer):
    """A block, or its end."""

    status = ChoiceField(choices=SETTABLE)
    reason = TextField(max_length=200)


class MemberLookupSerializer(StrictSerializer):
    """A national or tax number. In the body: addresses are written into logs."""

    identity_number = TextField(max_length=40, identifier=True)


class MembersFoundSerializer(serializers.Serializer):
    """Who has the number."""

    data = MemberSerializer(many=True)  # type: ignore[assignment]


class MemberRevealSerializer(StrictSerializer):
    """Why the numbers are looked at."""

    reason = TextField(max_length=200)


class IdentityNumbersSerializer(serializers.Serializer):
    """Identity numbers and phone in full. Empty when there is none."""

    national_id = serializers.CharField()
    tax_id = serializers.CharField()
    phone = serializers.CharField()


class MembersQuery(ListParams):
    """Filters of the list of members."""

    sorts = {"created_at": "created_at", "number": "number"}

    q = TextField(
        max_length=120,
        required=False,
        help_text="Words, each the beginning of a name, number or e-mail address, or a whole phone number.",
    )
    number = TextField(max_length=20, required=False, identifier=True)
    phone = TextField(max_length=40, required=False, identifier=True, help_text="With country code.")
    email = EmailField(required=False)
    kind = ChoiceField(choices=Member.Kind.choices, required=False)
    status = ChoiceField(choices=Member.Status.choices, required=False)
    branch_id = UUIDField(required=False)
