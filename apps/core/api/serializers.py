"""Serializers that refuse what they do not know: the answer to mass assignment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import models
from rest_framework import serializers

from apps.core.api import fields

UNKNOWN_SHOWN_MAX = 20
NAME_SHOWN_MAX = 64


class StrictMixin:
    """Unknown and read-only fields in the input are errors, reported together with all others."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return super().to_internal_value(data)  # type: ignore[misc]
        known = {name for name, field in self.fields.items() if not field.read_only}  # type: ignore[attr-defined]
        unknown = [name for name in data if name not in known]
        if not unknown:
            return super().to_internal_value(data)  # type: ignore[misc]
        faults: dict[str, Any] = {
            str(name)[:NAME_SHOWN_MAX]: [serializers.ErrorDetail("Unknown field.", code="unknown-field")]
            for name in unknown[:UNKNOWN_SHOWN_MAX]
        }
        try:
            super().to_internal_value(data)  # type: ignore[misc]
        except serializers.ValidationError as error:
            if isinstance(error.detail, dict):
                faults = {**error.detail, **faults}
        raise serializers.ValidationError(faults)


class WithFrom:
    """A field written `from_` is called `from` outside: Python keeps that word for itself."""

    def get_fields(self) -> dict[str, serializers.Field]:
        """The declared fields under their outside names."""
        declared: dict[str, serializers.Field] = super().get_fields()  # type: ignore[misc]
        return {name.removesuffix("_"): field for name, field in declared.items()}


class StrictSerializer(StrictMixin, serializers.Serializer):
    """The base of serializers that read requests."""


class NoBodySerializer(StrictSerializer):
    """For operations that take no body: `body_read(NoBodySerializer, request)` refuses every field."""


class StrictModelSerializer(StrictMixin, serializers.ModelSerializer):
    """The base of serializers that follow a model. List `fields` one by one; never `__all__`."""

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.CharField: fields.TextField,
        models.TextField: fields.NoteField,
        models.EmailField: fields.EmailField,
        models.DateField: fields.DateField,
        models.DateTimeField: fields.DateTimeField,
        models.UUIDField: fields.UUIDField,
        models.BooleanField: fields.BooleanField,
        models.IntegerField: fields.IntegerField,
        models.PositiveIntegerField: fields.IntegerField,
        models.PositiveSmallIntegerField: fields.IntegerField,
        models.SmallIntegerField: fields.IntegerField,
        models.BigIntegerField: fields.IntegerField,
        models.DecimalField: fields.DecimalField,
    }
    serializer_choice_field = fields.ChoiceField


def body_read(serializer_class: type[serializers.Serializer], request: Any, *, partial: bool = False) -> dict[str, Any]:
    """The validated body of a request. `partial` for PATCH: only what was sent. Raises DRF's ValidationError."""
    serializer = serializer_class(data=request.data, partial=partial, context={"request": request})
    serializer.is_valid(raise_exception=True)
    validated: dict[str, Any] = serializer.validated_data
    return validated
