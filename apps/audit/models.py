"""The audit trail, append-only and sealed in a hash chain: events, seals, anchors, archives, verifications."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.core import clock
from apps.core.models import BaseModel


class AuditEvent(models.Model):
    """What happened, to what, by whom, from where and why. Written by services.record, never changed.

    PostgreSQL refuses UPDATE, DELETE and TRUNCATE on this table (trigger and REVOKE, see the migrations).
    """

    class Kind(models.TextChoices):
        BUSINESS = "business", "Business"
        SECURITY = "security", "Security"
        ACCESS = "access", "Access"

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(default=clock.now, editable=False)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.BUSINESS)
    action = models.CharField(max_length=80, help_text="<app>.<noun>.<verb>, for example members.member.created.")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    actor_label = models.CharField(max_length=254, blank=True, help_text="Who it was, as known at the time.")
    object_type = models.CharField(max_length=80, blank=True, help_text="<app>.<model>")
    object_id = models.CharField(max_length=64, blank=True)
    object_label = models.CharField(max_length=254, blank=True)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    reason = models.TextField(blank=True)
    ip = models.GenericIPAddressField(null=True, blank=True)
    correlation_id = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["object_type", "object_id", "-id"], name="audit_object"),
            models.Index(fields=["actor", "-id"], name="audit_actor"),
            models.Index(fields=["action", "-id"], name="audit_action"),
            models.Index(fields=["at"], name="audit_at"),
            # "what happened in this request": few rows carry the same id
            models.Index(fields=["correlation_id"], name="audit_correlation", condition=~Q(correlation_id="")),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(kind__in=["business", "security", "access"]), name="audit_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_label or self.object_id}".strip()


class Seal(models.Model):
    """An event's digest, and its link of the chain: sha256 over the link before and the digest. Append-only."""

    event_id = models.BigIntegerField(primary_key=True)  # no foreign key: the event may be in the archive
    month = models.DateField(help_text="First day of the event's month, UTC.")
    digest = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)

    class Meta:
        db_table = "audit_seal"
        indexes: ClassVar = [models.Index(fields=["month"], name="audit_seal_month")]

    def __str__(self) -> str:
        return f"{self.event_id} {bytes(self.hash).hex()[:16]}"


class SealState(models.Model):
    """Where the sealer of the trail stands: one row. See apps.core.drawing for `ceiling` and `waiting`."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    last_id = models.BigIntegerField(default=0)
    head = models.BinaryField(max_length=32)
    ceiling = models.BigIntegerField(default=0)
    waiting = ArrayField(models.TextField(), default=list)
    sealed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "audit_seal_state"
        constraints: ClassVar = [models.CheckConstraint(condition=Q(id=1), name="audit_seal_state_one_row")]

    def __str__(self) -> str:
        return f"sealed to {self.last_id}"


class Anchor(models.Model):
    """The head of a hash chain at the end of a day, also written to the object storage and the log. Append-only."""

    chain = models.CharField(max_length=20, help_text="trail, journal")
    day = models.DateField()
    last_id = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)
    made_at = models.DateTimeField()
    file = models.CharField(max_length=200)

    class Meta:
        db_table = "audit_anchor"
        ordering = ("-day", "chain")
        constraints: ClassVar = [models.UniqueConstraint(fields=["chain", "day"], name="audit_anchor_one_a_day")]

    def __str__(self) -> str:
        return f"{self.chain} {self.day.isoformat()} {self.last_id}:{bytes(self.hash).hex()}"


class Archive(models.Model):
    """A partition of the trail that was written to the object storage. Online again while `restored_at` is set."""

    partition = models.CharField(max_length=40, unique=True)
    starts_on = models.DateField(null=True, help_text="First month; null: everything before the end.")
    ends_on = models.DateField(help_text="First day after it.")
    file = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    rows = models.BigIntegerField()
    archived_at = models.DateTimeField()
    restored_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "audit_archive"
        ordering = ("-ends_on",)

    def __str__(self) -> str:
        return self.partition


class Verification(BaseModel):
    """A check of the whole chain that somebody asked for: its progress and what it found."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        PASSED = "passed", "Passed"
        FAILED = "failed", "Faults found"

    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    total = models.BigIntegerField(default=0, help_text="Sealed events when it began.")
    done = models.BigIntegerField(default=0)
    unsealed = models.BigIntegerField(default=0)
    archived = models.BigIntegerField(default=0)
    anchor = models.CharField(max_length=100, blank=True)
    faults = models.JSONField(default=list)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "audit_verification"
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.get_status_display()} {self.created_at:%Y-%m-%d %H:%M}"


class Export(BaseModel):
    """A file of the trail that nobody waits for: what was asked, the file, its hash. A job of the same id makes
    it. What is in it was in the trail when it was asked for, however late it is made."""

    class Form(models.TextChoices):
        CSV = "csv", "CSV"
        PDF = "pdf", "PDF"

    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    form = models.CharField(max_length=3, choices=Form.choices)
    filters = models.JSONField(default=dict)
    reason = models.CharField(max_length=200)
    upto = models.BigIntegerField(help_text="The newest event of the trail when it was asked for.")
    total = models.PositiveIntegerField(help_text="Events that matched then.")
    rows = models.PositiveIntegerField(default=0, help_text="Events in the file.")
    file = models.CharField(max_length=200, blank=True, help_text="Its name in the storage; empty before and after.")
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    made_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True, help_text="When the file was removed; its hash stays in the trail.")

    class Meta:
        db_table = "audit_export"
        ordering = ("-created_at", "-id")
        verbose_name = "export of the trail"
        verbose_name_plural = "exports of the trail"
        indexes: ClassVar = [
            models.Index(fields=["requested_by", "-created_at", "-id"], name="audit_export_owner"),
            models.Index(fields=["made_at"], name="audit_export_file", condition=~Q(file="")),
        ]

    def __str__(self) -> str:
        return f"{self.total} events as {self.get_form_display()}"
