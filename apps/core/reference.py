"""Reference data: what every installation starts with, kept in fixtures/ as plain JSON lists.

Loading adds the rows that are missing, found by their natural key, and touches no other: what staff changed stays, and
is reported. Apps register their loaders in `AppConfig.ready()`; this module knows only names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import models

# A later file may refer to an earlier one.
ORDER = (
    "currencies",
    "roles",
    "rate_limits",
    "amount_limits",
    "branches",
    "chart_of_accounts",
    "products",
    "loan_products",
    "approval_policies",
)


@dataclass
class LoadReport:
    """What loading did: natural keys added, how many were there already, and where those differ from the file."""

    added: list[str] = field(default_factory=list)
    present: int = 0
    differs: list[dict[str, Any]] = field(default_factory=list)


Loader = Callable[[list[dict[str, Any]]], LoadReport]
_loaders: dict[str, Loader] = {}


def loader_register(name: str, loader: Loader) -> None:
    """Have `loader` take the rows of fixtures/<name>.json. Names are those of ORDER."""
    if name not in ORDER:
        raise ValueError(f"{name!r} has no place in the order of reference data")
    _loaders[name] = loader


def loader_of(name: str) -> Loader | None:
    """The loader of a file, or None when no installed app registered one."""
    return _loaders.get(name)


def rows_read(path: Path) -> list[dict[str, Any]]:
    """The rows of a reference file. ValueError when it is not a list of objects."""
    rows = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"{path.name} must hold a list of objects")
    return rows


def rows_insert_missing(
    model: type[models.Model],
    rows: Iterable[Mapping[str, Any]],
    *,
    key: str = "code",
    references: Mapping[str, str] | None = None,
    added: Callable[[models.Model], None] | None = None,
) -> LoadReport:
    """Insert the rows whose `key` is not in the table, in the order given; compare the others field by field.

    `references` names foreign keys whose value in the file is a natural key: {"parent": "code"}. `added` is called
    with each new row. Run it in a transaction. Raises KeyError for a reference that does not exist and Django's
    ValidationError for values that the model refuses.
    """
    report = LoadReport()
    linked = references or {}
    known = {getattr(row, key): row for row in model._default_manager.select_related(*linked)}
    for row in rows:
        existing = known.get(row[key])
        if existing is not None:
            report.present += 1
            report.differs.extend(_differences(existing, row, key, linked))
            continue
        values = {name: _resolve(model, name, value, linked) for name, value in row.items()}
        instance = model(**values)
        instance.full_clean()
        instance.save(force_insert=True)
        if added is not None:
            added(instance)
        known[row[key]] = instance
        report.added.append(str(row[key]))
    return report


def _resolve(model: type[models.Model], name: str, value: Any, linked: Mapping[str, str]) -> Any:
    if name not in linked or value is None:
        return value
    target: Any = model._meta.get_field(name).related_model
    found = target._default_manager.filter(**{linked[name]: value}).first()
    if found is None:
        raise KeyError(f"{target._meta.label} {value!r} does not exist")
    return found


def _differences(
    existing: models.Model, row: Mapping[str, Any], key: str, linked: Mapping[str, str]
) -> Iterable[dict[str, Any]]:
    for name, wanted in row.items():
        here = getattr(existing, name)
        if name in linked and here is not None:
            here = getattr(here, linked[name])
        if here != wanted:
            yield {"key": str(row[key]), "field": name, "here": here, "file": wanted}
