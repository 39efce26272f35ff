"""Lists by keyset: a page starts after the last row of the one before, whatever was added meanwhile."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from rest_framework import serializers
from rest_framework.response import Response

from apps.core.api import fields
from apps.core.api.query import QueryParams
from apps.core.api.schema_names import component_name
from apps.core.cursors import cursor_decode, cursor_encode
from apps.core.errors import InvalidCursor

LIMIT_DEFAULT = 25
LIMIT_MAX = 200


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list: the rows, and the cursor of the next page when there is one."""

    items: Sequence[Any]
    next_cursor: str | None
    has_more: bool

    def response(self, serializer_class: type[serializers.BaseSerializer], **context: Any) -> Response:
        """The page as the API shows it: {data, next_cursor, has_more}."""
        data = serializer_class(self.items, many=True, context=context).data
        return Response({"data": data, "next_cursor": self.next_cursor, "has_more": self.has_more})


class ListParams(QueryParams):
    """Parameters of a list: limit, cursor and sort, and the filters that a subclass adds as fields.

    `sorts` maps public names to model fields that are never null; each sorts both ways (`-name` descending).
    `tie` is the unique field that decides between equals. Both belong to an index, in this order.
    """

    sorts: ClassVar[Mapping[str, str]] = {"created_at": "created_at"}
    default_sort: ClassVar[str] = "-created_at"
    tie: ClassVar[str] = "pk"

    limit = fields.IntegerField(min_value=1, max_value=LIMIT_MAX, default=LIMIT_DEFAULT)
    cursor = serializers.CharField(max_length=1024, required=False)

    def get_fields(self) -> dict[str, serializers.Field]:
        """The declared fields and `sort` with its choices."""
        choices = [sign + name for name in self.sorts for sign in ("", "-")]
        declared: dict[str, serializers.Field] = super().get_fields()
        declared["sort"] = fields.ChoiceField(choices=choices, default=self.default_sort)
        return declared

    @classmethod
    def page(cls, queryset: QuerySet[Any], *, request: Any, values: Mapping[str, Any]) -> Page:
        """The page of `queryset` (already filtered and limited to what the user may see) that `values` ask for.

        `values` come from `parse`. Raises InvalidCursor when the cursor is of another list, filter or order.
        """
        sort: str = values["sort"]
        descending = sort.startswith("-")
        column = cls.sorts[sort.removeprefix("-")]
        scope = _scope(request, sort)
        if values["cursor"]:
            queryset = _after(queryset, column, cls.tie, descending, cursor_decode(values["cursor"], scope=scope))
        sign = "-" if descending else ""
        limit: int = values["limit"]
        columns = dict.fromkeys((sign + column, sign + cls.tie))  # one, where the column decides alone
        rows = list(queryset.order_by(*columns)[: limit + 1])
        has_more = len(rows) > limit
        rows = rows[:limit]
        cursor = None
        if has_more:
            cursor = cursor_encode([_value(rows[-1], column), _value(rows[-1], cls.tie)], scope=scope)
        return Page(rows, cursor, has_more)


@functools.cache
def page_of(serializer_class: type[serializers.BaseSerializer]) -> type[serializers.Serializer]:
    """The serializer class of a page, for @extend_schema: responses=page_of(MemberSerializer)."""
    name = component_name(serializer_class.__name__)
    members = {
        "data": serializer_class(many=True),
        "next_cursor": serializers.CharField(allow_null=True, help_text="Send it as `cursor` for the next page."),
        "has_more": serializers.BooleanField(),
        "is_page": True,
        "__doc__": "",
    }
    return type(f"{name}PageSerializer", (serializers.Serializer,), members)


def _scope(request: Any, sort: str) -> str:
    """What a cursor is bound to: the path, the filters and the order; not the limit, which may change."""
    filters = {name: request.query_params[name] for name in request.query_params if name not in ("cursor", "limit")}
    return json.dumps([request.path, {**filters, "sort": sort}], sort_keys=True)


def _after(queryset: QuerySet[Any], column: str, tie: str, descending: bool, values: list[Any]) -> QuerySet[Any]:
    if len(values) != 2:
        raise InvalidCursor
    value, last = values
    direction = "lt" if descending else "gt"
    if column == tie:
        return queryset.filter(**{f"{tie}__{direction}": last})
    # The first condition bounds the index scan, the second decides among equals.
    bound = Q(**{f"{column}__{direction}e": value})
    return queryset.filter(bound, Q(**{f"{column}__{direction}": value}) | Q(**{f"{tie}__{direction}": last}))


def _value(row: Any, path: str) -> Any:
    for name in path.split("__"):
        row = row[name] if isinstance(row, Mapping) else getattr(row, name)
    return row
