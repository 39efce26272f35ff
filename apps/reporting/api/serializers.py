"""What the reports' API takes and shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from apps.core.api.fields import (
    BooleanField,
    ChoiceField,
    CurrencyField,
    DateField,
    IntegerField,
    TextField,
    UUIDField,
)
from apps.core.api.pagination import ListParams
from apps.core.api.query import QueryParams
from apps.core.api.serializers import StrictSerializer, WithFrom
from apps.core.currencies import minor_format
from apps.reporting.models import FORMS, KINDS, ReportOpening, ReportSchedule
from apps.reporting.statements import FinancialStatement
from apps.reporting.tables import TABLES

KIND_CODES = [code for code, _ in KINDS]
REPORT_CODES = [*KIND_CODES, *TABLES]
FORM_CODES = [code for code, _ in FORMS]


class StatementParams(WithFrom, QueryParams):
    """Parameters of a financial statement."""

    as_of = DateField(required=False, help_text="Business date at whose end it is drawn up; the open one unless given.")
    from_ = DateField(required=False, help_text="First day of the period; the first of January unless given.")
    branch = TextField(max_length=20, required=False, identifier=True, help_text="Code of a branch.")
    currency = CurrencyField(required=False, help_text="The bank's own unless given.")
    compare = ChoiceField(
        choices=["none", "year"], default="none", help_text="`year` adds the same days a year before."
    )
    variant = ChoiceField(
        choices=["standard", "two-step", "direct"],
        default="standard",
        help_text="`two-step` for the income statement, `direct` for the cash flow.",
    )
    basis = ChoiceField(
        choices=["currency", "translated"],
        default="currency",
        help_text="`translated`: the books of all currencies in the bank's own, by its rates.",
    )
    group_by = ChoiceField(
        choices=["total", "branch", "month"],
        default="total",
        help_text="A column for each branch, or month, beside the whole.",
    )
    format = ChoiceField(choices=["json", "csv", "xlsx", "pdf"], default="json")


OPTIONS = {"variant": "standard", "basis": "currency", "by": "total"}


def options_of(values: Mapping[str, Any]) -> dict[str, str]:
    """The options of a statement that differ from what is drawn unasked."""
    asked = {**values, "by": values["group_by"]} if "group_by" in values else values
    return {name: asked[name] for name, usual in OPTIONS.items() if asked.get(name, usual) != usual}


def table_options_of(values: Mapping[str, Any], report: str) -> dict[str, Any]:
    """The parameters of a list that it asks for."""
    asks = TABLES[report].asks if report in TABLES else ()
    return {name: values[name] for name in ("limit", "days", "who", "kind") if name in asks and values.get(name)}


class ReportColumnSerializer(WithFrom, serializers.Serializer):
    """A column: a period, or a moment when `from` is null."""

    from_ = serializers.DateField(allow_null=True)
    as_of = serializers.DateField()
    branch = serializers.CharField(allow_null=True, help_text="Where a column is of one branch.")


class ReportRowSerializer(serializers.Serializer):
    """A row. Amounts are decimal strings, one a column, positive on the side on which the row naturally grows."""

    kind = serializers.ChoiceField(choices=["heading", "group", "line", "total", "result"])
    label = serializers.CharField()  # type: ignore[assignment]
    depth = serializers.IntegerField(min_value=0)
    code = serializers.CharField(allow_null=True, help_text="Of the node of the chart.")
    gl_account_id = serializers.UUIDField(allow_null=True)
    amounts = serializers.ListField(child=serializers.CharField())


class ReportProofSerializer(serializers.Serializer):
    """A sum that must be nothing in every column."""

    text = serializers.CharField()
    holds = serializers.BooleanField()
    differences = serializers.ListField(child=serializers.CharField())


class FinancialStatementSerializer(serializers.Serializer):
    """A statement with the proof that it ties to the books."""

    kind = serializers.CharField()
    title = serializers.CharField()
    currency = serializers.CharField()
    branch = serializers.CharField(allow_null=True)
    as_of_entry = serializers.IntegerField(help_text="The newest journal entry at the moment of reading.")
    columns = ReportColumnSerializer(many=True)
    rows = ReportRowSerializer(many=True)
    proofs = ReportProofSerializer(many=True)
    is_proven = serializers.BooleanField()


def statement_shown(statement: FinancialStatement, *, branch: str | None) -> dict[str, Any]:
    """What FinancialStatementSerializer describes."""

    def shown(amounts: tuple[int, ...]) -> list[str]:
        return [minor_format(amount, statement.currency) for amount in amounts]

    return {
        "kind": statement.kind,
        "title": statement.title,
        "currency": statement.currency,
        "branch": branch,
        "as_of_entry": statement.as_of_entry,
        "columns": [
            {"from": column.since, "as_of": column.as_of, "branch": column.branch or None}
            for column in statement.columns
        ],
        "rows": [
            {
                "kind": row.kind,
                "label": row.label,
                "depth": row.depth,
                "code": row.code or None,
                "gl_account_id": row.gl_account_id,
                "amounts": shown(row.amounts),
            }
            for row in statement.rows
        ],
        "proofs": [
            {"text": proof.text, "holds": statement.proves(proof), "differences": shown(proof.differences)}
            for proof in statement.proofs
        ],
        "is_proven": statement.is_proven,
    }


class ReportRunListParams(ListParams):
    """Reports that were asked for or came by a schedule, newest first."""

    report = ChoiceField(choices=[*REPORT_CODES, "defined"], required=False)


class ReportRunRequestSerializer(WithFrom, StrictSerializer):
    """A report to be drawn up and kept."""

    report = ChoiceField(choices=REPORT_CODES, required=False)
    definition_id = UUIDField(required=False, help_text="Instead of a report: a definition of a user's.")
    limit = IntegerField(min_value=1, max_value=10_000, required=False, help_text="How many rows, where it matters.")
    days = IntegerField(min_value=1, max_value=36_500, required=False, help_text="How many days, where it matters.")
    who = TextField(max_length=254, required=False, identifier=True, help_text="E-mail address of a user.")
    kind = TextField(max_length=60, required=False, identifier=True, help_text="Kind or band, where it matters.")
    format = ChoiceField(choices=FORM_CODES)
    as_of = DateField(required=False, help_text="Business date at whose end it is drawn up; the open one unless given.")
    from_ = DateField(required=False, help_text="First day of the period; the first of January unless given.")
    currency = CurrencyField(required=False, help_text="The bank's own unless given.")
    branch = TextField(max_length=20, required=False, identifier=True, help_text="Code of a branch.")
    compare = ChoiceField(choices=["none", "year"], default="none")
    variant = ChoiceField(
        choices=["standard", "two-step", "direct"],
        default="standard",
        help_text="`two-step` for the income statement, `direct` for the cash flow.",
    )
    basis = ChoiceField(
        choices=["currency", "translated"],
        default="currency",
        help_text="`translated`: the books of all currencies in the bank's own, by its rates.",
    )
    group_by = ChoiceField(
        choices=["total", "branch", "month"],
        default="total",
        help_text="A column for each branch, or month, beside the whole.",
    )


class ReportRunSerializer(WithFrom, serializers.Serializer):
    """A report that is kept. Until it is drawn up, `drawn_at` is null; the job of the same id says how far it is."""

    id = serializers.UUIDField()
    report = serializers.CharField()
    title = serializers.CharField()
    definition_id = serializers.UUIDField(allow_null=True)
    format = serializers.CharField(source="form")
    from_ = serializers.DateField(source="since")
    as_of = serializers.DateField()
    currency = serializers.CharField()
    branch = serializers.CharField(source="branch_code", help_text="Empty: all branches in reach.")
    compares = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    drawn_at = serializers.DateTimeField(allow_null=True)
    sha256 = serializers.CharField(help_text="Of the file.")
    size = serializers.IntegerField(help_text="Bytes.")
    as_of_entry = serializers.IntegerField(allow_null=True)
    is_proven = serializers.BooleanField(allow_null=True)
    is_scheduled = serializers.SerializerMethodField()

    def get_is_scheduled(self, run: Any) -> bool:
        return run.schedule_id is not None


class ReportScheduleListParams(ListParams):
    """Schedules of reports."""

    is_active = BooleanField(required=False)


class ReportScheduleRequestSerializer(StrictSerializer):
    """A report to be drawn up by itself, over the whole bank."""

    report = ChoiceField(choices=REPORT_CODES, required=False)
    definition_id = UUIDField(required=False, help_text="Instead of a report: a definition of a user's.")
    limit = IntegerField(min_value=1, max_value=10_000, required=False, help_text="How many rows, where it matters.")
    days = IntegerField(min_value=1, max_value=36_500, required=False, help_text="How many days, where it matters.")
    who = TextField(max_length=254, required=False, identifier=True, help_text="E-mail address of a user.")
    kind = TextField(max_length=60, required=False, identifier=True, help_text="Kind or band, where it matters.")
    format = ChoiceField(choices=FORM_CODES)
    rhythm = ChoiceField(choices=ReportSchedule.Rhythm.values)
    role = TextField(max_length=40, identifier=True, help_text="Code of the role whose holders are told.")
    currency = CurrencyField(required=False, help_text="The bank's own unless given.")
    compare = ChoiceField(choices=["none", "year"], default="none")
    variant = ChoiceField(
        choices=["standard", "two-step", "direct"],
        default="standard",
        help_text="`two-step` for the income statement, `direct` for the cash flow.",
    )
    basis = ChoiceField(
        choices=["currency", "translated"],
        default="currency",
        help_text="`translated`: the books of all currencies in the bank's own, by its rates.",
    )
    group_by = ChoiceField(
        choices=["total", "branch", "month"],
        default="total",
        help_text="A column for each branch, or month, beside the whole.",
    )


class ReportScheduleSerializer(serializers.Serializer):
    """A schedule of a report."""

    id = serializers.UUIDField()
    report = serializers.CharField()
    title = serializers.CharField()
    definition_id = serializers.UUIDField(allow_null=True)
    format = serializers.CharField(source="form")
    rhythm = serializers.CharField()
    role = serializers.CharField(source="role.code")
    currency = serializers.CharField()
    compares = serializers.BooleanField()
    is_active = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class ReportOpeningListParams(ListParams):
    """Openings of a report, the newest first."""

    sorts = {"opened_at": "opened_at"}
    default_sort = "-opened_at"


class ReportOpeningSerializer(serializers.Serializer):
    """That somebody opened a report."""

    user_id = serializers.UUIDField()
    email = serializers.CharField(source="user.email")
    way = serializers.ChoiceField(choices=ReportOpening.Way.choices)
    opened_at = serializers.DateTimeField()
