"""The description of the API is one language: names, examples and headers follow the same rules in every app."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from tests.security.routes import document

FIRST_WORDS = re.compile(r"(A|An|The|My|One|Is|Can)\b")


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def _fields(name: str = "") -> Iterator[tuple[str, str, dict[str, Any]]]:
    for component, schema in document()["components"]["schemas"].items():
        for field, inner in schema.get("properties", {}).items():
            if not name or field == name:
                yield component, field, inner


def test_types_are_called_by_one_rule() -> None:
    names = list(document()["components"]["schemas"])
    assert not [name for name in names if re.search(r"(Form|Answer|Shown|Serializer)(Request|Page)?$", name)]
    assert not [name for name in names if name.endswith("RequestRequest")]
    sent = {
        media["schema"]["$ref"].rpartition("/")[2]
        for _, operation in _operations()
        for media in operation.get("requestBody", {}).get("content", {}).values()
        if "$ref" in media["schema"]
    }
    assert not [name for name in sent if not name.endswith("Request")]


def test_summaries_say_what_is_done() -> None:
    found = {key: operation.get("summary", "") for key, operation in _operations()}
    assert not {key: said for key, said in found.items() if not said or FIRST_WORDS.match(said) or said.endswith(".")}


def test_what_is_sent_is_explained() -> None:
    mute = [
        f"{key}?{one['name']}"
        for key, operation in _operations()
        for one in operation.get("parameters", [])
        if not one.get("description")
    ]
    mute += [
        f"{component}.{name}"
        for component, name, schema in _fields()
        if component.endswith("Request") and not {"description", "$ref", "allOf", "oneOf"} & set(schema)
    ]
    assert not mute, f"give it a help_text, or its name a meaning in apps/core/api/schema_words.py: {mute}"


def test_every_body_has_an_example_that_fits() -> None:
    faults, registry = [], Registry().with_resource("urn:api", DRAFT202012.create_resource(document()))
    for key, operation in _operations():
        media = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if media is None:
            continue
        validator = Draft202012Validator({"$ref": f"urn:api{media['schema']['$ref']}"}, registry=registry)
        shown = [one["value"] for one in media.get("examples", {}).values()] or [media.get("example")]
        for example in shown:
            real = [
                one
                for one in validator.iter_errors(example)
                if one.instance is not None or not one.schema.get("nullable")
            ]
            faults += [f"{key}: {'/'.join(map(str, one.path))} {one.message[:100]}" for one in real]
    assert not faults, "\n".join(faults)


def test_money_lists_and_moments_look_the_same_everywhere() -> None:
    faults = [f"{component}.{name}" for component, name, schema in _fields() if schema.get("type") == "number"]
    for name, form in (("created_at", "date-time"), ("business_date", "date"), ("value_date", "date"), ("id", "uuid")):
        texts = [(component, schema) for component, _, schema in _fields(name) if schema.get("type") == "string"]
        faults += [f"{component}.{name}" for component, schema in texts if schema.get("format") != form]
    faults.remove("Method.id")  # empty for recovery codes
    for component, schema in document()["components"]["schemas"].items():
        if "next_cursor" in schema.get("properties", {}):
            faults += [component] if set(schema["properties"]) != {"data", "next_cursor", "has_more"} else []
    assert not faults, faults


def test_what_is_made_says_where_and_what_has_a_version_says_which() -> None:
    faults = []
    for key, operation in _operations():
        for status, response in operation["responses"].items():
            headers = response.get("headers", {})
            if status in {"201", "202"} and "Location" not in headers:
                faults.append(f"{key} {status}: Location")
            wants_back = any(one["name"] == "If-Match" for one in operation.get("parameters", []))
            changes = wants_back and key.startswith(("PATCH", "PUT"))
            if status == "200" and changes and "ETag" not in headers:
                faults.append(f"{key} {status}: ETag")
            if status.startswith("2") and not response.get("description"):
                faults.append(f"{key} {status}: no description")
    assert not faults, "\n".join(faults)
