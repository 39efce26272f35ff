"""Words: placeholders and nothing else, the reader's language, headers and HTML that facts cannot break."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings

from apps.approvals.models import ApprovalRequest
from apps.approvals.notices import EVENT_WORDS, STEP_TAKEN
from apps.budgets.models import BudgetAlert
from apps.core.notices import (
    EMAIL,
    IN_APP,
    SMS,
    Amount,
    Kind,
    Phrase,
    Texts,
    kind_get,
    kind_register,
    kinds_all,
    template_fault,
    template_fill,
)
from apps.core.words import languages
from apps.notifications.rendering import (
    Reader,
    Words,
    context_to_json,
    email_html,
    link_is_own,
    values_of,
    words_fill,
    words_of,
)
from apps.payments.models import PendingPayment
from apps.payments.services._standing_run import REASONS
from tests.notifications.kinds import APPROVED, SAMPLE

ALICE = Reader("Alice Wanjiku", "en-KE", "Africa/Nairobi")


def filled(channel: str, reader: Reader = ALICE, overrides: Any = None, **changes: Any) -> Words:
    facts = context_to_json(APPROVED, dataclasses.replace(SAMPLE, **changes))
    return words_fill(
        words_of(APPROVED, channel, reader.locale, overrides or {}), channel, values_of(APPROVED, facts, reader)
    )


def test_facts_are_shown_by_the_readers_language_and_clock() -> None:
    text = filled(EMAIL).text

    assert "125,000.50 KES at 12.5 % over 24 months" in text
    assert "first due 1 April 2026, decided 2 March 2026, 11:30 EAT" in text
    assert "125\u202f000,50 KES" in filled(EMAIL, Reader("Amina", "fr", "Europe/Paris")).text


@pytest.mark.parametrize(
    ("locale", "start"), [("sw-KE", "Harvest loan imekubaliwa"), ("sw", "Harvest loan imeku"), ("de", "Your Harvest")]
)
def test_words_are_of_the_nearest_language(locale: str, start: str) -> None:
    assert filled(EMAIL, Reader("A", locale, "UTC")).subject.startswith(start)


def shipped_kinds() -> list[Kind]:
    return [kind for kind in kinds_all() if not kind.code.startswith("tests.")]


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"(?<!\{)\{([a-z_]+)\}", text))


@pytest.mark.parametrize("code", ["fr", "sw"])
def test_every_template_is_in_every_shipped_language_with_the_same_variables(code: str) -> None:
    language = languages()[code]
    english = {kind.code: kind.texts["en"] for kind in shipped_kinds()}

    assert set(language.texts) == set(english)
    for kind, texts in english.items():
        for part, held in dataclasses.asdict(texts).items():
            translated = getattr(kind_get(kind).texts[code], part)  # type: ignore[union-attr]
            assert placeholders(translated) == placeholders(held), (kind, part)
            assert bool(translated) == bool(held), (kind, part)


def test_the_phrases_that_stand_in_for_placeholders_are_in_every_shipped_language() -> None:
    said = {*EVENT_WORDS.values(), *REASONS.values(), *ApprovalRequest.State.labels}
    said |= {str(label).lower() for label in (*BudgetAlert.Level.labels, *PendingPayment.Status.labels)}

    for language in languages().values():
        assert said <= set(language.phrases)
        assert language.phrases.keys() == languages()["fr"].phrases.keys()


def test_messages_of_identity_are_in_every_shipped_language_with_the_same_variables() -> None:
    folder = settings.BASE_DIR / "templates" / "identity" / "messages"
    for english in folder.glob("*.txt"):
        names = set(re.findall(r"\{\{ (\w+)", english.read_text()))
        for code in languages():
            assert set(re.findall(r"\{\{ (\w+)", (folder / code / english.name).read_text())) == names


def test_a_whole_message_reads_in_one_language() -> None:
    reader = Reader("Amina", "sw-KE", "Africa/Nairobi")
    facts = context_to_json(STEP_TAKEN, dataclasses.replace(STEP_TAKEN.sample, event=Phrase("carried out")))
    words = words_fill(words_of(STEP_TAKEN, EMAIL, reader.locale, {}), EMAIL, values_of(STEP_TAKEN, facts, reader))

    assert words.text == "Reversal of a transfer (KES 250,000.00): imetekelezwa. Hali ya sasa: inasubiri."
    html = email_html(parts=[(words, "/admin/")], reader=reader, subject=words.subject)
    assert '<html lang="sw-KE">' in html


def test_the_banks_own_words_come_before_those_of_the_code_in_the_same_language_only() -> None:
    overrides = {("tests.loan_approved", "email", "en"): ("Hooray, {recipient_name}", "{product}")}

    assert filled(EMAIL, overrides=overrides).subject == "Hooray, Alice Wanjiku"
    assert filled(EMAIL, Reader("A", "sw", "UTC"), overrides).subject == "Harvest loan imekubaliwa"
    assert filled(IN_APP, overrides=overrides).subject == "Your Harvest loan is approved"


@pytest.mark.parametrize("evil", ["a\r\nBcc: victim@example.com", "a\nX: y", "a\x0bb\x00c", "a\u2028b", "a\u202egpj"])
def test_nothing_in_a_fact_begins_another_header(evil: str) -> None:
    subject = filled(EMAIL, product=evil).subject

    assert not set(subject) & set("\r\n\x0b\x00\u2028\u202e")
    assert subject.isprintable()


def test_facts_are_no_markup_in_the_html() -> None:
    words = filled(EMAIL, product='<script>alert(1)</script><a href="https://evil.example">')
    html = email_html(parts=[(words, "/admin/")], reader=ALICE, subject=words.subject)

    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert 'href="https://evil.example"' not in html


def test_long_facts_are_cut_to_what_a_channel_carries() -> None:
    long = "x" * 100_000

    assert len(filled(EMAIL, product=long).subject) == 200
    assert len(filled(SMS, product=long).text) == 480
    assert len(filled(IN_APP, product=long).text) == 500


def test_braces_in_facts_are_not_filled_again() -> None:
    assert template_fill("{a} {{b}}", {"a": "{b}", "b": "no"}) == "{b} {b}"


@pytest.mark.parametrize(
    "text",
    ["{nobody}", "{product.__class__}", "{product!r}", "{product:>99999999}", "{}", "{0}", "{", "}", "{product",
     "{ product }", "{%load x%}", "{{{nobody}}}"],
)  # fmt: skip
def test_templates_hold_names_and_no_code(text: str) -> None:
    assert template_fault(text, names=APPROVED.names)


def test_template_tags_are_text() -> None:
    assert not template_fault("{{% load x %}}", names=APPROVED.names)
    assert template_fill("{{% load x %}}", {}) == "{% load x %}"


@pytest.mark.parametrize(
    "link",
    ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "admin", "/a b", "/a\nb"],
)
def test_links_stay_on_the_site(link: str) -> None:
    assert not link_is_own(link)


@pytest.mark.parametrize("link", ["", "/", "/admin/members/member/1/?tab=x#y"])
def test_paths_are_links(link: str) -> None:
    assert link_is_own(link)


def test_a_context_is_of_the_kinds_own_type() -> None:
    with pytest.raises(TypeError):
        context_to_json(APPROVED, {"product": "x"})
    with pytest.raises(TypeError):
        context_to_json(APPROVED, dataclasses.replace(SAMPLE, months="24"))
    with pytest.raises(TypeError):
        context_to_json(APPROVED, dataclasses.replace(SAMPLE, decided=dt.datetime(2026, 1, 1)))  # noqa: DTZ001


@dataclass(frozen=True)
class Bare:
    thing: str


@dataclass(frozen=True)
class Loose:
    thing: float


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "Nonsense"},
        {"sample": "text"},
        {"sample": Loose(1.0)},
        {"texts": {"sw": Texts("a", "b")}},
        {"texts": {"en": Texts("{stranger}", "b")}},
        {"channels": frozenset({"pigeon"})},
        {"channels": frozenset({IN_APP}), "fixed": frozenset({EMAIL})},
        {"code": "tests.loan_approved"},
    ],
    ids=lambda changes: next(iter(changes)) + str(len(str(changes)) % 97),
)
def test_a_kind_that_is_not_sound_is_refused_at_start(changes: dict[str, Any]) -> None:
    facts = {"code": "tests.odd", "title": "Odd", "sample": Bare("x"), "texts": {"en": Texts("{thing}", "{thing}")}}

    with pytest.raises(ValueError):
        kind_register(Kind(**{**facts, **changes}))


def test_an_amount_has_the_decimals_of_its_currency() -> None:
    facts = {**context_to_json(APPROVED, SAMPLE), "amount": [1234567, "JPY"]}

    assert values_of(APPROVED, facts, ALICE)["amount"] == "1,234,567 JPY"
    with pytest.raises(Exception, match=r"(?i)currenc"):
        context_to_json(APPROVED, dataclasses.replace(SAMPLE, amount=Amount(1, "XXZ")))
