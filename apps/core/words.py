"""Languages that Numina speaks to people in, besides English: one file each below fixtures/words/.

    {"language": "Kiswahili",
     "texts": {"jobs.done": {"subject": "...", "text": "...", "short": "..."}},
     "phrases": {"carried out": "imetekelezwa"}}

`texts` are those of kinds of notices, with the placeholders of the English ones; `phrases` are fixed words that stand
in for a placeholder, by the English. Another language is another file; a test says what it lacks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from config.env import ROOT

FOLDER = ROOT / "fixtures" / "words"
ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Language:
    """One file: the language's own name, texts by kind, phrases by their English."""

    name: str
    texts: Mapping[str, Mapping[str, str]]
    phrases: Mapping[str, str]


@cache
def languages() -> Mapping[str, Language]:
    """The shipped languages besides English, by code. Read once."""
    found = {}
    for path in sorted(FOLDER.glob("*.json")):
        held = json.loads(path.read_text(encoding="utf-8"))
        found[path.stem] = Language(held["language"], held["texts"], held["phrases"])
    return found


def language_names() -> list[tuple[str, str]]:
    """Code and own name of each language, English first."""
    return [(ENGLISH, "English"), *((code, language.name) for code, language in languages().items())]


def languages_of(locale: str) -> list[str]:
    """Where to look for words, best first: sw-KE, sw, en."""
    parts = locale.split("-")
    found = ["-".join(parts[:count]) for count in range(len(parts), 0, -1)]
    return [*found, ENGLISH] if ENGLISH not in found else found


def phrase(english: str, *, locale: str) -> str:
    """A fixed phrase in the reader's language; as it is where nobody has translated it."""
    for code in languages_of(locale):
        if code == ENGLISH:
            break
        language = languages().get(code)
        if language is not None and english in language.phrases:
            return language.phrases[english]
    return english
