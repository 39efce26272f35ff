"""How members are found: a few words, each the beginning of a name, number, phone number or e-mail address.

`Member.search_text` holds the member's words, folded (no accents, no case, no punctuation); PostgreSQL indexes them as
lexemes (GIN), so "ali oti" finds Alice Otieno by two prefix look-ups and a bitmap, whatever the order of the words.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from django.db.models import BooleanField, F, Func, TextField, Value

WORDS_MAX = 6
WORD_LENGTH_MAX = 60
# People dial 0712 345 678; the record says +254712345678. The last nine digits are the same in both.
NATIONAL_DIGITS = 9

_APOSTROPHES = re.compile("['`\u2018\u2019\u02bc\u02bb]")  # O'Brien, Ng'ang'a: one word
_NOT_WORD = re.compile(r"[\W_]+")


def words_of(text: str) -> list[str]:
    """The folded words of a text, in order."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    plain = "".join(character for character in folded if not unicodedata.combining(character))
    return [word[:WORD_LENGTH_MAX] for word in _NOT_WORD.split(_APOSTROPHES.sub("", plain)) if word]


def search_text_of(*, number: str, names: list[str], phone: str, email: str, registration_number: str) -> str:
    """What `Member.search_text` holds for these facts. Services and bulk loaders write it with the row."""
    words = [number.casefold()]
    for name in names:
        words += words_of(name)
    digits = "".join(character for character in phone if character.isdigit())
    if digits:
        words += [digits, digits[-NATIONAL_DIGITS:]]
    if email:
        words += [email.casefold(), *words_of(email.partition("@")[0])]
    words += words_of(registration_number)
    return " ".join(dict.fromkeys(words))


def query_of(text: str) -> str:
    """The tsquery that finds `text`; empty when it has no word to look for. Later words than the sixth do not count."""
    terms = []
    for chunk in text.split()[:WORDS_MAX]:
        if "@" in chunk:
            terms.append(_prefix(chunk.casefold()[:254]))
            continue
        bare = chunk.lstrip("+")
        digits = re.sub(r"[-().]", "", bare)
        if digits.isascii() and digits.isdigit():
            national = digits.lstrip("0")
            choices = dict.fromkeys([digits, national] if national else [digits])
            terms.append("(" + " | ".join(_prefix(choice) for choice in choices) + ")")
            continue
        terms += [_prefix(word) for word in words_of(chunk)]
    return " & ".join(terms[:WORDS_MAX])


def _prefix(word: str) -> str:
    quoted = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{quoted}':*"


class _Vector(Func):
    # The expression of the index members_by_words.
    function = "members_words"
    output_field = TextField()


class _Query(Func):
    template = "%(expressions)s::tsquery"
    output_field = TextField()


class WordsMatch(Func):
    """The condition that a member has words beginning with those of `query_of`: queryset.filter(WordsMatch(query))."""

    template = "%(expressions)s"
    arg_joiner = " @@ "
    output_field = BooleanField()

    def __init__(self, query: str = "", *expressions: Any, **extra: Any) -> None:
        given = expressions or (_Vector(F("search_text")), _Query(Value(query)))
        super().__init__(*given, **extra)


class OneOf(Func):
    """The condition that the key is one of those in an array: queryset.filter(OneOf(F("pk"), ArraySubquery(...))).

    The array is worked out first, by its own plan. As an ordinary condition the search would be planned together with
    the order and the limit of a page, and for a rare name the planner then reads a whole branch in that order.
    """

    template = "%(expressions)s)"
    arg_joiner = " = ANY ("
    output_field = BooleanField()
