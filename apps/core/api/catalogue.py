"""The list of all error codes, read from the classes themselves: for the page, the document and the tests."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from importlib import import_module
from importlib.util import find_spec

from django.apps import apps

from apps.core.errors import DomainError

ADVICE = {
    400: "Correct the request; sent again unchanged it fails again.",
    401: "Log in or refresh the token, then send the request again.",
    403: "Ask an administrator for the permission. The attempt was recorded.",
    404: "Check the id. What is not yours looks the same as what does not exist.",
    405: "Use a method that the Allow header lists.",
    406: "Accept application/json.",
    409: "Read the record again and decide anew.",
    412: "Read the record again, then send the change with its new ETag.",
    413: "Send less at a time.",
    415: "Send application/json in UTF-8, not compressed.",
    422: "The request is well formed; the rule named in `detail` is against it.",
    428: "Send If-Match with the ETag of the record as you read it.",
    429: "Wait as many seconds as Retry-After says.",
    500: "Report the trace_id. Repeat with the same Idempotency-Key only.",
    503: "Wait as many seconds as Retry-After says, then repeat with the same Idempotency-Key.",
}
"""What to do about an error, by status; a class may say better in `advice`."""

_STATUS_AT_START = re.compile(r"^\d{3}:\s*")


@dataclass(frozen=True, slots=True)
class ErrorEntry:
    """One error code: what it means and what to do about it."""

    code: str
    status: int
    title: str
    meaning: str
    advice: str
    app: str

    @property
    def status_phrase(self) -> str:
        """The status with its name: "404 Not Found"."""
        return f"{self.status} {HTTPStatus(self.status).phrase}"


def error_classes() -> list[type[DomainError]]:
    """All DomainError classes of all installed apps of ours."""
    for config in apps.get_app_configs():
        if config.name.startswith("apps.") and find_spec(f"{config.name}.errors"):
            import_module(f"{config.name}.errors")
    ours = {cls for cls in _below(DomainError) if cls.__module__.startswith("apps.")}
    return sorted(ours, key=lambda cls: (cls.status, cls.code, cls.__module__, cls.__qualname__))


def error_entries() -> list[ErrorEntry]:
    """One entry a class, ordered by status and code."""
    return [_entry(cls) for cls in error_classes()]


def as_markdown() -> str:
    """docs/api-errors.md, whole."""
    lines = [
        "# Errors of the API",
        "",
        "Written by `manage.py error_docs` from the error classes; a test keeps it in step. Every error is",
        "`application/problem+json` (RFC 9457). Decide by `code`, which keeps its meaning; show `detail`, which may",
        "change; quote `trace_id` when asking us. In `errors`, `pointer` is a JSON pointer into the body; faults of",
        "the query string are under `/query/`.",
        "",
        "```json",
        _EXAMPLE,
        "```",
        "",
        "| code | status | meaning | what to do |",
        "|---|---|---|---|",
    ]
    for entry in error_entries():
        meaning, advice = (text.replace("|", "\\|") for text in (entry.meaning, entry.advice))
        lines.append(f"| `{entry.code}` | {entry.status} | {meaning} | {advice} |")
    lines += [
        "",
        "In `errors`, a fault of a field carries one of the codes above or one of these: `required`, `null`, `blank`,",
        "`empty`, `invalid`, `invalid-choice`, `max-length`, `min-value`, `max-value`, `max-digits`,",
        "`max-decimal-places`, `max-whole-digits`, `unique`, `out-of-range`, `not-text`, `not-integer`, `not-boolean`,",
        "`not-date`, `not-time`, `not-object`, `not-a-list`.",
        "",
    ]
    return "\n".join(lines)


_EXAMPLE = """{
  "type": "/api/v1/docs/errors#validation-failed",
  "title": "Some fields are not valid",
  "status": 400,
  "code": "validation-failed",
  "detail": "amount: This currency takes at most 2 decimals.",
  "instance": "/api/v1/transfers",
  "trace_id": "019a9d0c4d1e7c5e8f3b2a1d0c9b8a7f",
  "errors": [
    {"pointer": "/amount/amount", "code": "invalid-amount", "detail": "This currency takes at most 2 decimals."}
  ]
}"""


def _below(base: type[DomainError]) -> Iterator[type[DomainError]]:
    for cls in base.__subclasses__():
        yield cls
        yield from _below(cls)


def _entry(cls: type[DomainError]) -> ErrorEntry:
    own_text = cls.__dict__.get("__doc__")
    text = " ".join((inspect.cleandoc(own_text).split("\n\n")[0] if own_text else cls.title).split())
    meaning = _STATUS_AT_START.sub("", text)
    advice = cls.advice or ADVICE.get(cls.status, ADVICE[400 if cls.status < 500 else 500])
    app = cls.__module__.split(".")[1]
    return ErrorEntry(cls.code, cls.status, cls.title, meaning[:1].upper() + meaning[1:], advice, app)
