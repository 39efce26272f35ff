"""Money in the API. Apart from the other fields, since apps that know nothing of money use those."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from apps.core.currencies import currency_get
from apps.core.errors import DomainError
from apps.core.money import Money


class MoneyField(serializers.Field):
    """Money as {"amount": "12.50", "currency": "KES"}; the amount is a string, above zero unless told otherwise.

    Reads into Money and shows Money. With `minor_source` and `currency_source` it shows two attributes of the
    object as one Money (read-only): MoneyField(minor_source="balance", currency_source="currency").
    """

    default_error_messages = {
        "not_object": 'Must be an object such as {{"amount": "12.50", "currency": "KES"}}.',
        "required": "This field is required.",
        "unknown-field": "Unknown field.",
    }

    def __init__(
        self, *, positive: bool = True, minor_source: str = "", currency_source: str = "currency", **kwargs: Any
    ) -> None:
        self.positive = positive
        self.minor_source, self.currency_source = minor_source, currency_source
        if minor_source:
            kwargs["read_only"] = True
        super().__init__(**kwargs)

    def get_attribute(self, instance: Any) -> Any:
        """The Money of the object, put together of two attributes when asked for."""
        if not self.minor_source:
            return super().get_attribute(instance)
        minor = _attribute(instance, self.minor_source)
        return None if minor is None else Money(minor, _attribute(instance, self.currency_source))

    def to_internal_value(self, data: Any) -> Money:
        if not isinstance(data, Mapping):
            self.fail("not_object")
        faults = {
            str(name)[:64]: [serializers.ErrorDetail(str(self.error_messages["unknown-field"]), code="unknown-field")]
            for name in data
            if name not in ("amount", "currency")
        }
        for name in ("amount", "currency"):
            if name not in data:
                faults[name] = [serializers.ErrorDetail(str(self.error_messages["required"]), code="required")]
        if faults:
            raise serializers.ValidationError(faults)
        name = "currency"
        try:
            currency = currency_get(data["currency"]).code
            name = "amount"
            return Money.parse(data["amount"], currency, positive=self.positive)
        except DomainError as error:
            raise serializers.ValidationError(
                {name: [serializers.ErrorDetail(error.detail, code=error.code)]}
            ) from error

    def to_representation(self, value: Money) -> dict[str, str]:
        return {"amount": value.amount, "currency": value.currency}


def _attribute(instance: Any, path: str) -> Any:
    for name in path.split("."):
        instance = instance[name] if isinstance(instance, Mapping) else getattr(instance, name)
    return instance
