"""What a policy's document says, whether it holds together, and which rule of it asks for approval. Pure functions.

    {"segments": [
       {"name": "Politically exposed", "when": {"risk_flags": ["pep"]}, "bands": [...]},
       {"name": "Everybody else", "when": {}, "bands": [
          {"from": "0", "to": "100000.00", "levels": []},
          {"from": "100000.00", "to": null, "levels": [
             {"name": "Branch manager", "stage": 1, "who": {"role": "branch_manager", "position": "branch"},
              "need": "any", "sla_hours": 8}]}]}],
     "expire_hours": 80, "bulk_limit": "50000.00"}

The first segment whose conditions all hold decides; the last has none, so nothing falls through. Bands are half-open
(`from` is in, `to` is not), in the bank's base currency, start at zero, follow each other without gap or overlap, and
end open. A band without levels lets the action go at once. Levels of one stage are open side by side; hours are those
in which the branch works.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.approvals.errors import PolicyInvalid
from apps.core.currencies import currency_get
from apps.core.errors import DomainError
from apps.core.money import amount_parse

CONDITIONS = ("products", "member_types", "branches", "channels", "risk_flags")
POSITIONS = ("own_manager", "branch", "area", "head_office")
LEVELS_MAX, SEGMENTS_MAX, BANDS_MAX, VALUES_MAX = 12, 20, 20, 50
HOURS_MAX = 2_000
EXPIRE_HOURS_DEFAULT = 200


@dataclass(frozen=True, slots=True)
class Who:
    """Whom a level asks: people who hold the role, at the position, in the group; what is empty does not count."""

    role: str = ""
    position: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class LevelRule:
    """One level. `need` is any (one), all, or how many; hours are working hours."""

    name: str
    stage: int
    who: Who
    need: str | int
    sla_hours: int
    remind_hours: int
    skip_if_maker_outranks: bool
    escalate_to: Who | None
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Band:
    """Amounts from `minimum` up to but without `maximum` (None: any), base currency minor units, and its levels."""

    minimum: int
    maximum: int | None
    levels: tuple[LevelRule, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """Requests for which all of `when` hold, and their bands."""

    name: str
    when: Mapping[str, tuple[str, ...]]
    bands: tuple[Band, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A policy's rules. `bulk_limit` in base currency minor units: what is above is decided one by one."""

    segments: tuple[Segment, ...]
    expire_hours: int
    bulk_limit: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rule that decides on one request."""

    segment: Segment
    band: Band

    @property
    def asks(self) -> bool:
        """Does it ask for anybody's approval?"""
        return bool(self.band.levels)


class _Faults:
    def __init__(self) -> None:
        self.items: list[dict[str, str]] = []

    def add(self, pointer: str, detail: str) -> None:
        self.items.append({"pointer": f"/document{pointer}", "code": "invalid", "detail": detail})


def document_parse(document: Any, *, currency: str) -> Document:
    """The rules of a document. Raises `PolicyInvalid` with every fault: gaps and overlaps of bands, unknown members."""
    faults = _Faults()
    value = _object(document, "", ("segments", "expire_hours", "bulk_limit"), faults)
    segments = tuple(
        _segment(item, f"/segments/{place}", currency, faults)
        for place, item in enumerate(_list(value.get("segments"), "/segments", SEGMENTS_MAX, faults))
    )
    if not segments:
        faults.add("/segments", "A policy needs a segment at least.")
    for place, segment in enumerate(segments):
        last = place == len(segments) - 1
        if last and segment.when:
            faults.add(f"/segments/{place}/when", "The last segment has no conditions, so that nothing falls through.")
        if not last and not segment.when:
            faults.add(f"/segments/{place}/when", "Only the last segment is without conditions; none after it is met.")
    expire = _hours(value.get("expire_hours", EXPIRE_HOURS_DEFAULT), "/expire_hours", faults)
    bulk = _amount(value.get("bulk_limit", "0"), "/bulk_limit", currency, faults)
    if faults.items:
        error = PolicyInvalid(faults.items[0]["detail"], pointer=faults.items[0]["pointer"])
        error.extra["errors"] = faults.items
        raise error
    return Document(segments, expire, bulk)


def rule_choose(document: Document, *, base_minor: int | None, facts: Mapping[str, Any]) -> Chosen:
    """The segment and band for these facts. An amount that is not known in the base currency is in the highest band.

    `facts` holds product, member_type, branch and channel as text and risk_flags as a list.
    """
    segment = next(item for item in document.segments if _holds(item.when, facts))
    return Chosen(segment, _band(segment, base_minor))


def may_ask(document: Document, *, base_minor: int | None) -> bool:
    """Can any rule ask for approval of this amount, whatever the other facts are? For paths that must be fast."""
    return any(_band(segment, base_minor).levels for segment in document.segments)


def _band(segment: Segment, base_minor: int | None) -> Band:
    if base_minor is None:
        return segment.bands[-1]
    return next(band for band in segment.bands if band.maximum is None or base_minor < band.maximum)


def _holds(when: Mapping[str, tuple[str, ...]], facts: Mapping[str, Any]) -> bool:
    names = {"products": "product", "member_types": "member_type", "branches": "branch", "channels": "channel"}
    for condition, wanted in when.items():
        if condition == "risk_flags":
            if not set(wanted) & set(facts.get("risk_flags") or ()):
                return False
        elif facts.get(names[condition]) not in wanted:
            return False
    return True


def _segment(item: Any, at: str, currency: str, faults: _Faults) -> Segment:
    value = _object(item, at, ("name", "when", "bands"), faults)
    when_raw = _object(value.get("when", {}), f"{at}/when", CONDITIONS, faults)
    when = {}
    for name, values in when_raw.items():
        texts = _list(values, f"{at}/when/{name}", VALUES_MAX, faults)
        if not texts or not all(isinstance(text, str) and text for text in texts):
            faults.add(f"{at}/when/{name}", "A list of codes; leave the condition out when it does not count.")
        when[name] = tuple(str(text) for text in texts)
    bands = tuple(
        _band_parse(band, f"{at}/bands/{place}", currency, faults)
        for place, band in enumerate(_list(value.get("bands"), f"{at}/bands", BANDS_MAX, faults))
    )
    _bands_check(bands, f"{at}/bands", faults)
    return Segment(_text(value.get("name"), f"{at}/name", faults), when, bands)


def _bands_check(bands: Sequence[Band], at: str, faults: _Faults) -> None:
    """From zero to any amount, without gap or overlap."""
    if not bands:
        faults.add(at, "A segment needs a band at least.")
        return
    if bands[0].minimum != 0:
        faults.add(f"{at}/0/from", "The first band starts at zero.")
    if bands[-1].maximum is not None:
        faults.add(f"{at}/{len(bands) - 1}/to", "The last band is open: null.")
    for place, band in enumerate(bands[:-1]):
        following = bands[place + 1].minimum
        if band.maximum is None:
            faults.add(f"{at}/{place}/to", "Only the last band is open.")
        elif band.maximum <= band.minimum:
            faults.add(f"{at}/{place}/to", "The band is empty.")
        elif following > band.maximum:
            faults.add(f"{at}/{place + 1}/from", "There is a gap before this band.")
        elif following < band.maximum:
            faults.add(f"{at}/{place + 1}/from", "The band overlaps the one before.")


def _band_parse(item: Any, at: str, currency: str, faults: _Faults) -> Band:
    value = _object(item, at, ("from", "to", "levels"), faults)
    minimum = _amount(value.get("from"), f"{at}/from", currency, faults)
    maximum = None if value.get("to") is None else _amount(value["to"], f"{at}/to", currency, faults)
    raw = _list(value.get("levels"), f"{at}/levels", LEVELS_MAX, faults)
    levels = tuple(_level(level, f"{at}/levels/{place}", faults) for place, level in enumerate(raw))
    stages = [level.stage for level in levels]
    if stages and (stages != sorted(stages) or set(stages) != set(range(1, max(stages) + 1))):
        faults.add(f"{at}/levels", "Stages count up from 1 without a gap.")
    return Band(minimum, maximum, levels)


_LEVEL = ("name", "stage", "who", "need", "sla_hours", "remind_hours", "skip_if_maker_outranks", "escalate_to")


def _level(item: Any, at: str, faults: _Faults) -> LevelRule:
    value = _object(item, at, _LEVEL, faults)
    need = value.get("need", "any")
    if need not in ("any", "all") and not (type(need) is int and 1 <= need <= 20):
        faults.add(f"{at}/need", "any, all, or how many from 1 to 20.")
        need = "any"
    stage = value.get("stage")
    if type(stage) is not int or not 1 <= stage <= LEVELS_MAX:
        faults.add(f"{at}/stage", f"A whole number from 1 to {LEVELS_MAX}.")
        stage = 1
    sla = _hours(value.get("sla_hours", 8), f"{at}/sla_hours", faults)
    remind = _hours(value.get("remind_hours", max(1, sla // 2)), f"{at}/remind_hours", faults)
    escalate = value.get("escalate_to")
    skip = value.get("skip_if_maker_outranks", False)
    if type(skip) is not bool:
        faults.add(f"{at}/skip_if_maker_outranks", "true or false.")
    return LevelRule(
        name=_text(value.get("name"), f"{at}/name", faults),
        stage=stage,
        who=_who(value.get("who"), f"{at}/who", faults),
        need=need,
        sla_hours=sla,
        remind_hours=remind,
        skip_if_maker_outranks=skip is True,
        escalate_to=None if escalate is None else _who(escalate, f"{at}/escalate_to", faults),
        raw=value,
    )


def _who(item: Any, at: str, faults: _Faults) -> Who:
    value = _object(item, at, ("role", "position", "group"), faults)
    texts = {name: str(text) for name, text in value.items() if text}
    if not texts:
        faults.add(at, "Name a role, a position or a group.")
    if texts.get("position", POSITIONS[0]) not in POSITIONS:
        faults.add(f"{at}/position", f"One of {', '.join(POSITIONS)}.")
    return Who(**texts)


def level_rule(raw: Mapping[str, Any]) -> LevelRule:
    """A level as it was stored with a request."""
    return _level(raw, "", _Faults())


def _object(item: Any, at: str, names: Sequence[str], faults: _Faults) -> dict[str, Any]:
    if not isinstance(item, Mapping):
        faults.add(at, "Must be an object.")
        return {}
    for name in item:
        if name not in names:
            faults.add(f"{at}/{str(name)[:40]}", "Unknown member.")
    return {name: item[name] for name in names if name in item}


def _list(item: Any, at: str, most: int, faults: _Faults) -> list[Any]:
    if not isinstance(item, list) or len(item) > most:
        faults.add(at, f"Must be a list of at most {most}.")
        return []
    return item


def _text(item: Any, at: str, faults: _Faults) -> str:
    if not isinstance(item, str) or not 1 <= len(item.strip()) <= 80:
        faults.add(at, "Text of 1 to 80 characters.")
        return ""
    return item.strip()


def _hours(item: Any, at: str, faults: _Faults) -> int:
    if type(item) is not int or not 1 <= item <= HOURS_MAX:
        faults.add(at, f"Whole working hours from 1 to {HOURS_MAX}.")
        return 1
    return item


def _amount(item: Any, at: str, currency: str, faults: _Faults) -> int:
    try:
        return amount_parse(item, currency_get(currency).exponent)
    except DomainError as error:
        faults.add(at, error.detail)
        return 0
