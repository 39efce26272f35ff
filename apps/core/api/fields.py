"""Fields that take one spelling of a value and no other. Names as in DRF, manners stricter.

DRF turns 1, "1" and true into each other; in a bank's API the caller finds out at once that it sent the wrong kind.
In a query string, where all is text, the same fields read text.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import EmailValidator
from rest_framework import serializers

from apps.core.currencies import currency_get
from apps.core.errors import DomainError
from apps.core.text import text_clean, text_key

YEAR_MIN, YEAR_MAX = 1900, 2200
INT64_MAX = 2**63 - 1

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_INTEGER = re.compile(r"-?[0-9]{1,19}")


def refuse(error: DomainError) -> serializers.ValidationError:
    """A DomainError as the field error that DRF collects with the others."""
    return serializers.ValidationError(error.detail, code=error.code)


def _from_query(field: serializers.Field) -> bool:
    return bool(getattr(field.root, "reads_query", False))


class TextField(serializers.CharField):
    """Text as `text_clean` keeps it; anything but a string is refused.

    `identifier=True` for codes and numbers (NFKC), `multiline=True` for notes. The default maximum is 255.
    """

    default_error_messages = {"not_text": "Must be a string."}

    def __init__(self, *, identifier: bool = False, multiline: bool = False, **kwargs: Any) -> None:
        self.most: int = kwargs.setdefault("max_length", 255)
        self.identifier, self.multiline = identifier, multiline
        super().__init__(**kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Cleaned before it is judged: text of spaces only is blank."""
        if isinstance(data, str):
            data = self._clean(data)
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("not_text")
        return data

    def _clean(self, data: str) -> str:
        try:
            return text_clean(data, max_length=self.most, identifier=self.identifier, multiline=self.multiline)
        except DomainError as error:
            raise refuse(error) from error


class NoteField(TextField):
    """Text of several lines, up to 4,000 characters unless told otherwise."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 4_000)
        super().__init__(multiline=True, **kwargs)


class EmailField(TextField):
    """An e-mail address, folded to the one form under which it is unique."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 254)
        super().__init__(identifier=True, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        address = text_key(super().to_internal_value(data))
        try:
            EmailValidator("Not an e-mail address.")(address)
        except DjangoValidationError as error:
            raise serializers.ValidationError("Not an e-mail address.", code="invalid") from error
        return address


class IntegerField(serializers.IntegerField):
    """A whole number as a JSON number without a fraction; within 64 bits unless narrower limits are given."""

    default_error_messages = {"not_integer": "Must be a whole number."}

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_value", INT64_MAX)
        kwargs.setdefault("min_value", -INT64_MAX)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> int:
        if _from_query(self):
            if isinstance(data, str) and _INTEGER.fullmatch(data):
                return int(data)
            self.fail("not_integer")
        if type(data) is not int:
            self.fail("not_integer")
        return data


class BooleanField(serializers.BooleanField):
    """true or false; nothing that looks like it."""

    default_error_messages = {"not_boolean": "Must be true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if _from_query(self) and data in ("true", "false"):
            return bool(data == "true")
        if type(data) is not bool:
            self.fail("not_boolean")
        return data


class ChoiceField(serializers.ChoiceField):
    """One of the given strings, in this very spelling."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=type(data).__name__)
        if len(data) > 64:
            self.fail("invalid_choice", input=data[:64])
        return super().to_internal_value(data)


class UUIDField(serializers.UUIDField):
    """A UUID in its form of 36 characters."""

    def to_internal_value(self, data: Any) -> uuid.UUID:
        if isinstance(data, str) and _UUID.fullmatch(data):
            return uuid.UUID(data)
        self.fail("invalid", value=str(data)[:64])
        raise AssertionError


class DateField(serializers.DateField):
    """A date as YYYY-MM-DD, from 1900 to 2200."""

    default_error_messages = {
        "not_date": "Must be a date as YYYY-MM-DD.",
        "out_of_range": f"The year must be from {YEAR_MIN} to {YEAR_MAX}.",
    }

    def to_internal_value(self, data: Any) -> dt.date:
        if not isinstance(data, str) or not _DATE.fullmatch(data):
            self.fail("not_date")
        if not YEAR_MIN <= int(data[:4]) <= YEAR_MAX:
            self.fail("out_of_range")
        try:
            return dt.date.fromisoformat(data)
        except ValueError:
            self.fail("not_date")
            raise


class DateTimeField(serializers.DateTimeField):
    """A moment as RFC 3339 with its offset, 1900 to 2200; read and shown in UTC."""

    default_error_messages = {
        "not_time": "Must be a time with its offset, as 2026-01-31T08:30:00Z.",
        "out_of_range": f"The year must be from {YEAR_MIN} to {YEAR_MAX}.",
    }

    def to_internal_value(self, data: Any) -> dt.datetime:
        if not isinstance(data, str) or not _TIME.fullmatch(data):
            self.fail("not_time")
        if not YEAR_MIN <= int(data[:4]) <= YEAR_MAX:
            self.fail("out_of_range")
        try:
            return dt.datetime.fromisoformat(data).astimezone(dt.UTC)
        except ValueError:
            self.fail("not_time")
            raise

    def to_representation(self, value: Any) -> Any:
        return value  # the renderer writes RFC 3339


class DecimalField(serializers.DecimalField):
    """A rate or factor as a decimal string; JSON numbers are refused, as for money."""

    default_error_messages = {"not_text": 'Must be a decimal string such as "0.125".'}
    _DECIMAL = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")

    def __init__(self, **kwargs: Any) -> None:
        kwargs["coerce_to_string"] = True
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or not self._DECIMAL.fullmatch(data):
            self.fail("not_text")
        return super().to_internal_value(data)


class CurrencyField(serializers.Field):
    """An ISO 4217 code of a currency that money can be held in."""

    def to_internal_value(self, data: Any) -> str:
        try:
            return currency_get(data).code
        except DomainError as error:
            raise refuse(error) from error

    def to_representation(self, value: Any) -> str:
        return str(value)
