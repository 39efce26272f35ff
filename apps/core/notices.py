"""What people are told: each app declares its kinds of notices here, and sends them with `notify`.

Kinds live below all apps so that any of them can tell somebody something; templates, preferences and delivery are of
the app `notifications`, which registers itself as the one that answers.

    @dataclass(frozen=True)
    class StepWaiting:
        subject: str
        due: dt.date

    STEP_WAITING = kind_register(Kind(
        code="approvals.step_waiting", title="A decision waits for you",
        sample=StepWaiting("Loan 17", dt.date(2026, 1, 5)),
        texts={"en": Texts("Please decide: {subject}", "{subject} waits for your decision until {due}.")},
    ))
    notify(STEP_WAITING, recipients=[user.pk], context=StepWaiting("Loan 18", day), at=at, link="/admin/...")
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, get_type_hints
from uuid import UUID

from apps.core.words import languages

IN_APP, EMAIL, SMS, PUSH = "in_app", "email", "sms", "push"
CHANNELS = (IN_APP, EMAIL, SMS, PUSH)
COMMON_NAMES = frozenset({"recipient_name", "bank_name"})
"""Placeholders that every text may use beside the fields of its context."""

_CODE = re.compile(r"[a-z_]+\.[a-z_]+\Z")
_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z")
_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")


@dataclasses.dataclass(frozen=True, slots=True)
class Amount:
    """Money in a context: minor units and an ISO 4217 code. Shown with the separators of the reader's locale."""

    minor: int
    currency: str


class Phrase(str):
    """A field of a context that holds fixed English words; shown in the reader's language (apps.core.words)."""

    __slots__ = ()


CONTEXT_TYPES = (str, Phrase, int, Decimal, dt.date, dt.datetime, Amount)


@dataclasses.dataclass(frozen=True, slots=True)
class Texts:
    """The words of a kind in one language, with {placeholders}; {{ and }} are braces.

    `subject` is the e-mail's and the title elsewhere; `text` is the e-mail's, paragraphs parted by empty lines;
    `short` is for SMS, push and the bell: `subject` when it is empty.
    """

    subject: str
    text: str
    short: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """One kind of notice.

    `sample` is an instance of the context's dataclass: it fixes the type and fills previews. `texts` has the words by
    language, English at least; those of fixtures/words/ join them. `channels` are those in use until the person says
    otherwise; those in `fixed` cannot be switched off nor put off to a digest. An `urgent` kind does not wait for the
    end of quiet hours.
    People choose channels for every kind, unless it is not `choosable`: it then only lends its words.
    """

    code: str
    title: str
    sample: Any
    texts: Mapping[str, Texts]
    channels: frozenset[str] = frozenset({IN_APP, EMAIL})
    fixed: frozenset[str] = frozenset()
    urgent: bool = False
    choosable: bool = True

    @property
    def fields(self) -> dict[str, type]:
        """The context's fields and their types."""
        return get_type_hints(type(self.sample))

    @property
    def names(self) -> frozenset[str]:
        """The placeholders that its texts may use."""
        return frozenset(self.fields) | COMMON_NAMES


Notifier = Callable[..., list[UUID]]
"""apps.notifications.services.notification_create."""

_kinds: dict[str, Kind] = {}
_notifiers: list[Notifier] = []


def notify(
    kind: Kind,
    *,
    recipients: Iterable[UUID],
    context: Any,
    at: dt.datetime,
    link: str = "",
    key: str = "",
    bulk: bool = False,
) -> list[UUID]:
    """Tell the users `recipients` something, as part of the running transaction; sent once it has committed.

    `context` is an instance of the kind's dataclass. `link` is a path of this site to what it is about. The same `key`
    reaches a person once for each kind, however often it is asked for. `bulk` mail goes out at the bank's rate, behind
    all other. Returns the ids of the new notifications; inactive users and repeats have none.
    Raises TypeError for a context of another type, ValueError for a link that leaves the site or an unknown kind.
    """
    if not _notifiers:
        raise RuntimeError("nobody delivers: is apps.notifications in INSTALLED_APPS?")
    return _notifiers[0](kind=kind, recipients=recipients, context=context, at=at, link=link, key=key, bulk=bulk)


def notifier_register(notifier: Notifier) -> None:
    """Make `notifier` the one that answers. Called once, by the app notifications."""
    _notifiers[:] = [notifier]


def kind_register(kind: Kind) -> Kind:
    """Make a kind known, with the texts of the shipped languages, and return it.

    Raises ValueError for one that is not sound, or whose shipped texts are not: see the messages.
    """
    shipped = {
        code: Texts(**language.texts[kind.code])
        for code, language in languages().items()
        if kind.code in language.texts
    }
    kind = dataclasses.replace(kind, texts={**shipped, **kind.texts})
    if not _CODE.match(kind.code):
        raise ValueError(f"a kind's code reads like approvals.step_waiting, not {kind.code!r}")
    if _kinds.get(kind.code, kind) != kind:
        raise ValueError(f"two kinds are called {kind.code}")
    if not dataclasses.is_dataclass(kind.sample) or isinstance(kind.sample, type):
        raise ValueError(f"{kind.code}: the sample is an instance of the context's dataclass")
    wrong = [name for name, hint in kind.fields.items() if hint not in CONTEXT_TYPES or name in COMMON_NAMES]
    if wrong:
        raise ValueError(f"{kind.code}: not possible as fields of a context: {', '.join(wrong)}")
    unknown = (kind.channels | kind.fixed) - set(CHANNELS)
    if unknown or not kind.fixed <= kind.channels:
        raise ValueError(f"{kind.code}: fixed channels are among its channels, and those are {', '.join(CHANNELS)}")
    if "en" not in kind.texts or not all(_LOCALE.match(locale) for locale in kind.texts):
        raise ValueError(f"{kind.code}: texts are by locale (en, sw, fr-CA), English among them")
    for texts in kind.texts.values():
        for text in (texts.subject, texts.text, texts.short):
            fault = template_fault(text, names=kind.names)
            if fault:
                raise ValueError(f"{kind.code}: {fault}")
    _kinds[kind.code] = kind
    return kind


def kind_get(code: str) -> Kind | None:
    """The kind with this code, if an app has registered it."""
    return _kinds.get(code)


def kinds_all() -> list[Kind]:
    """All kinds, by code."""
    return [_kinds[code] for code in sorted(_kinds)]


def template_fault(text: str, *, names: Iterable[str]) -> str:
    """What is wrong with a text's placeholders, in words; empty when nothing is. Braces hold a name and no more."""
    known = frozenset(names)
    for match in _BRACES.finditer(text):
        if match[0] in ("{{", "}}"):
            continue
        name = match[1]
        if name is None:
            return "A single brace stands alone; write {{ or }} for a brace."
        if not _NAME.match(name) or name not in known:
            return f"There is no {{{name[:40]}}} here; there are: {', '.join(sorted(known))}."
    return ""


def template_fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with its placeholders replaced, once: braces in values stay as they are. KeyError for a missing value."""

    def replace(match: re.Match[str]) -> str:
        if match[0] in ("{{", "}}"):
            return match[0][0]
        return values[match[1]]

    return _BRACES.sub(replace, text)
