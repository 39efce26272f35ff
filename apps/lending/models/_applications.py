"""What members ask for, from the draft to the acceptance of the bank's offer."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from apps.core.models import BaseModel


class LoanApplication(BaseModel):
    """A request for a loan. Amounts in minor units of the product's currency, rates annual fractions."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        SUBMITTED = "submitted", "Submitted"
        APPROVED = "approved", "Offer made"
        ACCEPTED = "accepted", "Accepted"
        REJECTED = "rejected", "Rejected"
        WITHDRAWN = "withdrawn", "Withdrawn"
        EXPIRED = "expired", "Offer lapsed"

    class PayOut(models.TextChoices):
        ACCOUNT = "account", "To an account"
        CASH = "cash", "In cash"
        EXTERNAL = "external", "To another bank"

    number = models.CharField(max_length=20, unique=True)
    product = models.ForeignKey("lending.LoanProduct", on_delete=models.PROTECT, related_name="applications")
    terms = models.ForeignKey("lending.LoanProductTerms", null=True, blank=True, on_delete=models.PROTECT)
    member = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="loan_applications")
    branch = models.ForeignKey("identity.Branch", on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    amount = models.BigIntegerField(help_text="What is asked for.")
    instalments = models.PositiveSmallIntegerField()
    rate = models.DecimalField(max_digits=9, decimal_places=6, null=True, blank=True, help_text="Empty: the product's.")
    first_due = models.DateField(null=True, blank=True)
    purpose = models.CharField(max_length=400, blank=True)
    pay_out = models.CharField(max_length=8, choices=PayOut.choices, default=PayOut.ACCOUNT)
    account = models.ForeignKey(
        "accounts.Account", null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        help_text="Where the money goes, and what instalments are taken from.",
    )  # fmt: skip
    finances = models.JSONField(default=dict, help_text="Income and expenses a month, as told.")
    affordability = models.JSONField(default=dict, help_text="What came of them when it was submitted.")
    documents = models.JSONField(default=list, help_text="The check list: code, name, required, received.")
    score = models.IntegerField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    verified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    verification_note = models.CharField(max_length=400, blank=True, help_text="What was checked, and how.")
    approval_request = models.UUIDField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decision_note = models.CharField(max_length=400, blank=True)
    offered_amount = models.BigIntegerField(null=True, blank=True)
    offered_instalments = models.PositiveSmallIntegerField(null=True, blank=True)
    offered_rate = models.DecimalField(max_digits=9, decimal_places=6, null=True, blank=True)
    offer_ends_on = models.DateField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    history = HistoricalRecords(
        history_id_field=models.BigAutoField(),
        history_change_reason_field=models.TextField(null=True, blank=True),
    )

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = "loan application"
        indexes = [
            models.Index(fields=("branch", "-created_at"), name="lending_application_by_branch"),
            models.Index(fields=("status", "-created_at"), name="lending_application_by_status"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0, instalments__gt=0), name="lending_application_positive"),
            models.CheckConstraint(
                condition=~Q(status__in=("approved", "accepted"))
                | Q(offered_amount__gt=0, offered_instalments__gt=0, offered_rate__gte=0),
                name="lending_application_offer_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.number
