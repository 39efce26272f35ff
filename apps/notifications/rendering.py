"""Words of a message: the bank's own or the kind's, in the reader's language, with the facts filled in.

Texts hold placeholders and nothing else: no code, no HTML. The HTML of an e-mail is the text, escaped, in the brand's
layout, so that the two never say different things.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from django.conf import settings
from django.template.loader import render_to_string

from apps.core.currencies import currency_get
from apps.core.notices import IN_APP, PUSH, SMS, Amount, Kind, Phrase, Texts, template_fill
from apps.core.words import languages_of, phrase

SUBJECT_MAX, BODY_MAX, SMS_MAX, TEXT_MAX = 200, 500, 480, 60_000
"""Characters. An SMS of 480 goes out in at most eight parts; a push payload must stay below 4 KB."""
VALUE_MAX = 4_000
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom a text is for."""

    name: str
    locale: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Words:
    """A finished subject (or title) and text."""

    subject: str
    text: str


Overrides = Mapping[tuple[str, str, str], tuple[str, str]]
"""(kind, channel, locale) -> (subject, text): the bank's own templates."""


def context_to_json(kind: Kind, context: Any) -> dict[str, Any]:
    """The context's fields, checked against their types, as JSON keeps them. Raises TypeError."""
    if type(context) is not type(kind.sample):
        raise TypeError(f"{kind.code} takes a {type(kind.sample).__name__}, not a {type(context).__name__}")
    return {name: _to_json(kind, name, hint, getattr(context, name)) for name, hint in kind.fields.items()}


def _to_json(kind: Kind, name: str, hint: type, value: Any) -> Any:
    if type(value) is not hint and not (issubclass(hint, str) and isinstance(value, str)):
        raise TypeError(f"{kind.code}.{name} must be {hint.__name__}, not {type(value).__name__}")
    if isinstance(value, Amount):
        currency_get(value.currency)
        return [value.minor, value.currency]
    if isinstance(value, dt.datetime) and value.tzinfo is None:
        raise TypeError(f"{kind.code}.{name} must be an aware time")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, str):
        return shorten(value.replace("\x00", ""), VALUE_MAX)
    return str(value) if isinstance(value, Decimal) else value


def values_of(kind: Kind, facts: Mapping[str, Any], reader: Reader) -> dict[str, str]:
    """Every placeholder's text for this reader. A field that was added to the kind later is empty in old facts."""
    locale, zone = locale_of(reader.locale), ZoneInfo(reader.time_zone)
    values = {"recipient_name": reader.name, "bank_name": str(settings.NUMINA["BANK_NAME"])}
    for name, hint in kind.fields.items():
        raw = facts.get(name)
        if hint is Phrase:
            raw = phrase(str(raw or ""), locale=reader.locale)
        values[name] = "" if raw is None else _shown(hint, raw, locale, zone)
    return values


def _shown(hint: type, raw: Any, locale: Locale, zone: ZoneInfo) -> str:
    if hint is Amount:
        minor, code = raw
        exponent = currency_get(code).exponent
        pattern = "#,##0" + ("." + "0" * exponent if exponent else "")
        amount = format_decimal(Decimal(minor).scaleb(-exponent), format=pattern, locale=locale)
        return f"{amount} {code}"
    if hint is dt.datetime:
        moment = dt.datetime.fromisoformat(raw).astimezone(zone)
        return f"{format_datetime(moment, 'd MMMM yyyy, HH:mm', locale=locale)} {moment.tzname()}"
    if hint is dt.date:
        return format_date(dt.date.fromisoformat(raw), "d MMMM yyyy", locale=locale)
    if hint in (int, Decimal):
        return format_decimal(Decimal(raw), locale=locale, decimal_quantization=False)
    return str(raw)


def locale_of(code: str) -> Locale:
    """Babel's locale, English for what it does not know."""
    try:
        return Locale.parse(code, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale.parse("en_GB")


def words_of(kind: Kind, channel: str, locale: str, overrides: Overrides) -> Words:
    """The unfilled words for a channel: of the nearest language; in one language, the bank's own before the code's."""
    for language in languages_of(locale):
        own = overrides.get((kind.code, channel, language))
        if own is not None:
            return Words(*own)
        texts = kind.texts.get(language)
        if texts is not None:
            return _of_code(texts, channel)
    return _of_code(kind.texts["en"], channel)


def _of_code(texts: Texts, channel: str) -> Words:
    if channel == SMS:
        return Words("", texts.short or texts.subject)
    if channel in (IN_APP, PUSH):
        return Words(texts.subject, texts.short)
    return Words(texts.subject, texts.text)


def words_fill(words: Words, channel: str, values: Mapping[str, str]) -> Words:
    """Placeholders replaced, one line where a channel shows one, cut to what it carries."""
    subject = one_line(template_fill(words.subject, values), SUBJECT_MAX)
    text = template_fill(words.text, values)
    if channel == SMS:
        return Words("", one_line(text, SMS_MAX))
    if channel in (IN_APP, PUSH):
        return Words(subject, one_line(text, BODY_MAX))
    return Words(subject, shorten(_printable(text, keep="\n\t"), TEXT_MAX))


def one_line(text: str, limit: int) -> str:
    """The text in one line without controls: what goes into a header cannot begin another."""
    return shorten(_SPACES.sub(" ", _printable(text, keep="\n\r\t")).strip(), limit)


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, with an ellipsis where something was cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "\u2026"


def _printable(text: str, *, keep: str) -> str:
    """Without controls, unpaired surrogates and marks that reorder what is read."""
    if text.isascii() and text.isprintable():
        return text
    bad = {"Cc", "Cs", "Co", "Zl", "Zp"}
    return "".join(
        letter
        for letter in text
        if letter in keep
        or (
            unicodedata.category(letter) not in bad
            and letter not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
        )
    )


def email_html(*, parts: Iterable[tuple[Words, str]], reader: Reader, subject: str) -> str:
    """The branded HTML of an e-mail: each part's paragraphs and, where there is a link, its button."""
    facts = email_facts(parts=parts, reader=reader, subject=subject)
    return render_to_string("notifications/email.html", {"mail": facts})


def email_facts(*, parts: Iterable[tuple[Words, str]], reader: Reader, subject: str) -> dict[str, Any]:
    """What the e-mail's templates show: `mail`."""
    sections = [
        {"title": words.subject, "paragraphs": _paragraphs(words.text), "link": link_absolute(link)}
        for words, link in parts
    ]
    return {
        "subject": subject,
        "sections": sections,
        "is_digest": len(sections) > 1,
        "bank_name": settings.NUMINA["BANK_NAME"],
        "site": settings.NUMINA["PUBLIC_URL"],
        "language": reader.locale,
        "open": phrase("Open", locale=reader.locale),
    }


def email_text(*, parts: Iterable[tuple[Words, str]]) -> str:
    """The plain text of an e-mail: the parts, each with its link."""
    pieces = []
    sections = list(parts)
    for words, link in sections:
        lines = [words.subject, "", words.text] if len(sections) > 1 else [words.text]
        if link_absolute(link):
            lines += ["", link_absolute(link)]
        pieces.append("\n".join(lines).strip())
    return shorten("\n\n----\n\n".join(pieces), TEXT_MAX) + f"\n\n-- \n{settings.NUMINA['BANK_NAME']}\n"


def link_absolute(link: str) -> str:
    """A path of this site as an address; empty when there is no path or the site's address is not set."""
    site = str(settings.NUMINA["PUBLIC_URL"])
    return f"{site}{link}" if site and link else ""


def link_is_own(link: str) -> bool:
    """Is it a path of this site, and nothing that a browser would take for another?"""
    return not link or bool(re.fullmatch(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*", link))


def _paragraphs(text: str) -> list[str]:
    return [paragraph.strip("\n") for paragraph in re.split(r"\n\s*\n", text) if paragraph.strip()]


def sample_facts(kind: Kind) -> dict[str, Any]:
    """The sample's facts, for previews."""
    return context_to_json(kind, dataclasses.replace(kind.sample))
