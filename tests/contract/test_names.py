"""The names of fields and parameters follow one rule: docs/adr/0070-the-names-of-the-api-are-of-one-hand.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.security.routes import document

REFUSED = {
    "state": "status", "type": "kind", "since": "from", "until": "to", "at": "..._at", "on": "..._on", "by": "group_by",
    "day": "date", "account_number": "account", "line_id": "credit_line_id",
}  # fmt: skip
REFUSED_ENDINGS = re.compile(r"_(state|until|uuid)$|^(min|max)_")
STANDARDS = {"Problem.type"}

OTHERS_IDS = {
    "national_id", "tax_id",  # of the state
    "trace_id", "correlation_id", "message_id", "provider_id", "external_id",  # of other systems
    "object_id",  # of whatever `object_type` says
}  # fmt: skip
DEEDS = re.compile(r"(_by|_of|^reverses)$")
MOMENTS = {"as_of", "from", "to", "client_timestamp"}
DATES = {
    "as_of", "date", "date_of_birth", "from", "to", "effective_from", "effective_to", "kept_to", "month", "period",
    # what calculators call the dates of a plan
    "start", "end", "due", "first_due", "last_due", "due_dates", "maturity", "nominal", "exclude", "holidays",
    "labels", "forecast_labels", "period_end", "reference_start", "reference_end", "schedule_start",
}  # fmt: skip


def _named() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for component, schema in document()["components"]["schemas"].items():
        for name, inner in schema.get("properties", {}).items():
            yield f"{component}.{name}", name, inner
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            for one in operation.get("parameters", []):
                if one["in"] == "query":
                    yield f"{method.upper()} {path}?{one['name']}", one["name"], one["schema"]


def _faults(where: str, name: str, form: str | None, *, plain: bool) -> Iterator[str]:
    if where not in STANDARDS and (name in REFUSED or REFUSED_ENDINGS.search(name)):
        yield f"{where}: call it {REFUSED.get(name, 'otherwise')}"
    ids = re.search(r"_ids?$", name) is not None
    if plain and ids and name not in OTHERS_IDS and form != "uuid":
        yield f"{where}: an id is a UUID"
    if form == "uuid" and name != "id" and not ids and not DEEDS.search(name):
        yield f"{where}: a UUID is called ..._id"
    if plain and name.endswith("_at") != (form == "date-time" and name not in MOMENTS):
        yield f"{where}: a moment is called ..._at, and nothing else is"
    dated = name in DATES or re.search(r"_(on|since)$|(^|_)(business|value)_date$", name) is not None
    if (form == "date" and not dated) or (plain and name.endswith("_on") and form != "date"):
        yield f"{where}: a date is called ..._on, and nothing else is"


def test_names_follow_one_rule() -> None:
    faults: list[str] = []
    for where, name, schema in _named():
        inner = schema.get("items", schema) if schema.get("type") == "array" else schema
        plain = inner.get("type") in {"string", "integer", "number", "boolean"}
        faults += _faults(where, name, inner.get("format"), plain=plain)
    assert not faults, "\n".join(faults)
