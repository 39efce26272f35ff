"""Operational reports and reports of users' own on the staff site."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.core import clock
from apps.core.charts import Chart, Values, bars, line
from apps.core.currencies import CURRENCIES, currency_get
from apps.core.errors import DomainError
from apps.core.query_forms import QueryForm
from apps.core.record_pages import user_may
from apps.identity.guards import step_up_check
from apps.ledger.admin.scope import branch_ids_of, branches_of
from apps.ledger.figures import business_date_or_none
from apps.reporting import services
from apps.reporting.api.table_views import table_response
from apps.reporting.definitions import DATASETS, OPS, Plan, definition_table, spec_check
from apps.reporting.selectors import definition_get_for, definitions_visible_to
from apps.reporting.tables import TABLES, Column, Drill, Params, Table, TableReport, table_read
from apps.reporting.tables.render import RIGHT, Sums, currency_of, currency_place, shown

ROWS_SHOWN = 200
SHORT = 30
"""Characters of a text that stays in one line."""
LIMIT, DAYS = 100, 365
OP_WORDS = {"eq": "is", "in": "is one of (by commas)"}
"""What the form calls comparisons whose names are no words."""


def tables_page(site: Any, request: HttpRequest) -> HttpResponse:
    """Every list that the user may read, by group, and the reports of users' own."""
    if not user_may(request, "reporting.read"):
        raise PermissionDenied
    user: Any = request.user
    groups: dict[str, list[TableReport]] = {}
    for report in TABLES.values():
        if user_may(request, report.permission):
            groups.setdefault(report.group, []).append(report)
    context = {
        "table_groups": list(groups.items()),
        "table_definitions": definitions_visible_to(user) if user_may(request, "reporting.define") else [],
        "table_may_define": user_may(request, "reporting.define"),
    }
    return _page(site, request, "Lists", [("Lists", "")], "reporting/tables.html", context)


def table_page(site: Any, request: HttpRequest, code: str) -> HttpResponse | FileResponse:
    """One list with its filters; `format` asks for a file of the same."""
    report = TABLES.get(code)
    if report is None:
        raise Http404
    if not (user_may(request, "reporting.read") and user_may(request, report.permission)):
        raise PermissionDenied
    form = QueryForm(request)
    user: Any = request.user
    today = business_date_or_none()
    crumbs = [("Lists", reverse("admin:reporting_tables")), (report.title, "")]
    context: dict[str, Any] = {"table_report": report, "table_read_at": clock.now()}
    if today is not None:
        branches = branches_of(request)
        branch = next((one for one in branches if one.code == form.text("branch")), None)
        reach = [branch.pk] if branch else branch_ids_of(request)
        as_of = form.day("as_of", "To") or today
        since = form.day("since", "From") or as_of.replace(day=1)
        params = Params(
            as_of=as_of, since=min(since, as_of), currency=form.choice("currency", CURRENCIES),
            branch_ids=None if reach is None else tuple(reach),
            limit=_number(form, "limit", LIMIT, 10_000), days=_number(form, "days", DAYS, 36_500),
            who=form.text("who", characters=254), kind=form.text("kind", characters=60),
        )  # fmt: skip
        scope = branch.name if branch else "All branches" if reach is None else "Own branches"
        table = table_read(report, params, scope=scope)
        file = form.choice("format", ("csv", "xlsx", "pdf"))
        if file:
            step_up_check(user, at=clock.now())
            services.table_exported(acting_user=user, code=code, title=report.title, form=file, at=clock.now())
            try:
                return table_response(table, file, drawn_by=user.full_name)
            except DomainError as error:
                form.faults.append(error.detail or error.title)
                table = table_read(report, params, scope=scope)
        if report.drill is not None and not _leads(site, request, report.drill):
            table = replace(table, drill=None)
        context |= {"table_params": params, "table_branches": branches, "table_branch": branch, **table_shown(table)}
    context["page_faults"] = form.faults
    return _page(site, request, report.title, crumbs, "reporting/table.html", context)


def _number(form: QueryForm, name: str, usual: int, most: int) -> int:
    raw = form.text(name, characters=6)
    return min(int(raw), most) if raw.isascii() and raw.isdigit() and int(raw) > 0 else usual


def table_shown(table: Table) -> dict[str, Any]:
    """A list as the page shows it: its first 200 rows, and sums when those are all."""
    sums = Sums(table)
    place = currency_place(table.columns)
    rows: list[list[tuple[str, str, str]]] = []
    source = sums.watched(iter(table.rows))
    is_cut = False
    for row in source:
        if len(rows) == ROWS_SHOWN:
            is_cut = True
            break
        currency = currency_of(table, row, place)
        address = _address(table, row)
        rows.append(
            [
                (text, _look(c, text), "" if number else address)
                for number, (v, c) in enumerate(zip(row, table.columns, strict=True))
                for text in [shown(v, c, currency)]
            ]
        )
    source.close()  # type: ignore[attr-defined]
    lines = [] if is_cut else sums.lines()
    return {
        "table_columns": [(column.title, _look(column)) for column in table.columns],
        "table_rows": rows,
        "table_sums": [
            [("" if v is None else shown(v, c, code), _look(c)) for v, c in zip(values, table.columns, strict=True)]
            for code, values in lines
        ],
        "table_is_cut": is_cut,
        "table_most": ROWS_SHOWN,
    }


def _leads(site: Any, request: HttpRequest, drill: Drill) -> bool:
    """Whether the user may see what rows of a list lead to: another list, or records of a model."""
    if drill.view == "admin:reporting_table":
        return user_may(request, TABLES[drill.args[0]].permission)
    name = drill.view.removeprefix("admin:").rpartition("_")[0]
    return any(
        one.has_view_permission(request)
        for model, one in site._registry.items()
        if f"{model._meta.app_label}_{model._meta.model_name}" == name
    )


def _look(column: Column, text: str = "") -> str:
    """Figures stand at the right; dates, names and codes in one line, long texts in a column that has room for them."""
    return "nm-number" if column.kind in RIGHT else "nm-long" if len(text) > SHORT else "nm-nowrap"


def _address(table: Table, row: Sequence[Any]) -> str:
    """Where the row leads: what its figures are made of, or the record that it is about."""
    if table.drill is None:
        return ""
    known = {c.key: "" if v is None else str(v) for v, c in zip(row, table.columns, strict=True)}
    known |= {"as_of": table.as_of.isoformat(), "since": (table.since or table.as_of.replace(day=1)).isoformat()}
    args = [one.format_map(known) for one in table.drill.args]
    if not all(args):
        return ""
    query = {name: text for name, one in table.drill.query.items() if (text := one.format_map(known))}
    return reverse(table.drill.view, args=args) + (f"?{urlencode(query)}" if query else "")


def definition_page(site: Any, request: HttpRequest, definition_id: UUID) -> HttpResponse | FileResponse:
    """What a definition finds now, with its chart; `format` asks for a file."""
    if not user_may(request, "reporting.define"):
        raise PermissionDenied
    user: Any = request.user
    form = QueryForm(request)
    today = business_date_or_none()
    try:
        definition = definition_get_for(user=user, pk=definition_id)
    except DomainError as error:
        raise Http404 from error
    context: dict[str, Any] = {"definition": definition, "definition_is_own": definition.owner_id == user.pk}
    try:
        plan = spec_check(dataset=definition.dataset, spec=definition.spec, user=user)
        if today is not None:
            table = definition_table(title=definition.title, plan=plan, user=user, day=today)
            file = form.choice("format", ("csv", "xlsx", "pdf"))
            if file:
                step_up_check(user, at=clock.now())
                services.definition_exported(acting_user=user, definition=definition, form=file, at=clock.now())
                return table_response(table, file, drawn_by=user.full_name)
            bounded = definition_table(title=definition.title, plan=plan, user=user, day=today, limit=ROWS_SHOWN)
            rows = list(bounded.rows)
            context |= table_shown(_again(table, rows)) | {"definition_chart": _chart(plan, rows)}
    except DomainError as error:
        form.faults.append(error.detail or error.title)
    context["page_faults"] = form.faults
    crumbs = [("Lists", reverse("admin:reporting_tables")), (definition.title, "")]
    return _page(site, request, definition.title, crumbs, "reporting/definition.html", context)


def _again(table: Table, rows: list[Any]) -> Table:
    return Table(table.code, table.title, table.definition, "", table.columns, iter(rows), table.as_of)


def _chart(plan: Plan, rows: list[Any]) -> Chart | None:
    if plan.chart is None or not rows:
        return None
    keys = [column.key for column in plan.columns]
    label, value = keys.index(plan.chart["label"]), keys.index(plan.chart["value"])
    column, place = plan.columns[value], currency_place(plan.columns)
    units = [str(row[place]) if place is not None else "" for row in rows]
    if column.kind == "money" and len(set(units)) > 1:  # one axis is of one currency: the bank's own, or the first
        base = settings.NUMINA["BASE_CURRENCY"]
        drawn = base if base in units else units[0]
        rows, units = (
            [row for row, unit in zip(rows, units, strict=True) if unit == drawn],
            [drawn] * units.count(drawn),
        )
    title = f"{column.title}, {units[0]}" if column.kind == "money" and units[0] else column.title
    scale = [10 ** currency_get(unit).exponent if column.kind == "money" else 1 for unit in units]
    values = Values(
        column.title,
        "nm-series-1",
        [(row[value] or 0) / by for row, by in zip(rows, scale, strict=True)],
        [shown(row[value], column, unit) for row, unit in zip(rows, units, strict=True)],
    )
    labels = [str(row[label]) for row in rows]
    return line(title, labels, values) if plan.chart["kind"] == "line" else bars(title, labels, [values])


def builder_page(site: Any, request: HttpRequest) -> HttpResponse:
    """Make a definition, or the next version of one's own: fields by ticking them, the rest in a few rows.

    Works without scripts: "Preview" shows the form again with the first rows below it, "Save" keeps it.
    """
    if not user_may(request, "reporting.define"):
        raise PermissionDenied
    user: Any = request.user
    sent = request.POST if request.method == "POST" else request.GET
    definition = None
    faults: list[str] = []
    raw = sent.get("definition", "")
    if raw:
        try:
            definition = definition_get_for(user=user, pk=UUID(raw), owned=True)
        except (ValueError, DomainError) as error:
            raise Http404 from error
    data = DATASETS.get(definition.dataset if definition else sent.get("dataset", ""))
    known = [one for one in DATASETS.values() if user.has_permission(one.permission)]
    if data is None or data not in known:
        return _page(
            site, request, "New report", _crumbs("New report"), "reporting/builder.html", {"builder_datasets": known}
        )
    spec: dict[str, Any] = (
        _spec_of(request) if request.method == "POST" else dict(definition.spec) if definition else {}
    )
    title = sent.get("title", definition.title if definition else "").replace("\x00", "").strip()[:120]
    role = sent.get("shared_with", definition.shared_with.code if definition and definition.shared_with else "")
    context: dict[str, Any] = {
        "builder_data": data,
        "builder_fields": [one for one in data.fields if not one.permission or user.has_permission(one.permission)],
        "builder_ops": sorted((op, OP_WORDS.get(op, "")) for op in {op for ops in OPS.values() for op in ops}),
        "builder_spec": spec,
        "builder_title": title,
        "builder_role": role,
        "builder_roles": list(user.roles.all()),
        "builder_definition": definition,
        "builder_filters": (spec.get("filters", []) + [{}] * 4)[:4],
        "builder_json": json.dumps(spec, indent=1),
    }
    if request.method == "POST":
        try:
            plan = spec_check(dataset=data.code, spec=spec, user=user)
            if "save" in request.POST:
                return _saved(user, definition, title, data.code, spec, role)
            today = business_date_or_none()
            if today is not None:
                context |= table_shown(definition_table(title=title, plan=plan, user=user, day=today, limit=20))
        except DomainError as error:
            faults.append(error.detail or error.title)
    context["page_faults"] = faults
    return _page(
        site, request, title or "New report", _crumbs(title or "New report"), "reporting/builder.html", context
    )


def _saved(user: Any, definition: Any, title: str, dataset: str, spec: Any, role: str) -> HttpResponse:
    facts = {"acting_user": user, "title": title or "Untitled", "spec": spec, "role_code": role, "at": clock.now()}
    if definition is None:
        kept = services.definition_create(dataset=dataset, **facts)
    else:
        kept = services.definition_change(definition=definition, version=definition.version, **facts)
    return HttpResponseRedirect(reverse("admin:reporting_definition", args=[kept.pk]))


def _spec_of(request: HttpRequest) -> dict[str, Any]:
    """The spec that the form describes; what it cannot be is refused by `spec_check` as over the API."""
    sent = request.POST
    spec: dict[str, Any] = {}
    if fields := sent.getlist("fields"):
        spec["fields"] = fields
    if groups := [one for one in sent.getlist("groups") if one]:
        spec["groups"] = [dict(zip(("field", "by"), one.split(":"), strict=False)) for one in groups]
        spec["measures"] = [
            {"op": op} if op == "count" else {"op": op, "field": field}
            for op, _, field in (one.partition(":") for one in sent.getlist("measures") if one)
        ]
    filters = []
    for field, op, value in zip(
        sent.getlist("filter_field"), sent.getlist("filter_op"), sent.getlist("filter_value"), strict=False
    ):
        if field and op:
            filters.append({"field": field, "op": op, "value": _filter_value(op, value.strip())})
    if filters:
        spec["filters"] = filters
    if sent.get("sort"):
        spec["sort"] = [{"by": sent["sort"], "descending": bool(sent.get("descending"))}]
    if sent.get("chart") and sent.get("chart_label") and sent.get("chart_value"):
        spec["chart"] = {"kind": sent["chart"], "label": sent["chart_label"], "value": sent["chart_value"]}
    return spec


def _filter_value(op: str, value: str) -> Any:
    """Text of the form as the API has it: numbers for counts, {amount, currency} for "50.00 KES", lists by commas."""
    if op == "in":
        return [one.strip() for one in value.split(",")]
    amount, _, currency = value.partition(" ")
    if currency in CURRENCIES:
        return {"amount": amount, "currency": currency}
    counts = op in ("last_days", "at_least", "at_most") and value.isascii() and value.isdigit() and len(value) < 19
    return int(value) if counts else value


def _crumbs(title: str) -> list[tuple[str, str]]:
    return [("Lists", reverse("admin:reporting_tables")), (title, "")]


def _page(
    site: Any, request: HttpRequest, title: str, crumbs: list[tuple[str, str]], template: str, context: dict[str, Any]
) -> HttpResponse:
    request.current_app = site.name
    return TemplateResponse(
        request, template, {**site.each_context(request), "title": title, "page_crumbs": crumbs, **context}
    )
