"""Model fields: text that is encrypted in the database, and its blind index.

    national_id = EncryptedTextField(context="members.member.national_id", max_length=40)
    national_id_index = BlindIndexField(source="national_id")

The attribute is plain text; it is opened when it is first read, so a list that does not show it costs nothing. Only
`save()` and `bulk_create()` know the record that a value is bound to: `update()` and `filter()` on the field are
refused. Look up by the index: `Member.objects.filter(national_id_index__in=blind_indexes(text, context=...))`.
`context` names the field for ever: a history table's copy has the same, and so opens the same values.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.query_utils import DeferredAttribute

from apps.vault.crypto import blind_index, masked, value_open, value_seal


class Sealed:
    """A value as the database has it."""

    __slots__ = ("plain", "token")

    def __init__(self, token: bytes, plain: str | None = None) -> None:
        self.token = token
        self.plain = plain

    def __eq__(self, other: object) -> bool:
        """Stored alike. Equal texts are sealed to different values: compare texts to know whether they are equal."""
        return isinstance(other, Sealed) and other.token == self.token

    def __hash__(self) -> int:
        return hash(self.token)


class _Attribute(DeferredAttribute):
    """Opens on reading, takes plain text."""

    field: EncryptedTextField

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        if instance is None or not isinstance(value, Sealed):
            return value
        if value.plain is None:
            value.plain = value_open(value.token, context=self.field.context, record=self.field.record_of(instance))
        return value.plain

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(models.Field):
    """Text, encrypted under the active data key and bound to the record (its attribute `id`) and the context."""

    descriptor_class = _Attribute
    mask = staticmethod(masked)
    """How pages show it."""
    empty_strings_allowed = True

    def __init__(self, *args: Any, context: str = "", **kwargs: Any) -> None:
        self.context = context
        kwargs.setdefault("blank", True)
        kwargs.setdefault("default", "")
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "context": self.context}

    def get_internal_type(self) -> str:
        return "BinaryField"

    def record_of(self, instance: Any) -> str:
        """The id that a value is bound to. A history row carries the id of the record it tells of."""
        return str(instance.id)

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> Any:
        """Kept sealed until somebody reads it."""
        return value if value is None else Sealed(bytes(value))

    def pre_save(self, instance: Any, add: bool) -> Any:
        """The value to store; sealed here, since only here the record is known."""
        value = instance.__dict__.get(self.attname, "")
        if not isinstance(value, Sealed):
            text = value or ""
            value = Sealed(value_seal(text, context=self.context, record=self.record_of(instance)), text)
            instance.__dict__[self.attname] = value
        return value

    def get_prep_value(self, value: Any) -> Any:
        """Sealed values and empty text only. Raises TypeError: plain text belongs to no record here."""
        if value is None or isinstance(value, bytes | memoryview):
            return value
        if isinstance(value, Sealed):
            return value.token
        if value == "":
            return b""
        raise TypeError(f"{self.name} is encrypted: save() the record, or look it up by its blind index")

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        value = super().get_db_prep_value(value, connection, prepared)
        return value if value is None else connection.Database.Binary(value)

    def value_to_string(self, obj: Any) -> str:
        """Serializers get nothing: a fixture with decrypted values would be a leak."""
        return ""


class BlindIndexField(models.BinaryField):
    """HMAC of the field `source` of the same record, for exact look-ups; null where that is empty.

    With `last`, of its last so many characters: how a phone number is found without its country code.
    """

    def __init__(self, *args: Any, source: str = "", last: int = 0, **kwargs: Any) -> None:
        self.source, self.last = source, last
        kwargs |= {"null": True, "editable": False, "max_length": 32}
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "source": self.source, **({"last": self.last} if self.last else {})}

    def pre_save(self, instance: Any, add: bool) -> Any:
        """Computed when the source was set; left as it is where the source was not touched."""
        encrypted = instance._meta.get_field(self.source)
        held = instance.__dict__.get(encrypted.attname)
        if not (isinstance(held, Sealed) and held.plain is None):
            value = blind_index(getattr(instance, self.source) or "", context=encrypted.context, last=self.last)
            setattr(instance, self.attname, value)
        return getattr(instance, self.attname)
