"""Reports that users define: checked against their dataset, compiled to a query of the ORM, bounded in rows and time.

A spec: {"fields": [key], "filters": [{"field", "op", "value"}], "groups": [{"field", "by"?}],
"measures": [{"op", "field"?}], "sort": [{"by", "descending"?}], "limit": n, "chart": {"kind", "label", "value"}}.
With groups, a row is a group and its measures; without, a row is a row of the dataset and its fields.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Avg, Count, F, Max, Min, Q, Sum
from django.db.models.functions import Round, Trunc

from apps.core.errors import DomainError
from apps.core.money import Money
from apps.identity.models import User
from apps.reporting.definitions._datasets import COUNT, DATASETS, DATE, MONEY, TEXT, Dataset, Field
from apps.reporting.errors import DefinitionNotValid
from apps.reporting.tables import Column, Table

PARTS = frozenset({"fields", "filters", "groups", "measures", "sort", "limit", "chart"})
ROWS_MAX = 1_000_000
LIMIT_DEFAULT = 1_000
LIST_MAX = 20
VALUES_MAX = 100
TIME_LIMIT_MS = 20_000
PERIODS = ("day", "week", "month", "quarter", "year")
MEASURES = {"sum": Sum, "average": Avg, "min": Min, "max": Max, "count": Count}
CHARTS = ("bars", "line")
OPS: Mapping[str, Mapping[str, str]] = {
    TEXT: {"eq": "exact", "contains": "icontains", "starts": "istartswith", "in": "in"},
    MONEY: {"eq": "exact", "at_least": "gte", "at_most": "lte"},
    COUNT: {"eq": "exact", "at_least": "gte", "at_most": "lte"},
    DATE: {"eq": "exact", "from": "gte", "to": "lte", "last_days": "gte"},
}


@dataclass(frozen=True, slots=True)
class Plan:
    """A checked spec: the columns it gives, and how to ask the ORM for them."""

    dataset: Dataset
    columns: tuple[Column, ...]
    where: tuple[tuple[Field, str, Any, str], ...]
    groups: tuple[tuple[str, Field, str], ...]
    fields: tuple[Field, ...]
    measures: tuple[tuple[str, str, Field | None], ...]
    order: tuple[str, ...]
    limit: int
    chart: Mapping[str, str] | None


def spec_check(*, dataset: str, spec: Any, user: User) -> Plan:
    """The plan of a spec. Raises `DefinitionNotValid`, also for fields whose permission the user does not hold."""
    data = DATASETS.get(dataset)
    if data is None or not user.has_permission(data.permission):
        raise DefinitionNotValid("There is no such dataset.", pointer="/dataset")
    if not isinstance(spec, dict) or set(spec) - PARTS:
        raise DefinitionNotValid(f"A spec has {', '.join(sorted(PARTS))}.", pointer="/spec")
    reader = _Reader(data, user)
    groups = tuple(reader.group(one, f"/spec/groups/{n}") for n, one in enumerate(_list(spec, "groups")))
    fields = tuple(reader.field(one, f"/spec/fields/{n}") for n, one in enumerate(_list(spec, "fields")))
    measures = tuple(reader.measure(one, f"/spec/measures/{n}") for n, one in enumerate(_list(spec, "measures")))
    where = tuple(reader.filter(one, f"/spec/filters/{n}") for n, one in enumerate(_list(spec, "filters")))
    if bool(groups) == bool(fields) or bool(groups) != bool(measures):
        raise DefinitionNotValid("Either fields, or groups with measures.", pointer="/spec")
    groups, fields = _with_currency(data, groups, fields, measures)
    columns = _columns(groups, fields, measures)
    keys = [column.key for column in columns]
    if len(set(keys)) != len(keys):
        raise DefinitionNotValid("The same column is in it twice.", pointer="/spec")
    return Plan(data, columns, where, groups, fields, measures, _order(spec, keys), _limit(spec), _chart(spec, columns))


def _list(spec: Mapping[str, Any], name: str) -> Sequence[Any]:
    values = spec.get(name, [])
    if not isinstance(values, list) or len(values) > LIST_MAX:
        raise DefinitionNotValid(f"A list of at most {LIST_MAX}.", pointer=f"/spec/{name}")
    return values


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the parts of a spec for one dataset and user."""

    dataset: Dataset
    user: User

    def field(self, key: Any, pointer: str) -> Field:
        found = self.dataset.field_of(key) if isinstance(key, str) else None
        if found is None or (found.permission and not self.user.has_permission(found.permission)):
            raise DefinitionNotValid(f"The dataset has no field {str(key)[:40]!r} for you.", pointer=pointer)
        return found

    def group(self, one: Any, pointer: str) -> tuple[str, Field, str]:
        if not isinstance(one, dict) or set(one) - {"field", "by"}:
            raise DefinitionNotValid("A group is a field and, for dates, by.", pointer=pointer)
        field, by = self.field(one.get("field"), f"{pointer}/field"), one.get("by", "")
        if by and (field.kind != DATE or by not in PERIODS):
            raise DefinitionNotValid(f"Dates are grouped by {', '.join(PERIODS)}.", pointer=f"{pointer}/by")
        if field.kind == MONEY:
            raise DefinitionNotValid("Amounts are measured, not grouped.", pointer=pointer)
        return (f"{field.key}_{by}" if by else field.key), field, by

    def measure(self, one: Any, pointer: str) -> tuple[str, str, Field | None]:
        if not isinstance(one, dict) or set(one) - {"field", "op"} or one.get("op") not in MEASURES:
            raise DefinitionNotValid(f"A measure is one of {', '.join(MEASURES)} of a field.", pointer=pointer)
        op = one["op"]
        if op == "count":
            return "count", op, None
        field = self.field(one.get("field"), f"{pointer}/field")
        if field.kind not in (MONEY, COUNT):
            raise DefinitionNotValid("Only amounts and numbers are measured.", pointer=f"{pointer}/field")
        return f"{op}_{field.key}", op, field

    def filter(self, one: Any, pointer: str) -> tuple[Field, str, Any, str]:
        if not isinstance(one, dict) or set(one) != {"field", "op", "value"}:
            raise DefinitionNotValid("A filter is a field, an op and a value.", pointer=pointer)
        field = self.field(one["field"], f"{pointer}/field")
        ops = OPS[field.kind]
        if not isinstance(one["op"], str) or one["op"] not in ops:
            raise DefinitionNotValid(f"{field.title} is filtered by {', '.join(ops)}.", pointer=f"{pointer}/op")
        value, currency = _value(field, one["op"], one["value"], f"{pointer}/value")
        return field, (f"last:{value}" if one["op"] == "last_days" else ops[one["op"]]), value, currency


def _value(field: Field, op: str, value: Any, pointer: str) -> tuple[Any, str]:
    """A filter's value as the ORM takes it, and the currency that it fixes."""
    try:
        if op == "last_days":
            if type(value) is int and 0 < value <= 3_660:
                return value, ""
        elif op == "in":
            if isinstance(value, list) and 0 < len(value) <= VALUES_MAX and all(isinstance(v, str) for v in value):
                return [_text(one) for one in value], ""
        elif field.kind == TEXT and isinstance(value, str) and len(value) <= 120:
            return _text(value), ""
        elif field.kind == DATE and isinstance(value, str):
            return dt.date.fromisoformat(value), ""
        elif field.kind == COUNT and type(value) is int and abs(value) < 2**62:
            return value, ""
        elif field.kind == MONEY and isinstance(value, dict) and set(value) == {"amount", "currency"}:
            money = Money.parse(value["amount"], value["currency"])
            return money.minor, money.currency
    except (ValueError, DomainError):
        pass
    raise DefinitionNotValid(f"This is no value for {field.title}.", pointer=pointer)


def _text(value: str) -> str:
    if "\x00" in value:
        raise ValueError("PostgreSQL keeps no NUL")
    return value


def _with_currency(
    data: Dataset, groups: tuple[Any, ...], fields: tuple[Field, ...], measures: tuple[Any, ...]
) -> tuple[tuple[Any, ...], tuple[Field, ...]]:
    """Amounts of different currencies are never added up: the currency joins the groups, or the fields, of its own."""
    currency = data.field_of("currency")
    if currency is None:
        return groups, fields
    if any(field is not None and field.kind == MONEY for _, _, field in measures):
        if all(field.key != "currency" for _, field, _ in groups):
            groups = (*groups, ("currency", currency, ""))
    elif any(field.kind == MONEY for field in fields) and currency not in fields:
        fields = (*fields, currency)
    return groups, fields


def _columns(groups: Any, fields: Any, measures: Any) -> tuple[Column, ...]:
    named = {"sum": "Sum of", "average": "Average of", "min": "Least", "max": "Most"}
    made = [Column(key, field.title + (f" ({by})" if by else ""), field.kind) for key, field, by in groups]
    made += [Column(field.key, field.title, field.kind, field.kind == MONEY) for field in fields]
    for key, op, field in measures:
        if field is None:
            made.append(Column(key, "Count", COUNT, True))
        else:
            made.append(Column(key, f"{named[op]} {field.title[:1].lower()}{field.title[1:]}", field.kind, op == "sum"))
    return tuple(made)


def _order(spec: Mapping[str, Any], keys: Sequence[str]) -> tuple[str, ...]:
    order = []
    for place, one in enumerate(_list(spec, "sort")):
        pointer = f"/spec/sort/{place}"
        if not isinstance(one, dict) or set(one) - {"by", "descending"} or one.get("by") not in keys:
            raise DefinitionNotValid("Sorted by a column of the report.", pointer=pointer)
        descending = one.get("descending", False)
        if not isinstance(descending, bool):
            raise DefinitionNotValid("descending is true or false.", pointer=pointer)
        order.append(("-" if descending else "") + one["by"])
    return tuple(order)


def _limit(spec: Mapping[str, Any]) -> int:
    limit = spec.get("limit", LIMIT_DEFAULT)
    if type(limit) is not int or not 0 < limit <= ROWS_MAX:
        raise DefinitionNotValid(f"1 to {ROWS_MAX} rows.", pointer="/spec/limit")
    return limit


def _chart(spec: Mapping[str, Any], columns: Sequence[Column]) -> Mapping[str, str] | None:
    chart = spec.get("chart")
    if chart is None:
        return None
    numbers = {column.key for column in columns if column.kind in (MONEY, COUNT)}
    keys = {column.key for column in columns}
    if (
        not isinstance(chart, dict)
        or set(chart) != {"kind", "label", "value"}
        or not all(isinstance(value, str) for value in chart.values())
        or chart["kind"] not in CHARTS
        or chart["label"] not in keys
        or chart["value"] not in numbers
    ):
        raise DefinitionNotValid(
            "A chart has a kind (bars, line), a label and a value of the report.", pointer="/spec/chart"
        )
    return chart


def plan_query(plan: Plan, *, user: User, day: dt.date) -> Any:
    """The plan as a query of the ORM: rows of values in the order of the columns, ordered and bounded."""
    rows = plan.dataset.rows(user).order_by()
    condition = Q()
    aliases: dict[str, Any] = {}
    for place, (field, lookup, value, currency) in enumerate(plan.where):
        alias = f"w{place}"
        aliases[alias] = _expression(field)
        if lookup.startswith("last:"):
            condition &= Q(**{f"{alias}__gt": day - dt.timedelta(days=value), f"{alias}__lte": day})
        else:
            condition &= Q(**{f"{alias}__{lookup}": value})
        if currency:
            aliases["unit"] = F(plan.dataset.currency)
            condition &= Q(unit=currency)
    rows = rows.alias(**aliases).filter(condition)
    if plan.groups:
        named = {
            f"c_{key}": Trunc(_expression(field), by) if by else _expression(field) for key, field, by in plan.groups
        }
        rows = rows.values(**named).annotate(**{f"c_{key}": _measure(op, field) for key, op, field in plan.measures})
        tie = [f"c_{key}" for key, _, _ in plan.groups]
    else:
        rows = rows.values(**{f"c_{field.key}": _expression(field) for field in plan.fields})
        tie = ["pk"]
    order = [("-c_" if one.startswith("-") else "c_") + one.lstrip("-") for one in plan.order]
    return rows.order_by(*order, *tie).values_list(*(f"c_{column.key}" for column in plan.columns))[: plan.limit]


def _expression(field: Field) -> Any:
    return F(field.path) if isinstance(field.path, str) else field.path


def _measure(op: str, field: Field | None) -> Any:
    if field is None:
        return Count("pk")
    made = MEASURES[op](_expression(field))
    return Round(made) if op == "average" else made


def definition_table(*, title: str, plan: Plan, user: User, day: dt.date, limit: int | None = None) -> Table:
    """The report as a list, read in one transaction with a time limit of 20 s."""
    query = plan_query(plan, user=user, day=day)
    return Table(
        code="report",
        title=title,
        definition=f"{plan.dataset.title}, defined by a user; at most {plan.limit} rows.",
        currency="",
        columns=plan.columns,
        rows=_rows(query if limit is None else query[:limit]),
        as_of=day,
        scope="All branches" if user.scope == "all" else "Own branches",
    )


def _rows(query: Any) -> Iterator[Sequence[Any]]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, TRUE)", [str(TIME_LIMIT_MS)])
        yield from query.iterator(chunk_size=2_000)


__all__ = ["DATASETS", "Dataset", "Field", "Plan", "definition_table", "plan_query", "spec_check"]
