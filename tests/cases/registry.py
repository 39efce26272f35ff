"""Cases with published figures, and the handlers that work them out.

A case file is JSON: {"group": "02_day_count", "cases": [{"id", "inputs", "expected", "note", "source"}, ...]}.
Numbers with a fraction are read as Decimal. A handler is written once per kind of input, never per case:

    @handles("day_count")                       # the group, without the number in front
    def day_count(case: Case) -> dict[str, Any]:
        return {"days": ..., "fraction": ...}   # at least what `case.expected` names; compared for it

What comes back is compared with `expected`, key by key (`differences`). A handler that compares by itself asserts,
and returns None. A handler that does not know the kind of input raises Unsupported: the next one of the group is
asked, and when none knows it the case counts as unsupported, which is not a failure.
Files named tests/cases/handlers_*.py are found and imported by themselves.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
TOLERANCE = Decimal("1e-9")
"""How far two numbers may be apart where a case names no tolerance: sources print 12 decimals."""


class Unsupported(Exception):
    """Nobody here works this kind of case out; the text says what is missing."""


@dataclass(frozen=True)
class Case:
    """One case of a file, as it stands there."""

    file: str
    group: str
    id: str
    inputs: Mapping[str, Any]
    expected: Mapping[str, Any]
    note: str
    folder: Path

    def need(self, *names: str) -> tuple[Any, ...]:
        """These inputs. Raises Unsupported when one is missing: the case is of another kind."""
        missing = [name for name in names if name not in self.inputs]
        if missing:
            raise Unsupported(f"no input {', '.join(missing)}")
        return tuple(self.inputs[name] for name in names)

    def only(self, *names: str) -> None:
        """Raises Unsupported for an input that is not among these: what is not understood is not left out."""
        strange = sorted(set(self.inputs) - set(names))
        if strange:
            raise Unsupported(f"input {', '.join(strange)} is not understood")


Handler = Callable[[Case], Mapping[str, Any] | None]
_HANDLERS: dict[str, list[Handler]] = {}


def group_key(name: str) -> str:
    """The group without its number: "01b_apr" and "apr" are the same."""
    return re.sub(r"^[0-9]+[a-z]?_", "", name)


def handles(*groups: str) -> Callable[[Handler], Handler]:
    """Registers a handler for these groups."""

    def register(handler: Handler) -> Handler:
        for group in groups:
            _HANDLERS.setdefault(group_key(group), []).append(handler)
        return handler

    return register


def cases_read(folder: Path) -> list[Case]:
    """Every case of the *.json files of a folder, in order of the files' names."""
    cases = []
    for path in sorted(folder.glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
        if not isinstance(document, dict) or not isinstance(document.get("cases"), list):
            continue  # not a case file
        group = str(document.get("group") or path.stem)
        cases += [
            Case(
                file=path.name,
                group=group,
                id=str(entry.get("id", number)),
                inputs=entry.get("inputs") or {},
                expected=entry.get("expected") or {},
                note=str(entry.get("note") or ""),
                folder=folder,
            )
            for number, entry in enumerate(document["cases"], start=1)
        ]
    return cases


def case_work(case: Case) -> list[str]:
    """Work a case out: the differences found, none when it is right. Raises Unsupported."""
    reasons = []
    for handler in _HANDLERS.get(group_key(case.group), []):
        try:
            actual = handler(case)
        except Unsupported as reason:
            reasons.append(str(reason))
            continue
        return [] if actual is None else differences(case.expected, actual)
    raise Unsupported("; ".join(dict.fromkeys(reasons)) or f"no handler for the group {case.group}")


def differences(expected: Any, actual: Any, where: str = "") -> list[str]:
    """Where `actual` is not what is expected. Only what `expected` names is looked at.

    Numbers are equal within `tolerance` of the same object, or TOLERANCE; lists in order and length. A number and
    its decimal string are the same.
    """
    if isinstance(expected, Mapping):
        if not isinstance(actual, Mapping):
            return [f"{where}: expected an object, got {actual!r}"]
        tolerance = _decimal(expected.get("tolerance"))
        found = []
        for name, value in expected.items():
            if name == "tolerance":
                continue
            if name not in actual:
                found.append(f"{where}/{name}: nothing was worked out, expected {value!r}")
            elif tolerance is not None and _decimal(value) is not None and _decimal(actual[name]) is not None:
                if abs(_decimal(value) - _decimal(actual[name])) > tolerance:  # type: ignore[operator]
                    found.append(f"{where}/{name}: expected {value} ± {tolerance}, got {actual[name]}")
            else:
                found += differences(value, actual[name], f"{where}/{name}")
        return found
    if isinstance(expected, list):
        if not isinstance(actual, Iterable) or isinstance(actual, str):
            return [f"{where}: expected a list, got {actual!r}"]
        values = list(actual)
        if len(values) != len(expected):
            return [f"{where}: expected {len(expected)} entries, got {len(values)}: {values!r}"]
        return [
            line
            for n, pair in enumerate(zip(expected, values, strict=True))
            for line in differences(*pair, f"{where}/{n}")
        ]
    return [] if _same(expected, actual) else [f"{where}: expected {expected!r}, got {actual!r}"]


def _same(expected: Any, actual: Any) -> bool:
    if isinstance(expected, bool) or isinstance(actual, bool) or expected is None or actual is None:
        return expected is actual
    wanted, got = _decimal(expected), _decimal(actual)
    if wanted is not None and got is not None:
        return abs(wanted - got) <= TOLERANCE
    return str(expected) == str(actual)


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, Fraction):
        return Decimal(value.numerator) / value.denominator
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value):
        return Decimal(value)
    return None
