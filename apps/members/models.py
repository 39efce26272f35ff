"""People and businesses that own accounts."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from apps.core.models import BaseModel
from apps.vault.fields import BlindIndexField, EncryptedTextField

# People dial 0712 345 678; the record says +254712345678. The last nine digits are the same in both.
NATIONAL_DIGITS = 9


class Member(BaseModel):
    """A person or a business known to the bank. Never deleted: a member who leaves is marked as exited."""

    class Kind(models.TextChoices):
        PERSON = "person", "Person"
        BUSINESS = "business", "Business"

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        BLOCKED = "blocked", "Blocked"
        EXITED = "exited", "Exited"

    number = models.CharField(max_length=20, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    first_name = models.CharField(max_length=80, blank=True)
    last_name = models.CharField(max_length=80, blank=True)
    business_name = models.CharField(max_length=160, blank=True)
    registration_number = models.CharField(max_length=40, blank=True)
    date_of_birth = models.DateField(null=True, blank=True)
    email = models.EmailField(max_length=254, blank=True)
    # The column `phone` is the plain one of the release before: emptied, and dropped in the next.
    phone = EncryptedTextField(context="members.member.phone", max_length=20, db_column="phone_sealed")
    phone_index = BlindIndexField(source="phone")
    phone_end_index = BlindIndexField(source="phone", last=NATIONAL_DIGITS)
    address = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=80, blank=True)
    country = models.CharField(max_length=2, blank=True)
    branch = models.ForeignKey("identity.Branch", on_delete=models.PROTECT, related_name="members")
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="member"
    )
    joined_on = models.DateField()
    exited_on = models.DateField(null=True, blank=True)
    national_id = EncryptedTextField(context="members.member.national_id", max_length=40)
    national_id_index = BlindIndexField(source="national_id")
    tax_id = EncryptedTextField(context="members.member.tax_id", max_length=40)
    tax_id_index = BlindIndexField(source="tax_id")
    search_text = models.TextField(editable=False, help_text="Words by which the member is found; see search.py.")
    history = HistoricalRecords(
        excluded_fields=["search_text", "national_id_index", "tax_id_index", "phone_index", "phone_end_index"],
        history_id_field=models.BigAutoField(),
        history_change_reason_field=models.TextField(null=True, blank=True),
    )

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = [
            models.Index(fields=("branch", "-created_at"), name="members_by_branch"),
            models.Index(fields=("last_name", "first_name"), name="members_by_name"),
            models.Index(fields=("phone_index",), name="members_by_whole_phone"),
            models.Index(fields=("phone_end_index",), name="members_by_phone_end"),
            models.Index(fields=("national_id_index",), name="members_by_national_id"),
            models.Index(fields=("tax_id_index",), name="members_by_tax_id"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=(Q(kind="person") & ~Q(first_name="") & ~Q(last_name=""))
                | (Q(kind="business") & ~Q(business_name="")),
                name="members_named_by_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.display_name}"

    @property
    def display_name(self) -> str:
        """The name as shown to people."""
        if self.kind == self.Kind.BUSINESS:
            return self.business_name
        return f"{self.first_name} {self.last_name}".strip()
