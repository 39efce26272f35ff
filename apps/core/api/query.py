"""Query strings: declared parameters only, each at most once, each of its type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.exceptions import ValidationError

from apps.core.api.problems import validation_errors_of
from apps.core.api.serializers import StrictSerializer
from apps.core.errors import InvalidParameter, UnknownParameter

NAME_SHOWN_MAX = 64


class QueryParams(StrictSerializer):
    """Declares the parameters of a query as fields of `core.api.fields`.

    `class TrialBalanceQuery(QueryParams): as_of = DateField(required=False)`, then in the view
    `values = TrialBalanceQuery.parse(request)`, and `@extend_schema(parameters=[TrialBalanceQuery])` above it.
    """

    reads_query: ClassVar[bool] = True

    @classmethod
    def parse(cls, request: Any) -> dict[str, Any]:
        """The values by name; None for those that were not sent and have no default.

        Raises UnknownParameter for one that is not declared or comes twice, InvalidParameter for a wrong value.
        """
        sent = request.query_params
        serializer = cls(data={name: sent[name] for name in sent}, context={"request": request})
        for name in sent:
            if name not in serializer.fields:
                raise UnknownParameter("No such parameter here.", pointer=_pointer(name))
            if len(sent.getlist(name)) > 1:
                raise UnknownParameter("The parameter comes more than once.", pointer=_pointer(name))
        try:
            serializer.is_valid(raise_exception=True)
        except ValidationError as error:
            raise InvalidParameter(validation_errors_of(error.detail, root=("query",))) from error
        validated: Mapping[str, Any] = serializer.validated_data
        return {str(name): validated.get(str(name)) for name in serializer.fields}


class NoParams(QueryParams):
    """For views that take no parameter at all: `NoParams.parse(request)`."""


def _pointer(name: str) -> str:
    shown = name[:NAME_SHOWN_MAX].encode("utf-8", "replace").decode()
    return "/query/" + shown.replace("~", "~0").replace("/", "~1")
