"""What the API of jobs reads and shows."""

from __future__ import annotations

from typing import ClassVar

from rest_framework import serializers

from apps.core.api.fields import BooleanField, ChoiceField, DateField, TextField
from apps.core.api.pagination import ListParams
from apps.core.api.serializers import StrictSerializer
from apps.jobs.models import QUEUES, ClosePart, CloseRun, DeadLetter, Job, ScheduleRun


class JobProgressSerializer(serializers.Serializer):
    """How far a job is. `total` is 0 while nobody knows; the unit is the kind's own."""

    done = serializers.IntegerField(source="progress_done")
    total = serializers.IntegerField(source="progress_total")
    percent = serializers.IntegerField()
    message = serializers.CharField(source="progress_message")


class JobSerializer(serializers.ModelSerializer):
    """A job. Poll it with If-None-Match: 304 until something changed."""

    progress = JobProgressSerializer(source="*")
    payload = serializers.DictField()
    result = serializers.DictField(allow_null=True, help_text="What came of it, by the kind.")
    result_url = serializers.CharField(allow_blank=True, help_text="Where the result is; empty while there is none.")
    error = serializers.DictField(allow_null=True, help_text="Of the last failure, a problem document.")
    owner_id = serializers.UUIDField(allow_null=True)
    branch_id = serializers.UUIDField(allow_null=True)

    class Meta:
        model = Job
        fields = (
            "id",
            "kind",
            "queue",
            "status",
            "progress",
            "payload",
            "result",
            "result_url",
            "error",
            "attempts",
            "attempts_max",
            "owner_id",
            "branch_id",
            "created_at",
            "available_at",
            "started_at",
            "finished_at",
            "cancel_asked_at",
        )
        read_only_fields = fields


class JobListParams(ListParams):
    """Parameters of the list of jobs; newest first."""

    status = ChoiceField(choices=Job.Status.values, required=False)
    kind = TextField(max_length=80, required=False, identifier=True)
    queue = ChoiceField(choices=QUEUES, required=False)
    stuck = BooleanField(required=False, help_text="Only those whose worker is lost, or which wait for too long.")


class JobStartSerializer(StrictSerializer):
    """What to do. Which kinds there are, and their payloads, is in the reference of jobs."""

    kind = TextField(max_length=80, identifier=True)
    payload = serializers.DictField(required=False, default=dict)


class DeadLetterSerializer(serializers.ModelSerializer):
    """A job that failed for good. The traceback is for staff: it may name what the problem document does not."""

    job_id = serializers.UUIDField()
    payload = serializers.DictField()
    error = serializers.DictField()
    decided_by = serializers.UUIDField(source="decided_by_id", allow_null=True)

    class Meta:
        model = DeadLetter
        fields = (
            "id",
            "job_id",
            "kind",
            "queue",
            "payload",
            "reason",
            "error",
            "traceback",
            "attempts",
            "decision",
            "decided_at",
            "decided_by",
            "note",
            "created_at",
        )
        read_only_fields = fields


class DeadLetterListParams(ListParams):
    """Parameters of the list of dead letters; newest first."""

    decision = ChoiceField(choices=DeadLetter.Decision.values, required=False)
    kind = TextField(max_length=80, required=False, identifier=True)
    queue = ChoiceField(choices=QUEUES, required=False)


class LetterDecisionSerializer(StrictSerializer):
    """Why."""

    note = TextField(max_length=400)


class QueueStateSerializer(serializers.Serializer):
    """A queue: what waits, what runs, what failed. Ages in seconds."""

    queue = serializers.CharField()
    messages = serializers.IntegerField(allow_null=True, help_text="In the broker; null when it does not answer.")
    waiting = serializers.IntegerField()
    oldest_seconds = serializers.IntegerField()
    running = serializers.IntegerField()
    stuck = serializers.IntegerField()
    failed_today = serializers.IntegerField(help_text="In the last 24 hours.")
    dead_letters = serializers.IntegerField(help_text="That wait for a decision.")


class QueuesSerializer(serializers.Serializer):
    """All queues, most urgent first."""

    data = QueueStateSerializer(many=True)  # type: ignore[assignment]


class ScheduleStateSerializer(serializers.Serializer):
    """A schedule, for the bank or for a branch."""

    name = serializers.CharField(source="schedule.name")
    title = serializers.CharField(source="schedule.title")
    branch = serializers.CharField(source="branch.code", allow_null=True, default=None)
    time = serializers.CharField(
        source="schedule.at", help_text="HH:MM:SS by the clock of the branch or the head office."
    )
    every_day = serializers.BooleanField(source="schedule.every_day", help_text="Otherwise on business days.")
    last_business_date = serializers.DateField(source="last.business_date", allow_null=True, default=None)
    last_outcome = serializers.ChoiceField(
        choices=ScheduleRun.Outcome.values, source="last.outcome", allow_null=True, default=None
    )
    last_started_at = serializers.DateTimeField(source="last.started_at", allow_null=True, default=None)
    last_seconds = serializers.IntegerField(source="seconds", allow_null=True)
    next_business_date = serializers.DateField(source="next_date", allow_null=True)
    next_at = serializers.DateTimeField(allow_null=True)


class SchedulesSerializer(serializers.Serializer):
    """All schedules."""

    data = ScheduleStateSerializer(many=True)  # type: ignore[assignment]


class ClosePartSerializer(serializers.ModelSerializer):
    """One partition of a step."""

    result = serializers.DictField()

    class Meta:
        model = ClosePart
        fields = ("step", "partition", "status", "attempts", "started_at", "finished_at", "result", "error")
        read_only_fields = fields


class CloseRunSerializer(serializers.ModelSerializer):
    """The close of a business date."""

    started_by = serializers.UUIDField(source="started_by_id", allow_null=True)

    class Meta:
        model = CloseRun
        fields = ("id", "business_date", "status", "starts", "started_at", "finished_at", "started_by")
        read_only_fields = fields


class CloseReportSerializer(CloseRunSerializer):
    """The close of a business date with all its steps in their order."""

    parts = ClosePartSerializer(many=True)

    class Meta:
        model = CloseRun
        fields = (*CloseRunSerializer.Meta.fields, "parts")
        read_only_fields = fields


class CloseListParams(ListParams):
    """Parameters of the list of closes; newest first."""

    sorts: ClassVar = {"business_date": "business_date"}
    default_sort = "-business_date"
    tie = "business_date"


class CloseStartSerializer(StrictSerializer):
    """Which date; without one, the date that is waiting to be closed."""

    business_date = DateField(required=False)
    dry_run = BooleanField(help_text="True: only say what would be done.")
